"""Tables of every release, found by subject and session however they spell these."""

from __future__ import annotations

from contextlib import suppress

import openpyxl
import pytest

from dataset_fingerprints.atlas.metadata import read_metadata
from dataset_fingerprints.atlas.spreadsheets import read_sheets
from dataset_fingerprints.errors import DataError
from tests.synthetic.atlas_trees import write_xlsx


def write(path, text, encoding="utf-8"):
    path.write_text(text, encoding=encoding)
    return path


@pytest.mark.parametrize(
    ("subject", "session"),
    [
        ("sub-r001s001", "ses-1"),
        ("r001s001", "1"),
        ("R001S001", " t01"),
        ("sub-r001s001_ses-1", ""),
        ("sub-r001s001", ""),
    ],
)
def test_subject_and_session_may_be_spelled_in_many_ways(tmp_path, subject, session):
    table = write(tmp_path / "x.csv", f"Subject ID;Session;PVH\n{subject};{session};2\n")

    assert dict(read_metadata([table]).find("sub-r001s001", "ses-1", "R001").others) == {"PVH": "2"}


def test_a_column_of_sessions_may_name_the_subject(tmp_path):
    table = write(tmp_path / "x.csv", "SESSION_ID,DAYS_POST_STROKE\nsub-r001s001_ses-1,181\nsub-r001s001_ses-2,179.5\n")

    found = [read_metadata([table]).find("sub-r001s001", session, "R001") for session in ("ses-1", "ses-2")]

    assert [(one.days_post_stroke, one.chronicity) for one in found] == [(181.0, "chronic"), (179.5, "early")]


def test_the_table_of_one_session_counts_before_one_of_all(tmp_path):
    tables = [
        write(tmp_path / "all.csv", "Subject ID,Session,CHRONICITY,PVH\nsub-r001s001,1,0,3\n"),
        write(tmp_path / "sub-r001s001_ses-1_metadata.csv", "DAYS_POST_STROKE,CHRONICITY,SITE\n,1.0,R001\n"),
    ]

    found = read_metadata(tables).find("sub-r001s001", "ses-1", "")

    assert (found.chronicity, dict(found.others), found.site) == ("chronic", {"PVH": "3"}, "R001")


def test_patients_of_one_number_at_two_sites_are_told_apart(tmp_path):
    table = write_xlsx(
        tmp_path / "x.xlsx",
        [
            ["INDI Site ID", "INDI Subject ID", "Session", "PVH"],
            ["Site1", 31768, "t01", 1],
            ["Site2", 31768.0, "t01", 2],
        ],
    )
    metadata = read_metadata([table])

    assert [metadata.find("031768", "t01", site).others["PVH"] for site in ("Site1", "Site2")] == ["1", "2"]


def test_every_sheet_of_a_workbook_has_columns_of_its_own(tmp_path):
    path = write_xlsx(tmp_path / "x.xlsx", [["Explanation of the columns"], ["PVH: 0 to 3"]])
    book = openpyxl.load_workbook(path)
    for title, rows in (
        ("A", [["Subject ID", "PVH"], ["r001s001", 1]]),
        ("B", [["age", "Subject ID"], [61, "r001s001"]]),
    ):
        sheet = book.create_sheet(title)
        for row in rows:
            sheet.append(row)
    book.save(path)

    assert dict(read_metadata([path]).find("sub-r001s001", "ses-1", "").others) == {"PVH": "1", "age": "61"}


def test_columns_of_files_are_not_kept(tmp_path):
    table = write(tmp_path / "x.csv", "subject,image,age\nr001s001,imagesTr/a_0000.nii.gz,61\n")

    assert dict(read_metadata([table]).find("sub-r001s001", "ses-1", "").others) == {"age": "61"}


def test_text_of_windows_and_broken_files_are_no_fault(tmp_path):
    tables = [
        write(tmp_path / "a.csv", "Subject ID,Notes\nr001s001,Größe\n", "cp1252"),
        write(tmp_path / "b.xlsx", "no workbook"),
        write(tmp_path / "c.tsv", "what\thow\n1\t2\n"),
        write(tmp_path / "d.csv", ""),
    ]

    metadata = read_metadata(tables)

    assert metadata.find("sub-r001s001", "ses-1", "").others["Notes"] == "Größe"
    assert [path.name for path in metadata.tables] == ["a.csv"]
    assert [path.name for path, _ in metadata.unread] == ["b.xlsx", "c.tsv", "d.csv"]
    assert "cannot be read as a spreadsheet" in metadata.unread[0][1]


def test_a_bit_that_flips_in_a_workbook_is_reported_or_changes_nothing(tmp_path):
    path = write_xlsx(tmp_path / "x.xlsx", [["Subject ID", "PVH"], ["r001s001", 1]])
    sound = path.read_bytes()
    for place in range(30, len(sound), len(sound) // 100):
        path.write_bytes(sound[:place] + bytes([sound[place] ^ 1 << place % 8]) + sound[place + 1 :])
        with suppress(DataError):
            read_sheets(path)


def test_rows_of_one_session_that_contradict_each_other_are_named_and_the_first_counts(tmp_path):
    rows = "r001s001,1,300,2\nr001s001,ses-1,10,2\nr001s002,1,200,\nr001s002,1,,3\n"
    metadata = read_metadata([write(tmp_path / "x.csv", "Subject ID,Session,Days Post Stroke,PVH\n" + rows)])

    found = metadata.find("sub-r001s001", "ses-1", "R001")

    said = "two rows of x.csv contradict each other in Days Post Stroke (300, then 10): the first row counts"
    assert (found.days_post_stroke, found.remarks) == (300.0, (said,))
    assert metadata.find("sub-r001s002", "ses-1", "R001").remarks == ()


def test_rows_of_sessions_that_are_not_there_are_found(tmp_path):
    table = write(tmp_path / "x.csv", "Subject ID,Session,PVH\nsub-r001s001,ses-1,2\nsub-r555s001,ses-1,1\n")

    assert read_metadata([table]).find_rows_without([("sub-r001s001", "ses-1", "R001")]) == [
        (table, "sub-r555s001 ses-1")
    ]
