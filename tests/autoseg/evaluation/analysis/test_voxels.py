"""Agreement voxel by voxel, beside values worked out by hand."""

from __future__ import annotations

import numpy as np
import pytest

from autoseg.evaluation.analysis.voxels import DICE, KAPPA, SHARE, count_answers, rate_answers, summarise_voxels

FIRST = np.array([0, 0, 1, 1, 1, 1, 2, 2, 2, 3])
SECOND = np.array([0, 0, 1, 1, 1, 2, 2, 2, 0, 1])


def test_answers_are_counted_by_both_label_maps() -> None:
    counts = count_answers(FIRST, SECOND, (1, 2))
    # Value 3 is none of the labels that are asked for.
    assert counts.tolist() == [[2, 1, 0], [0, 3, 1], [1, 0, 2]]


def test_measures_of_ten_voxels_worked_out_by_hand() -> None:
    found = rate_answers(count_answers(FIRST, SECOND, (1, 2)))
    # Eight voxels are labelled by either, five of them alike; each labels seven.
    assert found[SHARE] == pytest.approx(5 / 8)
    assert found[DICE] == pytest.approx(2 * 5 / 14)
    chance = (1 * 1 + 4 * 4 + 3 * 3) / 8**2
    assert found[KAPPA] == pytest.approx((5 / 8 - chance) / (1 - chance))


def test_voxels_that_either_ignores_do_not_count() -> None:
    assert count_answers(FIRST, SECOND, (1, 2), ignored=3).sum() == 9


def test_chance_alone_is_a_kappa_of_0_and_the_same_labels_are_1() -> None:
    labels = np.random.default_rng(0).integers(1, 4, (2, 100_000))
    by_chance = rate_answers(count_answers(labels[0], labels[1], (1, 2, 3)))
    assert by_chance[KAPPA] == pytest.approx(0, abs=0.01), "three standard errors"
    assert rate_answers(count_answers(labels[0], labels[0], (1, 2, 3)))[KAPPA] == 1


def test_cases_without_labels_are_left_out_of_means() -> None:
    empty = rate_answers(count_answers(FIRST * 0, SECOND * 0, (1, 2)))
    same = rate_answers(count_answers(FIRST, FIRST, (1, 2, 3)))
    found = {one.measure: one.statistics for one in summarise_voxels(("a", "b"), [empty, same, same], None)}
    assert {measure: (one.mean, one.n) for measure, one in found.items()} == dict.fromkeys(found, (1.0, 2))
