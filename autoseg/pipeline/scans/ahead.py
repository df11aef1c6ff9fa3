"""Reading ahead and writing behind: while networks look at a scan, the next is read and the last one's mask written."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from itertools import zip_longest
from typing import Generic, TypeVar

from autoseg.hardware import free_memory_gb
from autoseg.pipeline.scans.new_scans import NewScan
from dataset_fingerprints.reading.images import read_grid
from dataset_fingerprints.sizes import GIB

J = TypeVar("J")
R = TypeVar("R")
M = TypeVar("M")
F = TypeVar("F")

# What reading a scan takes at its peak, per voxel of a channel: 11 bytes were measured.
BYTES_PER_VOXEL = 12
# A scan is read ahead where that takes at most this share of the memory: the network needs the rest.
AHEAD_SHARE = 1 / 8


@dataclass(frozen=True, kw_only=True, slots=True)
class Steps(Generic[J, R, M, F]):
    """What is done for each job: each step in a thread of its own, and the steps of one job one after the other.

    Attributes:
        read: called in a thread; what it returns or raises is what `work` gets from the function that it is given.
        work: called in this thread.
        finish: called in a thread, for one job after the other.
        is_small: whether a job may be in memory beside another one.
    """

    read: Callable[[J], R]
    work: Callable[[J, Callable[[], R]], M]
    finish: Callable[[J, M], F]
    is_small: Callable[[J], bool]


def run_overlapped(jobs: Sequence[J], steps: Steps[J, R, M, F]) -> Iterator[F]:
    """Yield what comes of each job, in their order; at most one is read ahead, and at most one finished behind.

    What is being finished when an error or a signal ends the work is finished first.
    """
    with ThreadPoolExecutor(1, "reading") as reader, ThreadPoolExecutor(1, "writing") as writer:
        ahead: Future[R] | None = None
        behind: Future[F] | None = None
        try:
            for job, following in zip_longest(jobs, jobs[1:]):
                reading = ahead or reader.submit(steps.read, job)
                small = steps.is_small(job)
                may_go_on = small and following is not None and steps.is_small(following)
                ahead = reader.submit(steps.read, following) if may_go_on else None
                made = steps.work(job, partial(_take, reading, partial(steps.read, job)))
                del reading
                if behind is not None:
                    yield behind.result()
                behind = writer.submit(steps.finish, job, made)
                del made
                if not may_go_on:
                    yield behind.result()
                    behind = None
        finally:
            reader.shutdown(wait=False, cancel_futures=True)


def _take(reading: Future[R], read_again: Callable[[], R]) -> R:
    """Return what was read; what there was no memory for beside another scan is read again, alone."""
    try:
        return reading.result()
    except MemoryError:
        return read_again()


def is_small(scan: NewScan, channels: int, memory_gb: float) -> bool:
    """Return whether a scan may be read while the network works on another one.

    Args:
        scan: its files; where they cannot be read, that is reported when they are.
        channels: of the scan; one file may hold several, and those that are not there are filled in.
        memory_gb: that predicting may use.
    """
    try:
        x, y, z = read_grid(scan.files()[0]).shape
    except Exception:
        return True
    needed = x * y * z * channels * BYTES_PER_VOXEL
    return needed <= AHEAD_SHARE * min(memory_gb, free_memory_gb()) * GIB
