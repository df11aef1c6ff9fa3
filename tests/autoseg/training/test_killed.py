"""What a training is made of after it was killed and started again: bit for bit what it would have been."""

from __future__ import annotations

import json
import random
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from autoseg.training.checkpoint import load_tensors
from autoseg.workspace.fold import FoldFolder
from tests.autoseg.training.killed import ITERATIONS

STEPS_BETWEEN = (3, 12)


def start(folder: Path, augmentation: str) -> subprocess.Popen[bytes]:
    folder.mkdir(exist_ok=True)
    arguments = [str(folder), str(folder / "records"), augmentation]
    return subprocess.Popen([sys.executable, "-m", "tests.autoseg.training.killed", *arguments])


def read(folder: Path) -> list[dict[str, Any]]:
    """All complete records; a kill may have left half of one."""
    records = folder / "records"
    text = records.read_text(encoding="utf-8") if records.is_file() else ""
    return [json.loads(line) for line in text.splitlines() if line.endswith("}")]


@pytest.mark.parametrize(("augmentation", "kills"), [("standard", 4), ("batchgenerators", 2)])
def test_after_a_kill_every_step_is_bit_for_bit_what_it_was_without(
    tmp_path: Path, augmentation: str, kills: int
) -> None:
    assert start(tmp_path / "whole", augmentation).wait() == 0
    expected = {record["iteration"]: record for record in read(tmp_path / "whole")}
    assert list(expected) == list(range(ITERATIONS))
    assert len({record["random numbers"] for record in expected.values()}) == ITERATIONS
    rng, folder = random.Random(0), tmp_path / "killed"
    for _ in range(kills):
        before, steps = len(read(folder)), rng.randint(*STEPS_BETWEEN)
        process = start(folder, augmentation)
        while len(read(folder)) < before + steps:
            assert process.poll() is None
            time.sleep(0.001)
        process.kill()
        process.wait()
        with (folder / "records").open("a", encoding="utf-8") as stream:
            stream.write("\n")
    assert start(folder, augmentation).wait() == 0
    found = read(folder)
    assert len(found) >= ITERATIONS
    for record in found:
        assert record == expected[record["iteration"]]
    assert {record["iteration"] for record in found} == set(expected)
    assert found[-1]["iteration"] == ITERATIONS - 1
    weights = [load_tensors(FoldFolder(root=tmp_path / name).weights)[0] for name in ("whole", "killed")]
    assert all((weights[0][name] == weights[1][name]).all() for name in weights[0])
