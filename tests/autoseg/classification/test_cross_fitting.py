"""Judges of folds know nothing of the cases that they judge; whoever asks one about others is refused."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from autoseg.classification import Judge, Trained, count_found, make_judges, train_classifier
from autoseg.models.lesion_classifier import LesionClassifier
from dataset_fingerprints.errors import DataError
from tests.autoseg.classification.made_up import SMALL, describe, make_case

NAMED = ("ms", "stroke")
CASES = [make_case(number) for number in range(8)]


def as_judge(trained: Trained) -> Judge:
    classifier = LesionClassifier(description=describe(trained.scaling), weights=trained.weights)
    return Judge(classifier=classifier, units=trained.units)


def test_a_fold_is_judged_by_what_the_others_taught() -> None:
    trained, lacking = make_judges(SMALL, CASES, NAMED, 0)
    assert lacking == []
    for fold, one in trained.items():
        assert one.units == {case.unit for case in CASES if case.fold != fold}
        assert all((as_judge(one).classify(case) == case.classes).all() for case in CASES if case.fold == fold)


def test_a_classifier_that_has_seen_the_case_is_refused() -> None:
    judge = as_judge(train_classifier(SMALL, CASES, NAMED, 0))
    with pytest.raises(DataError, match="case case_3: the classifier of lesions was trained on components of its sub"):
        judge.classify(CASES[3])


def test_a_second_case_of_a_subject_that_was_seen_is_refused_and_teaches_no_judge() -> None:
    # Folds of one's own may part the cases of a subject.
    twin = replace(make_case(8), unit=CASES[0].unit, fold="1")
    trained, _ = make_judges(SMALL, [*CASES, twin], NAMED, 0)
    assert CASES[0].unit not in trained["0"].units | trained["1"].units
    with pytest.raises(DataError, match="its subject, case_0"):
        as_judge(train_classifier(SMALL, CASES, NAMED, 0)).classify(twin)


def test_what_a_planted_leak_would_gain_is_not_gained() -> None:
    # Classes by chance: a classifier that has seen the components can learn them by heart, one that has not cannot.
    rng = np.random.default_rng(0)
    chance = [replace(case, classes=rng.integers(0, 2, len(case.classes))) for case in CASES]
    trained, _ = make_judges(SMALL, chance, NAMED, 0)
    judges = {fold: as_judge(one) for fold, one in trained.items()}
    found = [count_found(judges, chance, place) for place in (0, 1)]
    right = sum(count or 0 for _, _, count in found) / sum(total for total, _, _ in found)
    seen = train_classifier(SMALL, chance, NAMED, 0)
    leak = as_judge(replace(seen, units=frozenset()))
    learnt = np.mean(np.concatenate([leak.classify(case) == case.classes for case in chance]))
    # Of 48 components by chance, half; the widest of 99 % of draws reach 0.31 to 0.69.
    assert 0.3 < right < 0.7 < learnt


def test_one_fold_judges_nothing_and_a_fold_without_a_class_is_said() -> None:
    with pytest.raises(DataError, match="masks of one fold only"):
        make_judges(SMALL, CASES[:2], NAMED, 0)
    trained, lacking = make_judges(SMALL, [make_case(0, fold="0"), make_case(1, fold="1")], NAMED, 0)
    assert trained == {}
    assert [text.split(":")[0] for text in lacking] == [f"Fold {fold} is judged by nothing" for fold in (0, 1)]
