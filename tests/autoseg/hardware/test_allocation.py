from __future__ import annotations

import os
import platform
import subprocess
import sys

import pytest

from autoseg.hardware import allocation

# Page faults of twenty arrays of 48 MiB, each freed before the next, and what the process holds afterwards.
PROGRAM = """
import resource, sys
import numpy as np
from autoseg.hardware.allocation import give_freed_memory_back, keep_freed_memory

def held():
    return int(open("/proc/self/statm").read().split()[1]) * resource.getpagesize() // 2**20

if sys.argv[1] == "kept":
    keep_freed_memory()
before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
for number in range(20):
    np.ones(6 * 2**20)
faults = resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before
kept = held()
give_freed_memory_back()
print(faults, kept - held())
"""


def run(how: str, **environment: str) -> tuple[int, int]:
    command = [sys.executable, "-c", PROGRAM, how]
    done = subprocess.run(command, env={**os.environ, **environment}, check=True, capture_output=True, text=True)
    faults, returned_mib = map(int, done.stdout.split())
    return faults, returned_mib


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="only glibc can be told so")
def test_freed_memory_is_used_again_until_it_is_given_back() -> None:
    plain, kept = run("plain"), run("kept")
    assert kept[0] < plain[0] / 4
    assert plain[1] < 24
    assert kept[1] >= 44
    assert run("kept", MALLOC_TRIM_THRESHOLD_="131072")[0] > plain[0] / 2


class Library:
    """A C library that keeps blocks up to a size only."""

    def __init__(self, most: int) -> None:
        self.most, self.options = most, dict[int, int]()

    def mallopt(self, option: int, value: int) -> int:
        if option == allocation._MMAP_THRESHOLD and value > self.most:
            return 0
        self.options[option] = value
        return 1


@pytest.mark.parametrize(
    ("most", "expected"),
    [(1 << 30, {-3: 64 << 20, -1: 256 << 20}), (32 << 20, {-3: 32 << 20, -1: 256 << 20}), (1 << 20, {})],
)
def test_an_older_library_keeps_blocks_as_large_as_it_takes(
    monkeypatch: pytest.MonkeyPatch, most: int, expected: dict[int, int]
) -> None:
    library = Library(most)
    monkeypatch.setattr(allocation, "_find_library", lambda: library)
    for name in allocation._OF_THE_USER:
        monkeypatch.delenv(name, raising=False)
    allocation.keep_freed_memory.__wrapped__()
    assert library.options == expected
