"""Trainings whose cases are read from somewhere slow."""

from __future__ import annotations

import os
import signal
import threading
import time
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from autoseg.sampling import CaseVoxels
from autoseg.workspace.fold import FoldFolder
from dataset_fingerprints.errors import StoppedError
from dataset_fingerprints.geometry import Box
from tests.autoseg.sampling.builders import store_case
from tests.autoseg.training.builders import REPORTING, Ticking, equal_weights, lines, make_trainer, setup, train


def train_with(voxels: list[CaseVoxels], folder: Path, **changes: object) -> FoldFolder:
    plan = setup(**changes)
    cases = [replace(case, voxels=held) for case, held in zip(plan.cases, voxels, strict=True)]
    make_trainer(folder, replace(plan, cases=cases)).run()
    return FoldFolder(root=folder)


@pytest.mark.parametrize("slice_axis", [-1, 2])
def test_weights_trained_from_the_disk_equal_those_from_memory(tmp_path: Path, slice_axis: int) -> None:
    held, _ = train(tmp_path / "memory", iterations=10, slice_axis=slice_axis)
    voxels = [store_case(case, tmp_path).voxels for case in setup().cases]
    assert equal_weights(held, train_with(voxels, tmp_path / "disk", iterations=10, slice_axis=slice_axis))
    # Some here, some there.
    voxels[1:3] = [case.voxels for case in setup().cases[1:3]]
    assert equal_weights(held, train_with(voxels, tmp_path / "both", iterations=10, slice_axis=slice_axis))


class Hanging:
    """Voxels that stop answering after some boxes, and a scheduler that has had enough of it."""

    device = None

    def __init__(self, voxels: CaseVoxels, boxes: int) -> None:
        self.voxels, self.left = voxels, boxes
        self.shape, self.channels = voxels.shape, voxels.channels
        self.answer = threading.Event()

    def read_box(self, box: Box) -> tuple[torch.Tensor, tuple[torch.Tensor, ...]]:
        self.left -= 1
        if self.left < 0 and not self.answer.is_set():
            if self.left == -1:
                time.sleep(0.3)  # until the training waits for this box; it stops in time as well if it does not
                os.kill(os.getpid(), signal.SIGTERM)
            self.answer.wait()
        return self.voxels.read_box(box)


def test_a_signal_saves_a_training_that_waits_for_a_disk(tmp_path: Path) -> None:
    whole, _ = train(tmp_path / "whole", iterations=10)
    voxels = [case.voxels for case in setup().cases]
    hanging = voxels[0] = Hanging(voxels[0], 0)
    with pytest.raises(StoppedError, match="stopped by SIGTERM at step"):
        train_with(voxels, tmp_path / "f", iterations=10)
    hanging.answer.set()
    assert equal_weights(whole, train_with(voxels, tmp_path / "f", iterations=10))


def test_the_curve_tells_how_long_the_training_waited_for_the_disk(tmp_path: Path) -> None:
    voxels = [store_case(case, tmp_path).voxels for case in setup().cases]
    files = train_with(voxels, tmp_path / "f", iterations=5, clock=Ticking(0.5), policy=REPORTING)
    line = lines(files, "train")[-1]
    assert line["seconds/reading"] == 0.5
