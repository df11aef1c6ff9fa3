"""Processes side by side, each with its share of the cores to itself, so that whatever else runs slows all alike."""

from __future__ import annotations

import os
from collections.abc import Callable


def keep_to_share(place: int, sharers: int) -> Callable[[], None]:
    """Return what keeps a new process (`preexec_fn`) to the `place`-th share of the cores that this one may use."""
    cores = sorted(os.sched_getaffinity(0))
    share = max(1, len(cores) // sharers)
    mine = set(cores[place * share : (place + 1) * share]) or set(cores)
    return lambda: os.sched_setaffinity(0, mine)
