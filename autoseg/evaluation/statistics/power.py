"""Smallest difference that a paired comparison of so many cases can show, and cases that a difference needs."""

from __future__ import annotations

import math

from scipy import optimize, special

ALPHA, POWER = 0.05, 0.8
# Beyond this many, a number of cases says only that there are too many.
_MOST_CASES = 1_000_000


def find_power(difference: float, sd: float, n: int, alpha: float = ALPHA) -> float:
    """Return how often a paired t-test of n cases shows a mean difference (two-sided, by the noncentral t).

    Args:
        difference: the true mean difference.
        sd: of the differences of single cases, above 0.
        n: number of cases, at least 2.
        alpha: the level of the test.
    """
    freedom = n - 1
    bound = -float(special.stdtrit(freedom, alpha / 2))
    shift = abs(difference) * math.sqrt(n) / sd
    return 1 - _share_below(bound, freedom, shift) + _share_below(-bound, freedom, shift)


def _share_below(bound: float, freedom: int, shift: float) -> float:
    share = float(special.nctdtr(freedom, shift, bound))
    # Far out in the tail, scipy has no number.
    return 0.0 if math.isnan(share) else share


def find_smallest_difference(sd: float, n: int, alpha: float = ALPHA, power: float = POWER) -> float | None:
    """Return the smallest true mean difference that a paired t-test of n cases shows with a power; None below two.

    Args:
        sd: of the differences of single cases; the observed one stands for the true one.
        n: number of cases.
        alpha: the level of the two-sided test.
        power: how often the difference is to be found.
    """
    if n < 2:
        return None
    if sd == 0:
        return 0.0
    bound = -float(special.stdtrit(n - 1, alpha / 2))
    highest = 4 * (bound + 4) / math.sqrt(n)
    found = optimize.brentq(lambda shift: find_power(shift, 1.0, n, alpha) - power, 1e-9, highest)
    return float(found) * sd


def find_needed_cases(difference: float, sd: float, alpha: float = ALPHA, power: float = POWER) -> int | None:
    """Return how many cases a paired t-test needs to show a difference; None where a million are too few."""
    if sd == 0:
        return 2
    low, high = 1, 2
    while find_power(difference, sd, high, alpha) < power:
        low, high = high, 2 * high
        if high > _MOST_CASES:
            return None
    while high - low > 1:
        middle = (low + high) // 2
        if find_power(difference, sd, middle, alpha) < power:
            low = middle
        else:
            high = middle
    return high
