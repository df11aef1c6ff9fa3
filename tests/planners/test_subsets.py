"""Configurations that train on some of the cases: who these are, and what is refused."""

from __future__ import annotations

from dataclasses import replace

import pytest

from dataset_fingerprints.dataset import Case
from dataset_fingerprints.errors import PlanError
from dataset_fingerprints.files.jsonfiles import to_json
from planners.plan import Fold, Splits
from planners.subsets import CasesWhere, choose_subsets, read_column
from tests.synthetic.configurations import tiny_configuration

PRONE = CasesWhere(column="posture", value="prone")


def case(name: str, **others: str) -> Case:
    return Case(name=name, images=("/a.nii.gz",), label="/b.nii.gz", subject=name, site="X", others=others)


CASES = (case("a", Posture="prone"), case("b", Posture="supine"), case("c", Posture="prone"), case("d"))
SPLITS = Splits(
    origin="by hand",
    folds=(Fold(train=("a", "b", "c"), validation=("d",)), Fold(train=("b", "d"), validation=("a", "c"))),
    subsets=choose_subsets([PRONE, None], CASES),
)


def test_cases_are_chosen_by_a_column_in_any_spelling() -> None:
    assert PRONE.choose(CASES) == ("a", "c")
    assert CasesWhere(column="SITE", value="X").choose(CASES) == ("a", "b", "c", "d")
    assert read_column(CASES[1], "posture") == "supine"
    assert read_column(CASES[3], "posture") == ""


def test_columns_in_other_letters_than_latin_ones_are_told_apart() -> None:
    korean = case("e", **{"장비": "A", "체위": "prone"})
    assert read_column(korean, "체위") == "prone"
    assert read_column(korean, "위치") == ""


def test_a_value_of_no_case_is_refused_with_those_that_there_are() -> None:
    with pytest.raises(PlanError, match="posture is lying, and there is none: the column 'posture' has prone, supine"):
        CasesWhere(column="posture", value="lying").choose(CASES)
    with pytest.raises(PlanError, match="the column 'scanner' is empty or not there"):
        CasesWhere(column="scanner", value="A").choose(CASES)


def test_a_fold_keeps_its_validation_cases_and_loses_other_training_cases() -> None:
    prone = replace(tiny_configuration(), only_cases=PRONE)
    assert SPLITS.narrow(SPLITS.folds[0], prone) == Fold(train=("a", "c"), validation=("d",))
    assert SPLITS.narrow(SPLITS.folds[0], tiny_configuration()) == SPLITS.folds[0]
    with pytest.raises(PlanError, match="trains on cases of which posture is prone, and this fold has none"):
        SPLITS.narrow(SPLITS.folds[1], prone)
    with pytest.raises(PlanError, match="posture is supine, and this fold has none"):
        SPLITS.narrow(SPLITS.folds[0], replace(prone, only_cases=CasesWhere(column="posture", value="supine")))


def test_folds_of_all_cases_are_written_as_before() -> None:
    assert '"subsets"' not in to_json(replace(SPLITS, subsets={}))
    assert '"subsets"' in to_json(SPLITS)


def test_a_column_that_combining_writes_is_asked_for_with_the_command_that_makes_it() -> None:
    both = [CasesWhere(column="data_set", value=value) for value in ("weak", "fine")]
    with pytest.raises(PlanError, match=r"`autoseg combine weak=DATA fine=DATA -o BOTH` makes a data set with it"):
        choose_subsets(both, CASES)
