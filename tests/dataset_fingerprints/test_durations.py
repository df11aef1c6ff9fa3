from __future__ import annotations

import pytest

from dataset_fingerprints.durations import show_duration, suggest_minutes


@pytest.mark.parametrize(
    ("seconds", "said"),
    [
        (0, "0 s"),
        (-1, "0 s"),
        (59.4, "59 s"),
        (59.6, "1 min"),
        (61, "1 min"),
        (150, "2.5 min"),
        (290, "5 min"),
        (720, "12 min"),
        (5399, "90 min"),
        (5400, "1.5 h"),
        (7200, "2 h"),
        (21_600, "6 h"),
        (36_000, "10 h"),
        (130_000, "36 h"),
        (400_000, "5 days"),
    ],
)
def test_a_duration_is_said_in_one_unit(seconds: float, said: str) -> None:
    assert show_duration(seconds) == said


@pytest.mark.parametrize(
    ("least", "said"), [(0, 1), (3.2, 5), (4.9, 5), (5, 10), (47, 60), (59, 60), (121, 180), (4320, 5760), (6000, 7200)]
)
def test_minutes_are_suggested_in_round_figures_above_what_is_needed(least: float, said: int) -> None:
    assert suggest_minutes(least) == said
