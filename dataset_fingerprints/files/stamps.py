"""Stamps of files, by which a process knows again what it has read."""

from __future__ import annotations

import os
import time

Stamp = tuple[int, ...]
# A file that changed more recently may change again in the same tick of the clock that its times are taken from.
SETTLED_NS = 2_000_000_000


def find_stamp(status: os.stat_result) -> Stamp | None:
    """Return place, size and times of a file, which are others when its content is; None where it changed just now."""
    if time.time_ns() - status.st_ctime_ns < SETTLED_NS:
        return None
    return (status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns, status.st_ctime_ns)
