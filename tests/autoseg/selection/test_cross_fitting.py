from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from autoseg.selection.cross_fitting import CrossFitted, Deal, choose, cross_fit
from autoseg.selection.figures import Figures
from autoseg.selection.reasons import explain


def make_figures(
    gains: NDArray[np.float64], dice: NDArray[np.float64] | None = None, found: NDArray[np.int64] | None = None
) -> Figures:
    """Return figures (case, candidate) of which the score gains; a candidate without gain is put in front."""
    zeros = np.zeros((len(gains), 1))
    gains = np.hstack([zeros, gains])
    lost = np.zeros_like(gains) if dice is None else np.hstack([zeros, dice])
    count = np.full(gains.shape, 2) if found is None else np.hstack([np.full((len(gains), 1), 2), found])
    lesions = np.full(len(gains), 2)
    return Figures(
        dice=0.6 + lost,
        # The mean of both gains what is asked for.
        lesion_f1=0.5 + 2 * gains - lost,
        found_large=count,
        found_small=np.zeros_like(count),
        large=lesions,
        small=lesions * 0,
    )


def deal(cases: int, folds: int = 5) -> Deal:
    return Deal(folds=np.arange(cases) % folds, units=np.arange(cases))


def cross(figures: Figures) -> CrossFitted:
    cases = len(figures.dice)
    return cross_fit([figures], "mean", deal(cases), np.zeros(cases, dtype=np.int64))


def test_the_best_mean_is_chosen_and_of_equal_ones_the_first() -> None:
    gains = np.tile([0.01, 0.02, 0.02, -0.01], (10, 1))
    assert choose(make_figures(gains), "mean") == 2
    assert choose(make_figures(-gains[:, :3]), "mean") == 0


def test_what_loses_dice_or_large_lesions_is_not_chosen() -> None:
    gains, dice = np.tile([0.05, 0.02], (100, 1)), np.tile([-0.0021, -0.0019], (100, 1))
    assert choose(make_figures(gains, dice), "mean") == 2
    found = np.full((100, 2), 2)
    found[:3, 0] = 1
    assert choose(make_figures(gains, found=found), "mean") == 2
    found[0, 0] = 2
    assert choose(make_figures(gains, found=found), "mean") == 1


def test_a_case_has_no_part_in_the_choice_that_it_is_scored_by() -> None:
    gains = np.full((10, 1), 0.01)
    # One fold alone makes the candidate worse on all together: without it the candidate is chosen, and it pays.
    gains[[0, 5], 0] = -0.5
    found = cross(make_figures(gains))
    assert found.best == 0
    assert found.chosen.tolist() == [1, 0, 0, 0, 0] * 2
    assert found.agreeing == 4
    assert found.change.gain.mean == pytest.approx(-0.1)


def test_a_gain_of_every_case_holds_and_one_of_chance_does_not() -> None:
    rng = np.random.default_rng(0)
    sure = rng.normal(0.05, 0.05, (60, 1))
    assert cross(make_figures(sure)).holds()
    chance = rng.normal(0, 0.05, (60, 40))
    assert not cross(make_figures(chance)).holds()


def test_choices_without_any_loss_are_tried_where_the_others_lose_too_much() -> None:
    cases = 100
    gains = np.tile([0.05, 0.03], (cases, 1)) + np.random.default_rng(1).normal(0, 0.01, (cases, 2))
    dice = np.zeros((cases, 2))
    # Within its limit on four folds, but the fifth loses all of it.
    dice[::5, 0] = -0.0104
    dice[1::5, 0] = -0.0002
    found = cross(make_figures(gains, dice))
    assert found.best == 2
    assert found.holds()


def test_each_fold_uses_the_prediction_that_was_chosen_without_it() -> None:
    first, second = make_figures(np.full((10, 1), 0.1)), make_figures(np.full((10, 1), 0.3))
    of_case = (np.arange(10) % 5 == 0).astype(np.int64)
    found = cross_fit([first, second], "mean", deal(10), of_case)
    assert found.change.score[1] - found.change.score[0] == pytest.approx(0.8 * 0.1 + 0.2 * 0.3)


def test_without_lesions_there_is_no_recall_to_lose() -> None:
    figures = make_figures(np.full((10, 1), 0.1))
    none = Figures(
        dice=figures.dice,
        lesion_f1=figures.lesion_f1,
        found_large=figures.found_small,
        found_small=figures.found_small,
        large=figures.small,
        small=figures.small,
    )
    found = cross(none)
    assert found.best == 1
    assert (found.change.large_recall, found.change.small_recall) == (None, None)
    assert found.holds()


def test_a_gain_of_choices_that_the_best_one_does_not_reach_is_not_stated_of_it() -> None:
    # Two folds lose so much Dice by the first that it is chosen only where one of them is left out.
    cases, rng = 100, np.random.default_rng(4)
    gains = np.hstack([0.2 + rng.normal(0, 0.01, (cases, 1)), rng.normal(0.001, 0.0001, (cases, 1))])
    dice = np.tile([0.0, -0.001], (cases, 1))
    dice[::5, 0], dice[1::5, 0] = -0.0051, -0.0051
    found = cross(make_figures(gains, dice))
    assert found.best == 2
    assert found.change.gain.low > found.fitted
    assert found.differs()
    assert not found.holds()
    assert not explain(found, cases)[0]
    assert "the folds chose others" in explain(found, cases)[1]


def test_few_subjects_are_said_to_be_too_few() -> None:
    found = cross(make_figures(np.full((9, 1), 0.1)))
    assert explain(found, 9) == (False, "of 9 subjects nobody can tell; 10 are needed")
    assert explain(found, 10)[0]
