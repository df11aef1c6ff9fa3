from __future__ import annotations

import numpy as np
import pytest

from experiments.peers.race import Race, minutes_to, show_times


def test_both_sides_are_compared_case_by_case_for_every_label_and_their_mean() -> None:
    ours = np.array([[0.9, 0.7], [0.8, 0.6], [0.7, 0.5]])
    race = Race(minutes=20.0, labels=("front", "back"), autoseg=ours, nnunet=ours - [0.1, 0.3])
    assert race.rows() == [
        ("front", "0.8000", "0.7000", "+0.1000 (+0.1000 to +0.1000)"),
        ("back", "0.6000", "0.3000", "+0.3000 (+0.3000 to +0.3000)"),
        ("mean", "0.7000", "0.5000", "+0.2000 (+0.2000 to +0.2000)"),
    ]


@pytest.mark.parametrize(
    ("dice", "expected"), [(0.4, "at most 5"), (0.5, "at most 5"), (0.6, "7.5"), (0.7, "10.0"), (0.75, "more than 20")]
)
def test_the_minutes_to_a_dice_lie_between_the_budgets_that_reach_it_and_not(dice: float, expected: str) -> None:
    assert minutes_to(dice, (5.0, 10.0, 20.0), (0.5, 0.7, 0.7)) == expected


def test_times_are_reported_for_every_dice_that_nnunet_reached() -> None:
    races = [
        Race(minutes=minutes, labels=("a",), autoseg=np.full((2, 1), ours), nnunet=np.full((2, 1), theirs))
        for minutes, ours, theirs in ((5.0, 0.6, 0.2), (10.0, 0.8, 0.7))
    ]
    assert show_times(races) == [("0.2000", "at most 5", "at most 5"), ("0.7000", "7.5", "10.0")]
