"""Positions and budgets: what follows from how far a training has come, and from its minutes."""

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


def test_an_extended_training_is_held_low_until_its_steps_are_known():
    waiting = Position(iteration=50, iterations=50).extended(0)
    assert not waiting.is_done()
    assert waiting.scale_rate() == pytest.approx(0.1)


@pytest.mark.parametrize("iterations", [1, 49, 50])
def test_a_finished_training_that_is_asked_for_no_more_steps_stays_finished(iterations):
    done = Position(iteration=50, iterations=50)
    assert done.extended(iterations) is done


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
    failed = Position(iteration=80, iterations=100, seconds=40.0, rate_factor=0.5, rollbacks=1)
    saved = Position(iteration=60, iterations=90, seconds=30.0, validation_seconds=2.0)
    back = failed.back_at(saved)
    assert back == Position(
        iteration=60, iterations=100, seconds=40.0, validation_seconds=2.0, rate_factor=0.25, rollbacks=2
    )


def test_an_extended_training_that_goes_back_before_its_first_checkpoint_stays_extended():
    failed = Position(iteration=55, iterations=100, rewarm_from=50)
    assert failed.back_at(Position(iteration=50, iterations=50)).rewarm_from == 50


def test_minutes_become_the_steps_that_fit_with_room_for_validation():
    budget = make_budget(2.0)
    first = Position(iteration=23, seconds=60.0)
    assert budget.fit(first) == 0, "nothing measured yet"
    budget.add(Position(iteration=3), 3, 100.0)
    assert budget.fit(first) == 0, "the first steps are slow and do not count"
    budget.add(first, 20, 10.0)
    assert budget.seconds_ahead(first) is None
    assert budget.seconds_ahead(Position(iteration=23, iterations=123)) == pytest.approx(50)
    assert budget.fit(first) == 23 + int(60 * 0.92 / 0.5)


@pytest.mark.parametrize(("per_minute", "expected"), [(770, 1000), (400, 650), (1500, 1750)])
def test_the_number_of_steps_changes_only_where_the_minutes_would_be_missed_clearly(per_minute, expected):
    quarter = Position(iteration=250, iterations=1000, seconds=60.0)
    budget = make_budget(2.0)
    # So many steps are possible in the minute that is left, validation taken off.
    budget.add(quarter, per_minute * 10, 60 * 0.92 * 10)
    assert budget.fit(quarter) == expected
    budget.add(quarter, 5000, 10.0)
    assert budget.fit(quarter) == quarter.iterations, "a quarter is looked at once"


def test_a_resumed_training_does_not_look_again_where_it_looked_before():
    budget, half = make_budget(2.0), Position(iteration=500, iterations=1000, seconds=60.0)
    budget.resume(half)
    budget.add(half, 5000, 10.0)
    assert budget.fit(half) == 1000
    assert budget.fit(Position(iteration=750, iterations=1000, seconds=60.0)) > 1000


def test_without_minutes_or_while_cooling_the_steps_stay():
    plain, cooling = Position(iteration=300, iterations=1000), Position(iteration=300, iterations=315, cooling=True)
    for budget, position in ((make_budget(None), plain), (make_budget(2.0), cooling)):
        budget.add(position, 5000, 10.0)
        assert budget.fit(position) == position.iterations


def test_validation_on_the_way_takes_its_share_of_the_minutes_and_no_more():
    budget, spent = make_budget(10.0), Position(validation_seconds=40.0)
    assert budget.allows_validation(spent, 8.0)
    assert not budget.allows_validation(spent, 8.1)
    assert make_budget(None).allows_validation(spent, 1e9)
