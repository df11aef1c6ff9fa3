from __future__ import annotations

from dataclasses import replace

import pytest

from autoseg.models.selection import Change, Evidence, Gain, Selection, Trial
from autoseg.prediction import Decision, decision_of
from planners.choices import Choice

CHANGE = Change(
    score=(0.5, 0.54), gain=Gain(mean=0.04, low=0.02, high=0.06), dice=0.0, large_recall=None, small_recall=None
)
TRIAL = Trial(subject="lesion", before="a", best="b", taken=True, reason="", candidates=2, agreeing=5, change=CHANGE)
EVIDENCE = Evidence(score="mean", level=0.95, cases=20, subjects=20, folds=("0", "1"), trials=(TRIAL,))


def test_gains_of_labels_are_averaged_and_added_to_that_of_configurations() -> None:
    assert EVIDENCE.whole_gain() == CHANGE.gain
    others = replace(TRIAL, subject="core", taken=False)
    both = replace(EVIDENCE, trials=(replace(TRIAL, subject=""), TRIAL, others)).whole_gain()
    assert (both.mean, both.low, both.high) == pytest.approx((0.06, 0.03, 0.09))
    assert replace(EVIDENCE, trials=(others,)).whole_gain() == Gain(mean=0, low=0, high=0)


def test_the_rule_that_follows_from_a_selection_is_the_usual_one_without_any() -> None:
    step = Choice(name="smallest_volume", options={"volume_mm3": 30.0})
    selection = Selection(
        configurations=("2d",), thresholds=(0.4,), postprocessing=(step,), measured_on=(), evidence=EVIDENCE
    )
    assert decision_of(selection) == Decision(thresholds=(0.4,), postprocessing=(step,))
    assert decision_of(None) == Decision()
