from dataclasses import replace

from autoseg.training.expectation import Expectation


def test_what_is_expected_is_the_sum_of_its_shares() -> None:
    ahead = Expectation(steps=1000, step_seconds=0.6, rounds_seconds=120.0, final_seconds=180.0, final_cases=40)
    assert ahead.seconds() == 900
    assert ahead.describe() == (
        "Expected here: about 15 min: 10 min for 1,000 steps, 2 min for validation on the way, 3 min for 40 "
        "validation cases at the end."
    )


def test_a_training_without_validation_says_nothing_of_it() -> None:
    ahead = Expectation(steps=1, step_seconds=60.0, rounds_seconds=0.0, final_seconds=0.0, final_cases=0)
    assert ahead.describe() == "Expected here: about 1 min: 1 min for 1 step."


def test_a_validation_that_leaves_no_room_for_the_training_is_said_with_the_time_that_holds_both() -> None:
    ahead = Expectation(
        steps=40, step_seconds=1.2, rounds_seconds=0.0, final_seconds=300.0, final_cases=12, minutes=2.0
    )
    assert ahead.describe().startswith("Expected here: about 6 min: 48 s for as many steps as fit, 40 at first, 5 min")
    assert "at the end. That is more than the 2 min asked for: every validation case is predicted" in ahead.describe()
    assert "About 5 times as many minutes hold both" in ahead.describe()
    assert "asked for" not in replace(ahead, minutes=10.0).describe()
    assert "asked for" not in replace(ahead, minutes=None).describe()
