from __future__ import annotations

import pytest

from planners.parts import SCHEDULES
from planners.parts.schedules import CosineRestartsOptions, PlateauOptions

STALE = [0.5] * 40  # means of validation rounds that get no better


@pytest.mark.parametrize("name", SCHEDULES)
def test_every_schedule_starts_near_its_peak_and_ends_far_below_it_and_never_below_zero(name: str) -> None:
    schedule = SCHEDULES[name]()
    factors = [schedule.factor(step / 100, STALE[: step // 5]) for step in range(101)]
    assert max(factors) == pytest.approx(1, abs=1e-2)
    assert 0 <= factors[-1] <= 0.02
    assert min(factors) >= 0


@pytest.mark.parametrize("name", SCHEDULES)
def test_every_schedule_has_a_rate_before_a_time_is_turned_into_steps_and_before_any_validation(name: str) -> None:
    assert 0 < SCHEDULES[name]().factor(0.0, ()) <= 1


@pytest.mark.parametrize("name", ["cosine", "plateau", "poly"])
def test_a_schedule_without_restarts_only_falls_after_its_peak(name: str) -> None:
    schedule = SCHEDULES[name]()
    factors = [schedule.factor(step / 100, STALE[: step // 5]) for step in range(101)]
    peak = factors.index(max(factors))
    assert all(first >= second for first, second in zip(factors[peak:], factors[peak + 1 :], strict=False))


def test_restarts_come_back_to_the_full_rate_ever_later() -> None:
    factors = [CosineRestartsOptions().factor(step / 1500, ()) for step in range(1501)]
    jumps = [step for step in range(1, 1501) if factors[step] > factors[step - 1]]
    # Cycles of 1, 2, 4 and 8 parts of 15.
    assert jumps == [100, 300, 700]
    assert all(factors[step] == pytest.approx(1.0) for step in jumps)


@pytest.mark.parametrize(
    ("means", "factor"),
    [
        ([], 1.0),
        ([0.3, 0.4, 0.5, 0.6], 1.0),
        ([0.5, 0.4], 1.0),
        ([0.5, 0.4, 0.5], 0.5),
        ([0.5, 0.4, 0.5, 0.4], 0.5),
        ([0.5, 0.4, 0.5, 0.4, 0.4], 0.25),
        ([0.5, 0.4, 0.4, 0.6, 0.5], 0.5),
        ([0.5] * 100, 0.1),
    ],
)
def test_a_plateau_falls_after_two_rounds_without_a_new_best_and_then_counts_anew(
    means: list[float], factor: float
) -> None:
    assert PlateauOptions(patience=2, reduction=0.5, final_factor=0.1).factor(0.5, means) == factor
