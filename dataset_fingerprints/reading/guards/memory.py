"""Memory that a file's voxels need, compared with what is free before any of it is taken."""

from __future__ import annotations

import os
from pathlib import Path

from dataset_fingerprints.control_groups import memory_left_bytes
from dataset_fingerprints.errors import DataError
from dataset_fingerprints.sizes import GIB

# Less than this is taken without a look at what is free.
_ALWAYS_THERE = GIB // 16
_NO_LIMIT = 1 << 62
# Columns of /proc/self/statm, in pages: all addresses, and what is private and can be written to.
_ADDRESSES, _DATA = 0, 5


def refuse_too_large(path: Path, needed_bytes: int) -> None:
    """Raise a DataError if a file's voxels do not fit into the free memory.

    Args:
        path: the file, for the message.
        needed_bytes: what reading it takes at its peak, by its header.
    """
    if needed_bytes <= _ALWAYS_THERE:
        return
    free = free_bytes()
    if needed_bytes > free:
        raise DataError(
            f"{path}: reading it takes {needed_bytes / GIB:.3g} GiB of memory by the size that its header declares, "
            f"and {free / GIB:.3g} GiB are free. If the scan is really so large, free memory or resample it; "
            "else the header is damaged: copy the file again from its source."
        )


def free_bytes() -> float:
    """Return the memory that this process can take now: of the machine, its control groups and its own limits."""
    return max(0, min(free_of_machine(), memory_left_bytes(), _left_of("RLIMIT_AS", _ADDRESSES), free_of_data()))


def free_of_machine() -> int:
    """Return the memory that the machine has left, or all of it where it does not say."""
    figures = Path("/proc/meminfo")
    if figures.is_file():
        for line in figures.read_text(encoding="ascii").splitlines():
            if line.startswith("MemAvailable:"):
                return 1024 * int(line.split()[1])
    try:
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (AttributeError, OSError, ValueError):
        return _NO_LIMIT  # a system that does not say


def free_of_data() -> int:
    """Return what is left of the limit for data (ulimit -d), which grand-challenge.org sets for what it runs."""
    return _left_of("RLIMIT_DATA", _DATA)


def _left_of(limit: str, column: int) -> int:
    """Return what is left of a limit that a shell, a queue or a platform set for this process.

    Args:
        limit: as `resource` calls it.
        column: of /proc/self/statm, where the pages are counted that it is about.
    """
    try:
        import resource
    except ImportError:
        return _NO_LIMIT  # Windows
    most, _ = resource.getrlimit(getattr(resource, limit))
    sizes = Path("/proc/self/statm")
    if most == resource.RLIM_INFINITY or not sizes.is_file():
        return _NO_LIMIT
    return most - int(sizes.read_text(encoding="ascii").split()[column]) * resource.getpagesize()
