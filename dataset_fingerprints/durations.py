"""Durations in words."""

from __future__ import annotations

import math

MINUTE, HOUR, DAY = 60.0, 3600.0, 86400.0

# Of minutes and of hours, those that people say.
_ROUND = (1, 2, 3, 5, 10, 15, 20, 30, 45, 60, 90, 120, 180, 240, 360, 480, 720, 1080, 1440, 2160, 2880, 4320)
_DAY_MINUTES = 1440


def suggest_minutes(least: float) -> int:
    """Return round minutes above some that were measured, so that what is suggested does not vary as these do."""
    known = next((minutes for minutes in _ROUND if minutes > least), None)
    return known or _DAY_MINUTES * (math.floor(least / _DAY_MINUTES) + 1)


def show_duration(seconds: float) -> str:
    """Return a duration as a person says it: `40 s`, `2.5 min`, `12 min`, `1.5 h`, `36 h`, `4 days`."""
    if round(seconds) < MINUTE:
        return f"{max(seconds, 0.0):.0f} s"
    if seconds < 5 * MINUTE:
        return f"{round(2 * seconds / MINUTE) / 2:g} min"
    if seconds < 1.5 * HOUR:
        return f"{seconds / MINUTE:.0f} min"
    if seconds < 10 * HOUR:
        return f"{round(2 * seconds / HOUR) / 2:g} h"
    if seconds < 2 * DAY:
        return f"{seconds / HOUR:.0f} h"
    return f"{seconds / DAY:.0f} days"
