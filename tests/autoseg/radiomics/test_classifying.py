"""A classifier that is judged on cases that it did not see."""

from __future__ import annotations

import numpy as np
import pytest

from autoseg.evaluation.statistics.roc import find_area
from autoseg.radiomics import predict_out_of_fold
from dataset_fingerprints.errors import DataError


def area(features: np.ndarray, outcomes: np.ndarray, **options: object) -> float:
    found = find_area(predict_out_of_fold(features, outcomes, **options), outcomes)  # type: ignore[arg-type]
    assert found is not None
    return found.value


def test_it_finds_what_one_of_many_features_says() -> None:
    rng = np.random.default_rng(0)
    outcomes = np.arange(80) < 35
    features = rng.normal(size=(80, 40))
    features[:, :4] += 2.5 * outcomes[:, None]
    assert area(features, outcomes) > 0.85


@pytest.mark.slow
def test_it_finds_nothing_where_there_is_nothing() -> None:
    """Of 60 cases and 200 features of noise; an area of chance has an sd of 0.075, the mean of five of 0.034."""
    found = []
    for seed in range(5):
        rng = np.random.default_rng(seed)
        outcomes = rng.permutation(60) < 25
        found.append(area(rng.normal(size=(60, 200)), outcomes))
    assert 0.35 < np.mean(found) < 0.65


def test_subjects_stay_in_one_fold() -> None:
    """Two cases of a subject are the same: seen in training, they would give the outcome of the other away."""
    rng = np.random.default_rng(1)
    outcomes = np.repeat(np.arange(30) < 14, 2)
    features = np.repeat(rng.normal(size=(30, 100)), 2, axis=0)
    subjects = [f"sub-{number}" for number in np.repeat(np.arange(30), 2)]
    assert area(features, outcomes) > 0.9
    assert area(features, outcomes, units=subjects) < 0.8


def test_the_same_cases_give_the_same_scores() -> None:
    rng = np.random.default_rng(2)
    outcomes = np.arange(30) < 14
    features = rng.normal(size=(30, 10))
    one, other = (predict_out_of_fold(features, outcomes, seed=3) for _ in range(2))
    assert np.array_equal(one, other)
    assert np.isfinite(one).all()


def test_four_cases_of_a_kind_are_enough_for_any_number_of_folds() -> None:
    features = np.random.default_rng(3).normal(size=(9, 3))
    for folds in (2, 3, 5):
        assert np.isfinite(predict_out_of_fold(features, np.arange(9) < 4, folds=folds)).all()


@pytest.mark.parametrize(("positives", "folds"), [(3, 5), (8, 1)])
def test_too_few_cases_of_a_kind_or_folds_are_refused(positives: int, folds: int) -> None:
    with pytest.raises(DataError, match=rf"{positives} subjects with the rarer outcome, and {folds} fold"):
        predict_out_of_fold(np.zeros((20, 2)), np.arange(20) < positives, folds=folds)
