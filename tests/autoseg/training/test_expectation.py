import pytest

from autoseg.training.expectation import Expectation, show_time


@pytest.mark.parametrize(
    ("seconds", "shown"),
    [
        (0.2, "1 second"),
        (40.0, "40 seconds"),
        (100.0, "2 minutes"),
        (85 * 60, "85 minutes"),
        (3.5 * 3600, "3.5 hours"),
        (6 * 3600, "6 hours"),
        (72 * 3600, "3 days"),
    ],
)
def test_times_are_said_as_people_say_them(seconds: float, shown: str) -> None:
    assert show_time(seconds) == shown


def test_what_is_expected_is_the_sum_of_its_shares() -> None:
    ahead = Expectation(steps=1000, step_seconds=0.6, rounds_seconds=120.0, final_seconds=180.0, final_cases=40)
    assert ahead.seconds() == 900
    assert ahead.describe() == (
        "Expected here: about 15 minutes: 10 minutes for 1000 steps, 2 minutes for validation on the way, 3 minutes "
        "for 40 validation cases at the end."
    )


def test_a_training_without_validation_says_nothing_of_it() -> None:
    ahead = Expectation(steps=1, step_seconds=60.0, rounds_seconds=0.0, final_seconds=0.0, final_cases=0)
    assert ahead.describe() == "Expected here: about 60 seconds: 60 seconds for 1 step."
