"""Numbers that a person gives on the command line or in Python: whether they can be meant."""

from __future__ import annotations

from dataset_fingerprints.errors import PlanError

# What the random numbers of every library that is used can begin with.
MOST_SEED = 2**32 - 1
# More than a century: no training is as long, and the number of its steps still fits everywhere.
MOST_HOURS = 1e6
MOST_COUNT = 10**9


def check_amount(name: str, value: object, most: float, expected: str) -> None:
    """Make sure that a value is a number above 0 that is not absurd.

    Args:
        name: of the option, as messages call it.
        value: that was given.
        most: of what can be meant.
        expected: in words.

    Raises:
        PlanError: it is not.
    """
    number = isinstance(value, int | float) and not isinstance(value, bool)
    if not number or not 0 < value <= most:  # type: ignore[operator]
        raise PlanError(f"{name} is {show_value(value)}. Expected {expected}{_limit(value, most)}.")


def check_hours(name: str, value: object) -> None:
    """Make sure that a value is a number of hours to train for.

    Raises:
        PlanError: it is not.
    """
    check_amount(name, value, MOST_HOURS, "more than 0")


def check_seed(name: str, value: object) -> None:
    """Make sure that a value can be the beginning of random numbers.

    Raises:
        PlanError: it cannot.
    """
    if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value <= MOST_SEED:
        raise PlanError(f"{name} is {show_value(value)}. Expected a whole number from 0 to {MOST_SEED}.")


def show_value(value: object) -> str:
    """Return a value as a message shows it: a number in short, text in quotes."""
    if isinstance(value, float):
        return f"{value:g}"
    if isinstance(value, int) and abs(value) >= 10**20:
        return "a number of more than 20 digits"
    text = repr(value)
    return text if len(text) <= 80 else f"{text[:77]}..."


def _limit(value: object, most: float) -> str:
    above = isinstance(value, int | float) and value > most
    return f", and at most {most:g}" if above else ""
