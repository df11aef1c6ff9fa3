from __future__ import annotations

from dataclasses import replace

import pytest

from autoseg.pipeline.tuning.division import INNER_SUBJECTS, divide_inner, refuse_leaks, refuse_same_scans
from dataset_fingerprints.errors import DataError, PlanError
from dataset_fingerprints.fingerprint import DatasetFingerprint
from dataset_fingerprints.units import find_units
from planners.plan import Fold
from planners.run import CaseContent
from planners.splits import split_by_subject
from tests.synthetic.fingerprints import SyntheticCase, make_fingerprint


@pytest.fixture(scope="module")
def fingerprint() -> DatasetFingerprint:
    """Sixty subjects of two scans each."""
    cases = [
        SyntheticCase(body_shape=(20, 20, 20), subject=f"s{number // 2}", volume_mm3=10.0 * number + 10)
        for number in range(120)
    ]
    return make_fingerprint(cases)


@pytest.fixture(scope="module")
def fold(fingerprint: DatasetFingerprint) -> Fold:
    return split_by_subject(fingerprint, 0).folds[0]


def test_the_folds_training_cases_are_divided_and_no_other_is_touched(
    fingerprint: DatasetFingerprint, fold: Fold
) -> None:
    units = find_units(fingerprint.cases)
    inner = divide_inner(fingerprint, fold, units, 0)
    assert sorted((*inner.train, *inner.validation)) == sorted(fold.train)
    assert {units[name] for name in inner.train}.isdisjoint(units[name] for name in inner.validation)
    assert len({units[name] for name in inner.validation}) >= INNER_SUBJECTS
    refuse_leaks(inner, fold, units)


def test_seeds_divide_otherwise_and_the_same_seed_the_same_way(fingerprint: DatasetFingerprint, fold: Fold) -> None:
    units = find_units(fingerprint.cases)
    assert divide_inner(fingerprint, fold, units, 1) == divide_inner(fingerprint, fold, units, 1)
    assert divide_inner(fingerprint, fold, units, 1) != divide_inner(fingerprint, fold, units, 2)


def test_too_few_subjects_to_prove_anything_are_refused_before_the_search(
    fingerprint: DatasetFingerprint, fold: Fold
) -> None:
    units = find_units(fingerprint.cases)
    with pytest.raises(PlanError, match="judged on 3 subjects, on which no gain can be proven: 10 are needed"):
        divide_inner(fingerprint, replace(fold, validation=fold.validation[:6]), units, 0)
    with pytest.raises(PlanError, match="trains on 2 subjects, too few to search on"):
        divide_inner(fingerprint, replace(fold, train=fold.train[:4]), units, 0)


UNITS = {"a1": "a", "a2": "a", "b": "b", "c": "c", "d": "d", "e": "e"}


@pytest.mark.parametrize(
    ("inner", "fold", "message"),
    [
        (
            Fold(train=("b",), validation=("e",)),
            Fold(train=("b", "c"), validation=("d",)),
            "e would be searched on, not among the fold's training cases",
        ),
        (
            Fold(train=("b", "c"), validation=("c",)),
            Fold(train=("b", "c"), validation=("d",)),
            "c chooses between them and trains candidates",
        ),
        (
            Fold(train=("a1",), validation=("a2",)),
            Fold(train=("a1", "a2"), validation=("d",)),
            "a2, of the same subject as a1 chooses between them",
        ),
        (
            Fold(train=("b",), validation=("a1",)),
            Fold(train=("b", "a1"), validation=("a2",)),
            "a2, of the same subject as a1 proves the gain, and the latter chooses between them",
        ),
        (
            Fold(train=("b",), validation=("c",)),
            Fold(train=("b", "c"), validation=("b", "d")),
            "b proves the gain and trains candidates",
        ),
    ],
    ids=["judging case searched on", "case on both sides", "subject on both sides", "subject judges", "case judges"],
)
def test_planted_leaks_are_refused(inner: Fold, fold: Fold, message: str) -> None:
    with pytest.raises(DataError, match="would not be honest") as caught:
        refuse_leaks(inner, fold, UNITS)
    assert message in str(caught.value)


def test_the_same_scan_under_another_name_is_refused() -> None:
    first, copy = CaseContent(case="a", sha256=("1", "x")), CaseContent(case="b", sha256=("1", "y"))
    other = CaseContent(case="c", sha256=("2", "x"))
    refuse_same_scans([("trains candidates", [first, copy]), ("proves the gain", [other])])
    with pytest.raises(DataError, match="b, which proves the gain, is the same scan as a, which trains candidates"):
        refuse_same_scans([("trains candidates", [first, other]), ("proves the gain", [copy])])
