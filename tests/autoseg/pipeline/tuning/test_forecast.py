from __future__ import annotations

import pytest

from autoseg.pipeline.tuning.forecast import describe_power, describe_scoring, find_least_gain
from autoseg.pipeline.tuning.schedule import divide


def test_few_subjects_and_many_comparisons_prove_only_large_gains() -> None:
    # t of 9 degrees of freedom is 2.262.
    assert find_least_gain(10) == pytest.approx(2.262 * 0.05 / 10**0.5, rel=1e-3)
    assert find_least_gain(131) < find_least_gain(131, comparisons=5) < find_least_gain(10)


def test_it_is_said_which_gains_cannot_be_proven() -> None:
    said = describe_power(10, 1)
    assert said.startswith("A gain below about 0.036 cannot be proven on them: so it is where")
    assert "the 3 comparisons on these cases allowed for" in describe_power(10, 3)


def test_where_scoring_takes_most_of_the_first_trainings_it_is_said_with_what_to_give() -> None:
    schedule = divide(8.0, None, None)
    length = schedule.rungs[0].length
    assert length.minutes is not None
    (said,) = describe_scoring(schedule, 105, 40 * length.minutes)
    assert said.startswith("Scoring 105 cases takes about ")
    assert said.endswith("Give more --hours, or fewer candidates (--candidates 9).")
    assert list(describe_scoring(schedule, 105, 20 * length.minutes)) == []
    assert list(describe_scoring(divide(None, 90, 9), 105, 1e6)) == []
