from __future__ import annotations

import csv

import pytest

from autoseg.pipeline.scores.case_tables import Table, choose_name, join_warnings, read_table, show_figure, write_table

COLUMNS = ("case", "lesion: ml", "warnings")


def make(*names: str) -> Table:
    return Table(columns=COLUMNS, rows=tuple({"case": name, "lesion: ml": "1.5", "warnings": ""} for name in names))


@pytest.mark.parametrize("name", ["a", "a,b", 'a "b"', "Läsion; ß", "0012", "two\nlines", "日本"])
def test_a_table_comes_back_as_it_was(tmp_path, name):
    write_table(tmp_path / "t.csv", make(name, "z"))
    assert read_table(tmp_path / "t.csv") == make(name, "z")
    # Spreadsheets need the mark, other programs only get it where they would need it as well.
    assert (tmp_path / "t.csv").read_bytes().startswith(b"\xef\xbb\xbf") is not name.isascii()
    with (tmp_path / "t.csv").open(encoding="utf-8-sig", newline="") as stream:
        assert next(csv.DictReader(stream))["case"] == name


def test_half_characters_and_missing_cells_can_be_written(tmp_path):
    write_table(tmp_path / "t.csv", Table(columns=COLUMNS, rows=({"case": "a\udcff"},)))
    table = read_table(tmp_path / "t.csv")
    assert table is not None
    assert table.rows[0] == {"case": "a\\udcff", "lesion: ml": "", "warnings": ""}


@pytest.mark.parametrize(
    "content",
    [b"", b"case;ml\n1;2\n", b"name,warnings\na,b\n", b"case,ml\na,2\n", b"\xff\xfe\0", b"case,warnings\na,b,c\n"],
)
def test_other_files_are_no_tables(tmp_path, content):
    (tmp_path / "t.csv").write_bytes(content)
    assert read_table(tmp_path / "t.csv") is None
    assert read_table(tmp_path / "missing.csv") is None
    assert read_table(tmp_path) is None


def test_somebody_elses_file_keeps_its_name(tmp_path):
    place = tmp_path / "t.csv"
    assert choose_name(place, lambda path: False) == place
    place.write_text("mine")
    (tmp_path / "t-2.csv").mkdir()
    (tmp_path / "t-3.csv").symlink_to("t.csv")
    (tmp_path / "t-4.csv").symlink_to("nowhere")
    assert choose_name(place, lambda path: True) == place
    assert choose_name(place, lambda path: False) == tmp_path / "t-5.csv"


def test_cells_read_as_figures_and_sentences():
    assert [show_figure(value) for value in (None, 3, 0.12345, 12.0)] == ["", "3", "0.123", "12.000"]
    assert join_warnings(("one thing.", "another.")) == "One thing. Another."
