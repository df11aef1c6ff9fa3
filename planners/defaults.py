"""Tests of values that plans leave out when they are written."""

from __future__ import annotations

from planners.choices import Choice

FULL_SIZE = 1.0  # as `planners.plan.Plan.scale`
NO_GROWTH = Choice(name="none")  # as `planners.plan.Training.growth`


def is_none(value: object) -> bool:
    """Return whether there is no value."""
    return value is None


def is_full_size(scale: object) -> bool:
    """Return whether a plan was not made smaller to try it out."""
    return scale == FULL_SIZE


def is_even(value: object) -> bool:
    """Return whether tiles are weighed evenly around their centre."""
    return value == "even"


def is_no_growth(value: object) -> bool:
    """Return whether patches have the planned size from the first step on."""
    return value == NO_GROWTH
