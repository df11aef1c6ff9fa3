"""Trainings that were killed and started again: bit for bit the same as without the kill."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from autoseg.workspace.fold import FoldFolder
from tests.autoseg.training.builders import equal_weights
from tests.autoseg.training.killed import ITERATIONS

# Before the first checkpoint, after some, and further on; each once for each augmentation, but for one.
EVERY_WAY = [
    ("standard", "none", (9,)),
    pytest.param("standard", "none", (2, 17), marks=pytest.mark.long),
    pytest.param("batchgenerators", "none", (2, 9), marks=pytest.mark.long),
    # Of 24 steps, the patch grows at the 8th and the 16th.
    pytest.param("standard", "progressive", (7, 8, 17), marks=pytest.mark.slow),
]


def run(folder: Path, augmentation: str, growth: str, last: int = 0) -> int:
    folder.mkdir(exist_ok=True)
    arguments = [str(folder), str(folder / "records"), str(last), augmentation, growth]
    return subprocess.run([sys.executable, "-m", "tests.autoseg.training.killed", *arguments], check=False).returncode


def read(folder: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (folder / "records").read_text(encoding="utf-8").splitlines()]


@pytest.mark.parametrize(("augmentation", "growth", "kills"), EVERY_WAY)
def test_after_a_kill_every_step_is_bit_for_bit_what_it_was_without(
    tmp_path: Path, augmentation: str, growth: str, kills: tuple[int, ...]
) -> None:
    assert run(tmp_path / "whole", augmentation, growth) == 0
    expected = {record["iteration"]: record for record in read(tmp_path / "whole")}
    assert list(expected) == list(range(ITERATIONS))
    assert len({record["random numbers"] for record in expected.values()}) == ITERATIONS
    assert len({record["learning rate"] for record in expected.values()}) > 1
    folder = tmp_path / "killed"
    for last in kills:
        assert run(folder, augmentation, growth, last) == -signal.SIGKILL
    assert run(folder, augmentation, growth) == 0
    found = read(folder)
    # Steps behind the last checkpoint were made twice.
    assert ITERATIONS < len(found) < ITERATIONS + sum(kills)
    for record in found:
        assert record == expected[record["iteration"]]
    assert {record["iteration"] for record in found} == set(expected)
    assert found[-1]["iteration"] == ITERATIONS - 1
    assert equal_weights(*(FoldFolder(root=tmp_path / name) for name in ("whole", "killed")))
