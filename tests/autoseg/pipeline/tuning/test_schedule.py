from __future__ import annotations

import pytest

from autoseg.pipeline.tuning.schedule import APART_SECONDS, SEARCH_SHARE, Schedule, divide, fit_proof, refuse_short
from dataset_fingerprints.errors import PlanError


def cost(schedule: Schedule) -> float:
    """Return the minutes of all trainings of a search: those that go on have been trained for a part already."""
    total, before = 0.0, 0.0
    for rung in schedule.rungs:
        assert rung.length.minutes is not None
        total += rung.candidates * (rung.length.minutes - before)
        before = rung.length.minutes
    return total


@pytest.mark.parametrize("hours", [0.05, 0.25, 1.0, 3.0, 24.0])
def test_the_search_keeps_within_its_half_and_leaves_room_for_loading(hours: float) -> None:
    schedule = divide(hours, None, None)
    assert schedule.seconds == pytest.approx(3600 * hours)
    apart = sum(rung.candidates for rung in schedule.rungs) * APART_SECONDS / 60
    assert cost(schedule) + apart == pytest.approx(0.9 * SEARCH_SHARE * 60 * hours)


def test_a_time_of_seconds_is_still_trained_in() -> None:
    assert cost(divide(0.001, None, None)) == pytest.approx(0.3 * SEARCH_SHARE * 60 * 0.001)


def test_an_hour_is_nine_candidates_of_which_three_go_on_for_three_times_as_long() -> None:
    first, second = divide(1.0, None, None).rungs
    assert (first.candidates, second.candidates) == (9, 3)
    assert second.length.minutes == pytest.approx(3 * (first.length.minutes or 0))


@pytest.mark.parametrize(("asked", "counts"), [(2, [2]), (3, [3]), (4, [4, 2]), (27, [27, 9, 3]), (10, [10, 4, 2])])
def test_of_each_rung_about_a_third_goes_on_but_never_a_single_one(asked: int, counts: list[int]) -> None:
    assert [rung.candidates for rung in divide(1.0, None, asked).rungs] == counts


def test_no_more_candidates_are_planned_than_there_are() -> None:
    assert [rung.candidates for rung in divide(1.0, None, None, most=4).rungs] == [4, 2]


def test_steps_in_place_of_time_are_the_same_for_the_longest_rung_and_the_proof() -> None:
    schedule = divide(None, 90, 9)
    assert [rung.length.iterations for rung in schedule.rungs] == [30, 90]
    assert schedule.proof == schedule.rungs[-1].length
    assert schedule.seconds is None


def test_in_short_times_more_trainings_of_either_side_are_compared() -> None:
    assert [divide(hours, None, None).pairs for hours in (0.1, 1.9, 2.0, 24.0)] == [8, 8, 5, 5]


def test_without_time_or_steps_it_says_what_to_give() -> None:
    with pytest.raises(PlanError, match=r"--hours, or .* --iterations"):
        divide(None, None, None)


def test_the_trainings_of_the_proof_fit_into_what_is_left_with_all_that_is_beside_them() -> None:
    length = fit_proof(1800.0, 12.0, 5)
    assert length.minutes is not None
    assert 2 * 5 * (60 * length.minutes + 12.0) <= 1800.0


def test_a_time_that_is_over_still_gives_a_length() -> None:
    length = fit_proof(-5.0, 12.0, 5)
    assert length.minutes is not None
    assert length.minutes > 0


def test_it_is_described_in_words() -> None:
    said = divide(1.0, None, None).describe()
    assert said == (
        "Search, 24 min: 9 candidates for 1.5 min each, the best 3 go on to 4 min. Proof, 36 min: 8 trainings each by "
        "the plan as it is and by the best candidate, about 2 min each."
    )


def test_what_is_left_of_the_time_is_never_less_than_nothing() -> None:
    schedule = divide(1.0, None, None)
    assert schedule.describe_left(1800.0) == " About 30 min left."
    assert schedule.describe_left(7200.0) == " About 0 s left."
    assert divide(None, 90, 9).describe_left(7200.0) == ""


@pytest.mark.parametrize("minutes", [0.006, 4.0])
def test_a_time_in_which_trainings_take_single_steps_is_refused_with_one_that_would_do(minutes: float) -> None:
    with pytest.raises(
        PlanError, match=r"too short for a search: .* Give at least --max-minutes 5 \(--hours 0\.09\)\."
    ):
        refuse_short(minutes / 60, None, None)


def test_times_that_leave_each_training_some_seconds_and_counted_steps_are_not_refused() -> None:
    refuse_short(5 / 60, None, None)
    refuse_short(0.0001, 90, None)
    refuse_short(None, 90, None)


def test_of_more_candidates_each_needs_its_time() -> None:
    with pytest.raises(
        PlanError,
        match=r"0\.3 s each.* Give at least --max-minutes \d+ \(--hours .*\) or fewer --candidates",
    ):
        refuse_short(0.1, None, 50)
