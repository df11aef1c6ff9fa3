"""Folds out of a table: whatever its names look like, they are found among the cases."""

from __future__ import annotations

import logging

import pytest

from dataset_fingerprints.errors import DataError
from planners.splits import read_splits

CASES = ("sub-r001s001_ses-1", "sub-r001s002_ses-1", "sub-r002s001_ses-1", "sub-r002s001_ses-2")
# Every case is a subject of its own but the last two.
UNITS = {case: case.rsplit("_", 1)[0] for case in CASES}


def write(path, *lines, header="Name,Fold"):
    path.write_text("\n".join((header, *lines)) + "\n")
    return path


def held_out(splits):
    return [fold.validation for fold in splits.folds]


def test_the_names_of_the_public_table_are_those_of_scans(tmp_path):
    names = [f"{case}_space-MNI152NLin2009aSym_T1w,{number % 2}" for number, case in enumerate(CASES)]

    splits = read_splits(write(tmp_path / "fold_index.csv", *names), UNITS)

    assert held_out(splits) == [(CASES[0], CASES[2]), (CASES[1], CASES[3])]
    assert splits.folds[0].train == (CASES[1], CASES[3])


@pytest.mark.parametrize(
    ("called", "origin"),
    [
        (("0", "1"), "folds.csv"),
        (("1", "2"), "folds.csv: 1 is fold 0 here, 2 is fold 1 here"),
        (("fold0", "fold1"), "folds.csv: fold0 is fold 0 here, fold1 is fold 1 here"),
        (("-1", "0"), "folds.csv: 0 is fold 0 here, -1 is fold 1 here"),
    ],
)
def test_folds_that_have_other_numbers_here_are_named(tmp_path, called, origin):
    lines = [f"{case},{called[number % 2]}" for number, case in enumerate(CASES)]
    assert read_splits(write(tmp_path / "folds.csv", *lines), UNITS).origin == origin


@pytest.mark.parametrize(
    "names",
    [
        [f"{case}.nii.gz" for case in CASES],
        ["r001s001", "r001s002", "r002s001_1", "r002s001_2"],
        ["R001S001_ses-1", "R001S002_ses-1", "r002s001_ses-01", "r002s001_ses-02_space-orig_T1w"],
    ],
)
def test_names_may_be_of_files_or_of_patients_alone(tmp_path, names):
    lines = [f"{name},{fold}" for name, fold in zip(names, (1, 2, 1, 2), strict=True)]

    splits = read_splits(write(tmp_path / "folds.csv", *lines), UNITS)

    assert held_out(splits) == [(CASES[0], CASES[2]), (CASES[1], CASES[3])]


def test_a_patient_without_a_visit_stands_for_all_visits(tmp_path):
    splits = read_splits(write(tmp_path / "folds.csv", "r001s001,0", "r001s002,0", "r002s001,1"), UNITS)

    assert held_out(splits) == [CASES[:2], CASES[2:]]


def test_cases_may_be_called_without_the_visit_that_the_table_names(tmp_path):
    cases = ("r001s001", "r001s002")
    table = write(tmp_path / "folds.csv", *(f"sub-{case}_ses-1_space-orig_T1w,{case[-1]}" for case in cases))

    assert held_out(read_splits(table, {case: case for case in cases})) == [("r001s001",), ("r001s002",)]


def test_names_of_the_first_releases_are_found(tmp_path):
    cases = ("031768_t01", "031768_t02", "c0003s0008t01")

    table = write(tmp_path / "folds.csv", "31768_t01,0", "031768_t02,0", "c0003s0008,1")

    splits = read_splits(table, {case: case for case in cases})

    assert held_out(splits) == [("031768_t01", "031768_t02"), ("c0003s0008t01",)]


def test_more_than_ten_folds_are_in_the_order_of_their_numbers(tmp_path):
    cases = [f"case_{number}" for number in range(11)]
    lines = [f"{case},{number}" for number, case in enumerate(cases)]

    splits = read_splits(write(tmp_path / "folds.csv", *lines), {case: case for case in cases})

    assert held_out(splits) == [(case,) for case in cases]


def test_cases_that_the_data_set_lacks_are_warned_of(tmp_path, caplog):
    lines = [*(f"{case},{number % 2}" for number, case in enumerate(CASES)), "sub-r050s001_ses-1,0", "sub-r051s001,"]

    with caplog.at_level(logging.WARNING):
        splits = read_splits(write(tmp_path / "folds.csv", *lines), UNITS)

    assert "names 2 cases that the data set does not have: sub-r050s001_ses-1, sub-r051s001." in caplog.text
    assert len(splits.folds) == 2


@pytest.mark.parametrize(
    ("lines", "header", "said"),
    [
        (["r001s001,0", "r001s002,1"], "Name,Fold", "has no fold for 2 cases of 4: sub-r002s001_ses-1"),
        (["r001s001,0", "sub-r001s001_ses-1,1"], "Name,Fold", "gives sub-r001s001_ses-1 two folds, 0 and 1"),
        (["r001s001,", "r001s002,1"], "Name,Fold", "line 2: r001s001 has no fold"),
        (["r001s001,0"], "Name,Age", "none holds their folds"),
        (["1,0"], "Age,Fold", "none holds the names"),
        ([f"{case},3" for case in CASES], "Name,Fold", "gives all cases fold 3"),
        (["r001s001,train", "r001s002,Test", "r002s001,train"], "Name,Split", "says Test and train"),
    ],
)
def test_what_cannot_be_meant_is_refused(tmp_path, lines, header, said):
    with pytest.raises(DataError, match=said):
        read_splits(write(tmp_path / "folds.csv", *lines, header=header), UNITS)
