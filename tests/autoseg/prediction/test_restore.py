from __future__ import annotations

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from scipy import ndimage

from autoseg.prediction import NetworkInput, Probabilities, choose_labels, decide
from autoseg.prediction.restore import restore
from autoseg.prediction.sliding.logits import HeldLogits
from autoseg.preprocessing import Record, whole
from autoseg.preprocessing.resampling import Kind
from dataset_fingerprints.geometry import Box, Triple, make_box, make_grid
from tests.synthetic.heads import plain_scheme, region_scheme

SCHEME = plain_scheme(2)


def record(inside: Triple = (12, 9, 10), shape: Triple = (6, 9, 15)) -> Record:
    box = make_box((2, 1, 3), np.add((2, 1, 3), inside))
    return Record(box=box, shape=shape, source_grid=make_grid((20, 16, 18), np.eye(4)))


def restored(logits: torch.Tensor, done: Record, crop: Box | None = None) -> Probabilities:
    crop = crop or whole(done)
    seen = NetworkInput(image=np.zeros((1, *crop.shape()), dtype=np.float32), record=done, crop=crop)
    return restore(HeldLogits(values=logits, device=logits.device), seen, SCHEME)


def resample_by_scipy(logits: torch.Tensor, done: Record) -> NDArray[np.float32]:
    grids = [
        np.clip((np.arange(t) + 0.5) * n / t - 0.5, 0, n - 1) for n, t in zip(done.shape, done.box.shape(), strict=True)
    ]
    points = np.meshgrid(*grids, indexing="ij")
    return np.stack([ndimage.map_coordinates(c, points, order=1, mode="nearest") for c in logits.numpy()])


@pytest.mark.parametrize("thickness", [1, 5, 1000])
def test_logits_are_resampled_as_scipy_does_it_slab_by_slab(thickness: int) -> None:
    done = record()
    logits = torch.randn(3, *done.shape)
    probabilities = restored(logits, done)
    expected = torch.from_numpy(resample_by_scipy(logits, done)).softmax(0)
    assert probabilities.box == done.box
    values = torch.cat([slab.values for slab in probabilities.slabs(thickness=thickness)], dim=1)
    # scipy interpolates in double precision.
    assert torch.allclose(values, expected, atol=1e-5)
    labels = decide(probabilities)
    assert labels.shape == (20, 16, 18)
    assert np.array_equal(labels[done.box.slices()], expected.argmax(0))
    outside = np.ones(labels.shape, dtype=bool)
    outside[done.box.slices()] = False
    assert not labels[outside].any()


def test_what_a_crop_gives_is_what_the_whole_array_gives_away_from_its_border() -> None:
    done = record(inside=(16, 14, 12), shape=(8, 14, 18))
    logits = torch.randn(3, *done.shape)
    crop = Box(start=(2, 3, 6), stop=(7, 12, 15))
    full, part = restored(logits, done), restored(logits[(slice(None), *crop.slices())], done, crop)
    assert part.box == make_box((2 + 4, 1 + 3, 3 + 4), (2 + 14, 1 + 12, 3 + 10))
    difference = (part.read_box(part.box) - full.read_box(part.box)).abs().amax(0)
    # One voxel of the logits on every side, along the axes that are resampled; sums in another order.
    assert difference[2:-2, :, 1:-1].max() < 1e-6
    assert difference.max() > 1e-3


def test_voxels_at_the_border_of_a_crop_are_those_next_to_it() -> None:
    done = record(inside=(16, 14, 12), shape=(8, 14, 18))
    crop = Box(start=(2, 3, 6), stop=(7, 12, 15))
    logits = torch.full((3, *crop.shape()), 2.5)
    values = restored(logits, done, crop).read_box(restored(logits, done, crop).box)
    # Without new weights at the border the logits there would shrink towards 0; equal logits stay equal.
    assert torch.allclose(values, torch.full_like(values, 1 / 3), atol=1e-6)
    logits[1] = 4
    values = restored(logits, done, crop).read_box(restored(logits, done, crop).box)
    expected = logits[:, 0, 0, 0].softmax(0).view(3, 1, 1, 1).expand_as(values)
    assert torch.allclose(values, expected, atol=1e-6)


@pytest.mark.parametrize("kind", ["nearest", "nearest_back"])
def test_a_voxel_between_two_of_the_network_takes_the_one_inside_the_crop(kind: Kind) -> None:
    done = record(inside=(3, 9, 10), shape=(4, 9, 10))
    crop = Box(start=(2, 0, 0), stop=(4, 9, 10))
    image = np.zeros((1, *crop.shape()), dtype=np.float32)
    seen = NetworkInput(image=image, record=done, crop=crop, back=(kind, "linear", "linear"))
    logits = torch.randn(3, *crop.shape(), generator=torch.Generator().manual_seed(0))
    probabilities = restore(HeldLogits(values=logits, device=logits.device), seen, SCHEME)
    # The centre of the scan's second voxel lies where the network's second and third meet, which is the crop's border.
    assert probabilities.box == make_box((3, 1, 3), (5, 10, 13))
    assert torch.allclose(probabilities.read_box(probabilities.box), logits.softmax(0))


def test_regions_are_probable_one_by_one() -> None:
    done = record(shape=(12, 9, 10))
    seen = NetworkInput(image=np.zeros((1, *done.shape), dtype=np.float32), record=done, crop=whole(done))
    logits = torch.full((2, *done.shape), -20.0)
    logits[:, 4:6, 3:5, 2:7] = 20.0
    probabilities = restore(HeldLogits(values=logits, device=logits.device), seen, region_scheme())
    assert torch.equal(probabilities.read_box(done.box), logits.sigmoid())
    assert set(np.unique(decide(probabilities))) == {0, 2}


def test_the_labels_of_logits_are_those_of_their_probabilities() -> None:
    logits = torch.randn(3, 40, 40, 40, generator=torch.Generator().manual_seed(0))
    assert torch.equal(choose_labels(logits.softmax(0), SCHEME.heads()), logits.argmax(0).to(torch.uint8))
    marks = choose_labels(logits[:2].sigmoid(), region_scheme().heads())
    expected = torch.zeros_like(marks)
    expected[logits[0] > 0] = 1
    expected[logits[1] > 0] = 2
    assert torch.equal(marks, expected)
