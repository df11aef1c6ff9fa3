"""A classifier of textures whose classes are known, and label maps by it."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import ndimage

from autoseg.classical.texture import (
    TextureOptions,
    find_scale,
    fit_classifier,
    measure_patches,
    rate_classifier,
)
from autoseg.classical.texture.labelling import TextureLabeller
from autoseg.classical.texture.patches import PatchVoxels, cut_patch
from autoseg.classical.texture.svm import refuse_few
from dataset_fingerprints.errors import DataError
from tests.synthetic.textures import TEXTURES, make_texture

OPTIONS = TextureOptions(size=12, levels=6)
NAMES = list(TEXTURES)


def make_patches(seed: int, count: int) -> tuple[list[PatchVoxels], np.ndarray]:
    whole = np.ones((80, 80), dtype=bool)
    patches, classes = [], []
    for number, name in enumerate(NAMES):
        for index in range(count):
            image = make_texture(name, (80, 80), seed * 1000 + number * 100 + index)
            patches.append(cut_patch(image, whole, (40, 40), OPTIONS))
            classes.append(number)
    return patches, np.array(classes)


@pytest.fixture(scope="module")
def labeller() -> TextureLabeller:
    patches, classes = make_patches(0, 12)
    scale = find_scale(patches)
    features = measure_patches(patches, scale, OPTIONS)
    return TextureLabeller(classifier=fit_classifier(features, classes), scale=scale, options=OPTIONS, step=2)


def test_textures_of_one_mean_and_spread_are_told_apart_on_patches_it_has_not_seen(labeller: TextureLabeller) -> None:
    patches, classes = make_patches(1, 10)
    features = measure_patches(patches, labeller.scale, OPTIONS)
    assert (labeller.classifier.score(features).argmax(axis=1) == classes).mean() >= 0.95
    # Of the mean and the spread alone it could not be: these textures share both.
    means = [features[classes == number, 0].mean() for number in range(len(NAMES))]
    assert np.ptp(means) < 0.1


def test_every_voxel_gets_the_texture_around_it_and_none_outside(labeller: TextureLabeller) -> None:
    """Four fields of 40 voxels; near borders windows see two textures, so only the middles are asked for."""
    rows = [
        np.concatenate([make_texture(name, (40, 40), seed) for name in pair], axis=1)
        for seed, pair in enumerate((NAMES[:2], NAMES[2:4]), 50)
    ]
    voxels = np.concatenate(rows)[..., None]
    true = np.kron(np.array([[0, 1], [2, 3]]), np.ones((40, 40), dtype=int))[..., None]
    inside = np.ones(voxels.shape, dtype=bool)
    inside[:5] = False
    labels = labeller.label(voxels, inside, 2, 1)
    assert (labels[~inside] == -1).all()
    assert (labels[inside] >= 0).all()
    middles = np.kron(np.ones((2, 2)), np.pad(np.ones((24, 24)), 8)).astype(bool)[..., None] & inside
    assert (labels == true)[middles].mean() > 0.95


def test_slices_are_taken_along_the_axis_that_is_asked_for(labeller: TextureLabeller) -> None:
    voxels = np.stack([make_texture(NAMES[place % 2], (30, 30), place) for place in range(3)], axis=2)
    inside = np.ones(voxels.shape, dtype=bool)
    axial = labeller.label(voxels, inside, 2, 1)
    turned = labeller.label(np.moveaxis(voxels, 2, 0), np.moveaxis(inside, 2, 0), 0, 2)
    assert np.array_equal(np.moveaxis(turned, 0, 2), axial)


def test_scores_between_places_of_the_grid_lie_near_those_of_every_voxel(labeller: TextureLabeller) -> None:
    image = ndimage.zoom(np.array([[0, 1], [1, 0]]), 30, order=0)
    textures = [make_texture(name, image.shape, 7) for name in NAMES[:2]]
    voxels = np.where(image == 0, *textures)[..., None].astype(np.float32)
    inside = np.ones(voxels.shape, dtype=bool)
    every = TextureLabeller(classifier=labeller.classifier, scale=labeller.scale, options=OPTIONS, step=1)
    assert (labeller.label(voxels, inside, 2, 1) == every.label(voxels, inside, 2, 1)).mean() > 0.95


def test_the_accuracy_is_that_on_other_scans() -> None:
    """Every scan has a look and a class of its own: the look tells the class of other patches, not of other scans."""
    rng = np.random.default_rng(0)
    scans = np.repeat(np.arange(20), 5)
    features = rng.normal(size=(20, 10))[scans] + 0.1 * rng.normal(size=(100, 10))
    classes = scans % 2
    together = rate_classifier(features, classes, [f"scan {scan}" for scan in scans])
    apart = rate_classifier(features, classes, ["one"] * 100)
    assert together.accuracy is not None
    assert apart.accuracy is not None
    assert together.accuracy < 0.7 < 0.95 < apart.accuracy
    assert (together.by_scan, apart.by_scan) == (True, False)
    assert np.sum(together.table) == 100


def test_patches_whose_class_no_other_scan_has_are_not_judged_and_do_not_count() -> None:
    classes = np.array([*[0, 0, 1, 1] * 3, 2, 2])
    features = np.random.default_rng(0).normal(size=(14, 3)) + 9 * classes[:, None]
    rated = rate_classifier(features, classes, [*"aaaabbbbcccc", *"aa"])
    # With the part that holds scan a, all patches of class 2 are left out of training.
    assert rated.judged() in (4, 8)
    assert rated.accuracy == 1.0


def test_the_accuracy_is_the_diagonal_of_its_table() -> None:
    patches, classes = make_patches(2, 6)
    features = measure_patches(patches, find_scale(patches), OPTIONS)
    scans = [f"scan {index % 6}" for index in range(len(classes))]
    first, again = (rate_classifier(features, classes, scans, seed=3) for _ in range(2))
    assert first == again
    assert first.accuracy == pytest.approx(np.trace(first.table) / np.sum(first.table))


def test_one_class_and_lone_patches_are_refused() -> None:
    with pytest.raises(DataError, match="all patches are of the class normal"):
        refuse_few(["normal"], np.array([0, 0]))
    with pytest.raises(DataError, match="rare: 1 patch of the class"):
        refuse_few(["normal", "rare"], np.array([0, 0, 1]))
