"""Positions and budgets: what follows from how far a training has come, and from its minutes."""

from dataclasses import replace

import pytest

from autoseg.training.budget import Budget
from autoseg.training.policy import BudgetPolicy
from autoseg.training.position import Position


def make_budget(minutes):
    return Budget(minutes, BudgetPolicy())


def test_a_step_changes_nothing_but_the_iteration():
    assert Position(iteration=3, iterations=9, seconds=1.5).stepped() == Position(
        iteration=4, iterations=9, seconds=1.5
    )


def test_an_extended_training_warms_up_again_over_a_fiftieth_of_the_added_steps():
    done = Position(iteration=50, iterations=50)
    longer = done.extended(250)
    assert (longer.iteration, longer.iterations, longer.rewarm_from) == (50, 250, 50)
    scales = [Position(iteration=i, iterations=250, rewarm_from=50).scale_rate() for i in (50, 51, 52, 53, 54, 200)]
    assert scales == [0.25, 0.5, 0.75, 1, 1, 1]
    assert done.scale_rate() == 1


@pytest.mark.parametrize("iterations", [1, 49, 50])
def test_a_finished_training_that_is_asked_for_no_more_steps_stays_finished(iterations):
    done = Position(iteration=50, iterations=50)
    assert done.extended(iterations) is done


def test_a_training_on_its_way_goes_on_by_the_longer_schedule_unless_it_was_asked_to_end():
    begun, ending = Position(iteration=40, iterations=100), Position(iteration=96, iterations=100, cooling=True)
    assert begun.extended(250) == replace(begun, iterations=250)
    assert [begun.extended(steps) for steps in (100, 50, 0)] == [begun] * 3
    assert ending.extended(250) is ending


def test_a_training_that_ended_early_is_extended_like_any_other():
    ended = Position(iteration=100, iterations=100, seconds=60.0, cooling=True)
    assert ended.extended(250) == replace(ended, iterations=250, rewarm_from=100, cooling=False)
    budget, longer = make_budget(2.0), ended.extended(0)
    budget.begin(longer, step_seconds=0.5)
    assert budget.fit(longer) == 100 + int(60 / 0.5), "minutes become steps again"


def test_cooling_down_leaves_a_twentieth_of_the_schedule():
    cooled = Position(iteration=95, iterations=1000).cooled_down()
    assert (cooled.iterations, cooled.cooling) == (100, True)
    assert cooled.share_done() == pytest.approx(0.95)
    assert cooled.cooled_down() is cooled
    assert Position(iteration=0, iterations=0).cooled_down().iterations == 1


def test_a_training_that_ends_sooner_than_it_would_cool_down_is_left_alone():
    ending = Position(iteration=97, iterations=100)
    assert ending.cooled_down() is ending


def test_going_back_keeps_the_time_spent_and_halves_the_rate_each_time():
    failed = Position(iteration=80, iterations=100, seconds=40.0, rate_factor=0.5, rollbacks=1, minutes=2.0)
    saved = Position(iteration=60, iterations=90, seconds=30.0, validation_seconds=2.0)
    back = failed.back_at(saved)
    assert back == Position(
        iteration=60,
        iterations=100,
        seconds=40.0,
        validation_seconds=2.0,
        rate_factor=0.25,
        rollbacks=2,
        minutes=2.0,
    )


def test_a_training_that_was_asked_to_end_still_ends_after_going_back():
    ending = Position(iteration=98, iterations=100, cooling=True)
    back = ending.back_at(Position(iteration=60, iterations=1000))
    assert (back.iteration, back.iterations, back.cooling) == (60, 100, True)


def test_an_extended_training_that_goes_back_before_its_first_checkpoint_stays_extended():
    failed = Position(iteration=55, iterations=100, rewarm_from=50)
    assert failed.back_at(Position(iteration=50, iterations=50)).rewarm_from == 50


def test_minutes_become_the_steps_that_fit_with_room_for_validation():
    budget = make_budget(2.0)
    first = Position(iteration=20, seconds=60.0)
    budget.begin(first, step_seconds=0.5)
    assert budget.seconds_ahead(first) is None
    assert budget.fit(first) == 20 + int(60 / 0.5)
    budget.expect_rounds(8.0)
    budget.expect_final(22.0)
    assert budget.fit(first) == 20 + int(30 / 0.5)
    assert budget.fit(replace(first, validation_seconds=5.0)) == 20 + int(35 / 0.5), "some of it is over"
    begun = Position(iteration=20, iterations=120, seconds=60.0)
    assert budget.seconds_ahead(begun) == pytest.approx(50)
    budget.add(20, 40.0)
    assert budget.seconds_ahead(begun) == pytest.approx(200), "measured counts more than the first guess"


def test_a_validation_that_takes_longer_than_the_minutes_leaves_the_training_its_share():
    budget = make_budget(10.0)
    budget.begin(Position(), step_seconds=1.0)
    budget.expect_final(10_000.0)
    assert budget.fit(Position()) == int(0.4 * 600)


def test_the_last_validation_may_take_its_share_or_what_the_training_left():
    budget = make_budget(10.0)
    assert budget.final_allowed(Position(iteration=5, iterations=10, seconds=60.0)) == pytest.approx(90)
    assert budget.final_allowed(Position(iteration=10, iterations=10, seconds=400.0)) == pytest.approx(200)
    assert budget.final_allowed(Position(iteration=10, iterations=10, seconds=700.0)) == pytest.approx(90)
    assert make_budget(None).final_allowed(Position(iteration=10, iterations=10)) is None


@pytest.mark.parametrize(("per_minute", "expected"), [(770, 1000), (400, 650), (1500, 1750)])
def test_the_number_of_steps_changes_only_where_the_minutes_would_be_missed_clearly(per_minute, expected):
    quarter = Position(iteration=250, iterations=1000, seconds=60.0)
    budget = make_budget(2.0)
    budget.begin(Position(iteration=100, iterations=1000), step_seconds=0.5)
    # So many steps are possible in the minute that is left.
    budget.add(per_minute * 10, 60 * 10)
    assert budget.fit(quarter) == expected
    budget.add(5000, 10.0)
    assert budget.fit(quarter) == quarter.iterations, "a quarter is looked at once"


def test_a_resumed_training_does_not_look_again_where_it_looked_before():
    budget, half = make_budget(2.0), Position(iteration=500, iterations=1000, seconds=60.0)
    budget.begin(half, step_seconds=0.5)
    budget.add(5000, 10.0)
    assert budget.fit(half) == 1000
    assert budget.fit(Position(iteration=750, iterations=1000, seconds=60.0)) > 1000


@pytest.mark.parametrize(("step_seconds", "expected"), [(0.12, 1000), (0.1, 1000), (0.06, 1500), (0.5, 620)])
def test_a_training_that_goes_on_at_another_speed_takes_the_time_that_is_left(step_seconds, expected):
    budget, half = make_budget(2.0), Position(iteration=500, iterations=1000, seconds=60.0, minutes=2.0)
    budget.begin(half, step_seconds=step_seconds)
    assert budget.fit(half) == expected
    assert budget.fit(replace(half, iterations=expected)) == expected, "that is looked at once"


@pytest.mark.parametrize(("minutes", "expected"), [(4.5, 1080), (4.125, 960), (4.0, 960), (3.75, 900)])
def test_a_training_that_is_given_other_minutes_near_its_end_takes_them(minutes, expected):
    budget = make_budget(minutes)
    late = Position(iteration=800, iterations=960, seconds=200.0, minutes=4.0)
    budget.begin(late, step_seconds=0.25)
    assert budget.fit(late) == expected


def test_without_minutes_or_while_cooling_the_steps_stay():
    plain, cooling = Position(iteration=300, iterations=1000), Position(iteration=300, iterations=315, cooling=True)
    for budget, position in ((make_budget(None), plain), (make_budget(2.0), cooling)):
        budget.add(5000, 10.0)
        assert budget.fit(position) == position.iterations


def test_validation_on_the_way_takes_its_share_of_the_minutes_and_no_more():
    budget, spent = make_budget(10.0), Position(validation_seconds=40.0)
    assert budget.allows_validation(spent, 8.0)
    assert not budget.allows_validation(spent, 8.1)
    assert make_budget(None).allows_validation(spent, 1e9)
