"""What this process may use of the machine."""

from __future__ import annotations

import pytest

from autoseg.hardware import SHARERS, count_cores, free_memory_gb, memory_limit_gb


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
