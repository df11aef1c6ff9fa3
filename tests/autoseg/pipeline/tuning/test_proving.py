from __future__ import annotations

import numpy as np
import pytest

from autoseg.models.selection import Change, Gain
from autoseg.pipeline.tuning.proving import _decide
from autoseg.pipeline.tuning.schedule import FEW_STEPS
from autoseg.selection.cross_fitting import CrossFitted


def found(gain: Gain, dice: float, large_recall: float | None = None) -> CrossFitted:
    change = Change(score=(0.5, 0.5 + gain.mean), gain=gain, dice=dice, large_recall=large_recall, small_recall=None)
    return CrossFitted(best=1, chosen=np.ones(12, dtype=np.int64), agreeing=3, change=change, fitted=gain.mean)


@pytest.mark.parametrize(
    ("gain", "dice", "taken", "reason"),
    [
        (Gain(mean=0.1, low=0.01, high=0.19), 0.05, True, "more than chance"),
        (Gain(mean=0.1, low=-0.01, high=0.21), 0.05, False, "the interval reaches 0"),
        (Gain(mean=0.0, low=0.0, high=0.0), 0.0, False, "the interval reaches 0"),
        (Gain(mean=0.1, low=0.01, high=0.19), -0.01, False, "Dice falls by 0.0100, more than 0.002"),
    ],
)
def test_a_candidate_is_taken_if_its_interval_lies_above_zero_and_dice_is_kept(
    gain: Gain, dice: float, taken: bool, reason: str
) -> None:
    decided = _decide(found(gain, dice), FEW_STEPS)
    assert decided[0] is taken
    assert reason in decided[1]


def test_a_plan_that_marks_everything_finds_all_lesions_and_is_still_replaced() -> None:
    assert _decide(found(Gain(mean=0.25, low=0.16, high=0.33), 0.2, large_recall=-0.1), FEW_STEPS)[0]


def test_after_few_steps_nothing_is_taken_though_the_interval_lies_above_zero() -> None:
    taken, reason = _decide(found(Gain(mean=0.25, low=0.16, high=0.33), 0.2), 3)
    assert not taken
    assert "the trainings of the proof had only 3 steps" in reason
