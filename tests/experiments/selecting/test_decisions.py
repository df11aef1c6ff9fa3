"""Decisions on planted effects: few seeds quickly, and as many as are promised as a long test."""

from __future__ import annotations

import numpy as np
import pytest

from experiments.selecting.decisions import COLUMNS, Outcome, decide_planted, summarise
from experiments.selecting.planted import EFFECTS, SHAPE, sample_case, sample_cases, sample_folds

SEEDS = range(20)


def count_taken(outcomes: list[Outcome]) -> int:
    return sum(one.trial.taken for one in outcomes)


@pytest.mark.parametrize("effect", EFFECTS)
def test_post_processing_is_taken_only_where_it_helps(effect: str) -> None:
    outcomes = list(decide_planted(effect, [100], cases=100, new_cases=60))
    assert count_taken(outcomes) == (effect == "helps")
    assert len(summarise({effect: outcomes})[0]) == len(COLUMNS)


@pytest.mark.long
@pytest.mark.parametrize(("effect", "least", "most"), [("helps", 18, 20), ("hurts", 0, 0), ("nothing", 0, 1)])
def test_planted_effects_are_decided_rightly_over_20_seeds(effect: str, least: int, most: int) -> None:
    outcomes = list(decide_planted(effect, SEEDS))
    assert least <= count_taken(outcomes) <= most
    assert sum(one.holds() for one in outcomes) >= 17


def test_a_planted_case_holds_lesions_found_missed_and_false() -> None:
    rng = np.random.default_rng(0)
    planted = EFFECTS["nothing"]
    blobs = [blob for _ in range(50) for blob in sample_case(planted, planted.false, rng)]
    assert any(blob.radius_mm and not blob.peak for blob in blobs)
    assert any(not blob.radius_mm and blob.peak for blob in blobs)
    found = [blob for blob in blobs if blob.radius_mm and blob.peak]
    assert len(found) > len(blobs) / 2


def test_cases_of_all_folds_have_probabilities_and_a_reference() -> None:
    rng = np.random.default_rng(1)
    planted = EFFECTS["helps"]
    cases = sample_cases(planted, 10, rng, sample_folds(planted, rng))
    assert [case.fold for case in cases] == ["0", "1", "2", "3", "4"] * 2
    for case in cases:
        values = case.read(("3d_fullres",)).read(0, SHAPE[0]).values
        assert values.min() >= 0
        assert np.allclose(values.sum(0), 1, atol=1e-6)
        assert case.read_reference().any()
