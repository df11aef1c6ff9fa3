"""CSVs of paths."""

from __future__ import annotations

import pytest

from dataset_fingerprints.dataset import Label
from dataset_fingerprints.errors import DataError
from dataset_fingerprints.layouts import read_dataset
from tests.dataset_fingerprints.layouts.builders import (
    rows_of,
    write_listing,
    write_msd,
)
from tests.synthetic.scans import head, write_csv, write_nifti, write_pairs


def test_a_csv_without_names_of_labels_has_one_lesion(tmp_path):
    write_pairs(tmp_path / "scans", tmp_path / "masks")
    dataset = read_dataset(write_csv(tmp_path / "strokes.csv", rows_of()))
    assert (dataset.name, dataset.root) == ("strokes", str(tmp_path.resolve()))
    assert dataset.labels.labels == (Label(name="lesion", value=1),)


def test_channels_of_a_csv_are_named_or_numbered_in_order(tmp_path):
    named, numbered = ("image:FLAIR", "image:T1w"), ("image_1", "image_0")
    for columns, expected in ((named, ("FLAIR", "T1w")), (numbered, ("0", "1"))):
        row = {columns[0]: "second.nii.gz", columns[1]: "first_0000.nii.gz", "label": "mask.nii.gz"}
        for file in row.values():
            write_nifti(tmp_path / file, head(0)[1])
        dataset = read_dataset(write_csv(tmp_path / "cases.csv", [row]))
        assert dataset.channels == expected
        first = {named: "second.nii.gz", numbered: "first_0000.nii.gz"}[columns]
        assert dataset.cases[0].image_paths()[0].name == first


def test_a_4d_file_in_a_csv_gives_a_channel_per_volume(tmp_path):
    write_msd(tmp_path, volumes=3)
    (tmp_path / "dataset.json").unlink()
    assert read_dataset(write_csv(tmp_path / "a.csv", rows_of("imagesTr", "labelsTr"))).channels == ("0", "1", "2")
    write_nifti(tmp_path / "imagesTr" / "sub-000.nii.gz", head(0)[0])
    assert read_dataset(tmp_path / "a.csv").channels == ("0", "1", "2")


def test_a_group_in_a_csv_stands_beside_the_subject(tmp_path):
    write_listing(tmp_path)
    more = {"case": "x", "subject": "anna", "session": "2", "site": "R001", "group": ""}
    first, second = rows_of(cases=2, **more)
    write_csv(tmp_path / "cases.csv", [first, {**second, "case": "y", "group": "family"}])
    cases = read_dataset(tmp_path / "cases.csv").cases
    assert [(case.name, case.subject, case.session, case.site, case.group) for case in cases] == [
        ("x", "anna", "2", "R001", ""),
        ("y", "anna", "2", "R001", "family"),
    ]


def test_cells_of_what_is_unknown_are_as_good_as_empty(tmp_path):
    write_listing(tmp_path)
    unknown = {"subject": "NA", "session": "n/a", "site": "unknown", "group": "NA", "note": "NA"}
    rows = [{**row, "flair": row["image"]} for row in rows_of(cases=3, column="image", **unknown)]
    rows = [{"t1": row.pop("image"), **row} for row in rows]
    rows[0]["flair"] = rows[1]["label"] = "NA"
    dataset = read_dataset(write_csv(tmp_path / "cases.csv", rows))
    assert dataset.channels == ("t1", "flair")
    assert [(case.images[1] == "", case.label == "") for case in dataset.cases] == [
        (True, False),
        (False, True),
        (False, False),
    ]
    for case in dataset.cases:
        assert (case.subject, case.session, case.site, case.group) == (case.name, "", "", "")
        assert dict(case.others) == {"note": "NA"}


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16"])
def test_a_csv_takes_absolute_paths_blank_lines_quotes_and_a_byte_order_mark(tmp_path, encoding):
    write_nifti(tmp_path / "far, away" / "a.nii.gz", head(0)[0])
    write_nifti(tmp_path / "near" / "m.nii.gz", head(0)[1])
    text = f'image, label\r\n\r\n"{tmp_path}/far, away/a.nii.gz", m.nii.gz\r\n,\r\n'
    (tmp_path / "near" / "cases.csv").write_bytes(text.encode(encoding))
    (case,) = read_dataset(tmp_path / "near" / "cases.csv").cases
    assert case.name == "a"
    assert case.label_path().is_file()


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("image,lable\na,b\n", "unknown column 'lable'. Did you mean 'label'"),
        ("image;label\na;b\n", r"no scan of its cases \(1\) exists, for example .*/a\."),
        ("case,label\na,b\n", "Expected 'label' and 'image'"),
        ("image_0,image_2,label\na,b,c\n", "without a gap"),
        ("image,image:T1w,label\na,b,c\n", "'image' alone"),
        ("image,image,label\na,b,c\n", "two columns of one name"),
        ("image,label\n", "lists no cases"),
        ("", "lists no cases"),
        ("image,label\na.nii,b.nii\nc.nii\n", "line 3: has another number of cells"),
        ("site,image,label\nx,a.nii,b.nii\ny,,\n", "line 3 names neither a case nor a file"),
        ("image,label\na/t1.nii,b.nii\nb/t1.nii,c.nii\n", "lists t1 more than once.*column 'case'"),
        ("case,image,label\na/b,a.nii,b.nii\n", "'a/b' cannot name files"),
        ("image,label\na.nii,b.nii\nc.nii,d.nii\n", r"no scan of its cases \(2\) exists, for example .*/a\.nii\."),
    ],
)
def test_a_broken_csv_is_refused_with_what_is_wrong(tmp_path, text, message):
    (tmp_path / "cases.csv").write_text(text)
    with pytest.raises(DataError, match=message):
        read_dataset(tmp_path / "cases.csv")
