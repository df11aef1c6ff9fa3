"""Memory that is free, and files that need more."""

from __future__ import annotations

import resource
from pathlib import Path

import pytest

from dataset_fingerprints.errors import DataError
from dataset_fingerprints.reading.guards.memory import free_bytes, refuse_too_large
from dataset_fingerprints.sizes import GIB

# Limits of a process, each with the column of /proc/self/statm that counts what it is about.
LIMITS = {"addresses": (resource.RLIMIT_AS, 0), "data": (resource.RLIMIT_DATA, 5)}


@pytest.fixture(params=LIMITS)
def two_gib_left(request):
    limit, column = LIMITS[request.param]
    used = int(Path("/proc/self/statm").read_text(encoding="utf-8").split()[column]) * resource.getpagesize()
    before = resource.getrlimit(limit)
    resource.setrlimit(limit, (used + 2 * GIB, before[1]))
    yield
    resource.setrlimit(limit, before)


def test_there_is_memory_and_never_more_than_the_machine_has():
    assert 0 < free_bytes() < 1 << 50


@pytest.mark.usefixtures("two_gib_left")
def test_a_limit_of_the_process_counts():
    # A little may have been given back since it was set.
    assert free_bytes() <= 2.1 * GIB
    refuse_too_large(Path("a.nii"), GIB // 4)
    with pytest.raises(DataError, match=r"a\.nii: reading it takes 3 GiB .*header declares, and .* GiB are free"):
        refuse_too_large(Path("a.nii"), 3 * GIB)
