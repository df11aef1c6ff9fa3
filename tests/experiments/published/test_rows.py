from __future__ import annotations

import csv
from pathlib import Path

import pytest

from dataset_fingerprints.errors import DataError
from experiments.published import FILE, PublishedRow, read_rows

ROWS = read_rows()


def write_changed(folder: Path, **cells: str) -> Path:
    """Write the table with other cells in its first row."""
    with FILE.open(encoding="utf-8", newline="") as stream:
        rows = list(csv.DictReader(stream))
    path = folder / "atlas.csv"
    with path.open("w", encoding="utf-8", newline="") as stream:
        writer = csv.DictWriter(stream, list(rows[0]))
        writer.writeheader()
        writer.writerows([rows[0] | cells, *rows[1:]])
    return path


def find(method: str, release: str) -> PublishedRow:
    return next(row for row in ROWS if row.method == method and row.release == release)


def test_every_row_says_of_how_many_scans_by_which_protocol_and_where_it_was_read() -> None:
    assert len(ROWS) > 50
    assert all(row.n > 0 and row.protocol and row.set and row.source and row.verified for row in ROWS)


def test_figures_are_those_of_their_sources() -> None:
    mapping = find("MAPPING, default nnU-Net", "R2.0")
    assert (mapping.dice, mapping.lesion_f1, mapping.n, mapping.set) == (0.6358, 0.5493, 655, "cross-validation")
    assert (mapping.volume_diff_mm3, mapping.hd95_mm, mapping.lesion_count_diff) == (5852, 23.30, 3.43)
    tomita = find("3D-ResU-Net", "R1.x")
    assert (tomita.dice, tomita.dice_ci_low, tomita.dice_ci_high, tomita.n) == (0.64, 0.51, 0.76, 31)
    assert find("MedNeXt-S k3 (10.5 M parameters), 1000 epochs", "R3.0").dice == 0.6613
    assert find("Human: inter-rater", "ATLAS protocol").dice == 0.727


def test_the_methods_of_the_first_release_have_their_input_sizes() -> None:
    sizes = {row.method: row.input_size for row in ROWS if row.release == "R1.x" and row.input_size}
    assert len(sizes) == 17
    assert (sizes["EDCL with 3D U-Net"], sizes["3D-ResU-Net"]) == ("64x64x64", "144x172x168")


def test_lesion_rules_tell_lenient_from_strict_f1() -> None:
    rules = {row.lesion_rule for row in ROWS if row.release == "R3.0" and row.lesion_f1 is not None}
    assert "one-to-one at IoU 0.25, 26-connectivity" in rules
    assert "any overlap, 26-connectivity" in rules


def test_tracers_are_counted_as_tracers() -> None:
    people = [row for row in ROWS if row.is_human()]
    assert [row.show_n() for row in people] == ["6 tracers", "6 tracers"]


@pytest.mark.parametrize("column", ["n", "protocol", "source", "dice", "release", "set"])
def test_a_row_without_what_it_needs_is_refused(tmp_path: Path, column: str) -> None:
    with pytest.raises(DataError, match=rf"line 2 .*says nothing under {column}"):
        read_rows(write_changed(tmp_path, **{column: " "}))


@pytest.mark.parametrize(
    ("cells", "found"),
    [
        ({"n": "many"}, "line 2, n: holds 'many'. Expected a whole number"),
        ({"dice": "54 %"}, "line 2, dice: holds '54 %'"),
        ({"comparable": "perhaps"}, "Expected yes or no"),
        ({"dice": "54.6"}, "dice is 54.6. Expected shares from 0 to 1"),
        ({"dice_ci_low": "0.7", "dice_ci_high": "0.8"}, "low <= Dice <= high"),
        ({"n": "0"}, "n is 0"),
    ],
)
def test_a_figure_that_cannot_be_is_refused(tmp_path: Path, cells: dict[str, str], found: str) -> None:
    with pytest.raises(DataError) as refused:
        read_rows(write_changed(tmp_path, **cells))
    assert found in str(refused.value)


def test_a_row_with_a_comma_too_many_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "atlas.csv"
    path.write_text(FILE.read_text(encoding="utf-8") + "R3.0,2026,,,,,,,,,,,,,,,,,,,,,,,,,,,,\n", encoding="utf-8")
    with pytest.raises(DataError, match="more or fewer cells than columns"):
        read_rows(path)


def test_a_table_with_other_columns_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "atlas.csv"
    path.write_text("release,year,method,n,dice\n", encoding="utf-8")
    with pytest.raises(DataError, match="lacks the columns reference"):
        read_rows(path)
