"""What this process may use of the machine."""

from __future__ import annotations

import resource
from pathlib import Path

import pytest

from autoseg.hardware import SHARERS, count_cores, free_memory_gb, memory_limit_gb
from dataset_fingerprints.sizes import GIB


@pytest.mark.parametrize("text", ["0", "-1", "abc", "", "1.5", "\u0663", "9" * 5000])
def test_a_number_of_sharers_that_cannot_be_meant_is_ignored(monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    monkeypatch.delenv(SHARERS, raising=False)
    cores = count_cores()
    monkeypatch.setenv(SHARERS, text)
    assert count_cores() == cores
    assert free_memory_gb() > 0


def test_what_is_free_is_within_the_limit() -> None:
    assert 0 < free_memory_gb() <= memory_limit_gb() + 0.05  # which is rounded to a tenth
    assert count_cores() >= 1


def test_what_is_free_is_within_the_limit_for_data_that_a_platform_sets() -> None:
    used = int(Path("/proc/self/statm").read_text(encoding="utf-8").split()[5]) * resource.getpagesize()
    before = resource.getrlimit(resource.RLIMIT_DATA)
    resource.setrlimit(resource.RLIMIT_DATA, (used + GIB, before[1]))
    try:
        # A little may have been given back since it was set.
        assert 0 < free_memory_gb() <= 1.1
    finally:
        resource.setrlimit(resource.RLIMIT_DATA, before)
