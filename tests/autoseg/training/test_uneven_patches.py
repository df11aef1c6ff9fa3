"""Trainings of patches that the network's strides do not divide."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
import torch
import torch.nn.functional as F

from autoseg.losses import build_objective
from autoseg.networks import build_network
from autoseg.sampling import BatchMaker
from autoseg.training.position import Position
from autoseg.training.setting import Setup
from autoseg.training.step import Stepper, make_seed
from autoseg.workspace.fold import FoldFolder
from dataset_fingerprints.geometry import Triple
from planners.choices import Choice
from tests.autoseg.training.builders import equal_weights, make_trainer, setup

# Of strides that are 4 in all: 8x12x8 and 12x8 for the network.
CASES = [(-1, (7, 9, 8), (0, 0, 0, 3, 0, 1)), (2, (10, 7, 1), (0, 1, 0, 2))]


def uneven(slice_axis: int, patch: Triple) -> Setup:
    made = setup(slice_axis)
    sampling = replace(made.configuration.sampling, augmentations=(Choice(name="none"),))
    return replace(made, configuration=replace(made.configuration, patch_shape=patch, sampling=sampling))


@pytest.mark.parametrize(("slice_axis", "patch", "pads"), CASES)
def test_the_loss_is_that_of_the_real_voxels_of_a_padded_patch(
    tmp_path: Path, slice_axis: int, patch: Triple, pads: tuple[int, ...]
) -> None:
    made = uneven(slice_axis, patch)
    stepper = Stepper(made, FoldFolder(root=tmp_path))
    found = stepper.run(Position(iterations=12), 1e-3)
    stepper.close()
    torch.manual_seed(make_seed(*made.seed))
    network = build_network(made.configuration, 1, 3)
    maker = BatchMaker(made.configuration, made.cases, made.seed, made.device)
    batch = maker.make(0)
    maker.close()
    seen = F.pad(batch.images, pads)
    finest, *coarser = network(seen)
    finest = finest[(..., *(slice(length) for length in batch.labels.shape[1:]))]
    objective = build_objective(made.configuration.training.loss, made.heads)
    assert seen.shape != batch.images.shape
    expected = objective((finest, *coarser), replace(batch, images=seen))
    torch.testing.assert_close(found, expected.detach())


@pytest.mark.parametrize(("slice_axis", "patch", "pads"), CASES)
def test_it_trains_to_the_end_the_same_each_time(
    tmp_path: Path, slice_axis: int, patch: Triple, pads: tuple[int, ...]
) -> None:
    for name in ("one", "other"):
        assert make_trainer(tmp_path / name, uneven(slice_axis, patch)).run().is_done()
    assert equal_weights(*(FoldFolder(root=tmp_path / name) for name in ("one", "other")))
