"""Memory that is free, and files that need more."""

from __future__ import annotations

import resource
from pathlib import Path

import pytest

from dataset_fingerprints.errors import DataError
from dataset_fingerprints.reading.guards.memory import free_bytes, refuse_too_large
from dataset_fingerprints.sizes import GIB


@pytest.fixture
def two_gib_left():
    used = int(Path("/proc/self/statm").read_text(encoding="utf-8").split()[0]) * resource.getpagesize()
    before = resource.getrlimit(resource.RLIMIT_AS)
    resource.setrlimit(resource.RLIMIT_AS, (used + 2 * GIB, before[1]))
    yield
    resource.setrlimit(resource.RLIMIT_AS, before)


def test_there_is_memory_and_never_more_than_the_machine_has():
    assert 0 < free_bytes() < 1 << 50


@pytest.mark.usefixtures("two_gib_left")
def test_the_limit_of_the_process_counts():
    assert free_bytes() <= 2 * GIB
    refuse_too_large(Path("a.nii"), GIB // 4)
    with pytest.raises(DataError, match=r"a\.nii: reading it takes 3 GiB .*header declares, and .* GiB are free"):
        refuse_too_large(Path("a.nii"), 3 * GIB)
