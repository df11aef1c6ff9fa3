from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from numpy.typing import NDArray
from skimage.transform import resize

from autoseg.preprocessing import find_way_back, prepare
from autoseg.preprocessing.nnunet import choose_steps, crop_to_nonzero, resample_images, resample_mask
from autoseg.preprocessing.resampling import resampling_matrix
from dataset_fingerprints.geometry import Grid, TripleFloat, make_grid
from dataset_fingerprints.measuring.scans import make_scan
from planners.choices import Choice
from planners.nnunet_rules import NnunetRules
from planners.plan import Preprocessing
from tests.autoseg.models.nnunet.restated import find_coarse
from tests.autoseg.models.nnunet.restated import resample as restate

SHAPE = (14, 11, 9)
# Weights of splines below 1e-6 are dropped, and products are in single precision.
ROUNDING = 2e-5


def preprocess_to(spacing_mm: TripleFloat, **rules: object) -> Preprocessing:
    return Preprocessing(
        spacing_mm=spacing_mm,
        normalization=(Choice(name="none"),),
        coarse_axis=-1,
        nnunet=NnunetRules(axes="stored", **rules),  # type: ignore[arg-type]
    )


def grid_of(orientation: str, spacing_mm: TripleFloat, shape: tuple[int, int, int] = SHAPE) -> Grid:
    """Return the grid of a file whose axes go as an orientation says; shape and spacing are along them."""
    turned = np.eye(4)
    for stored, code in enumerate(orientation):
        axis = next(axis for axis, letters in enumerate(("LR", "PA", "IS")) if code in letters)
        turned[:, stored] = 0
        turned[axis, stored] = spacing_mm[stored] * (1 if code in "RAS" else -1)
    return make_grid(shape, turned)


def noise(shape: tuple[int, ...] = SHAPE, seed: int = 0) -> NDArray[np.float32]:
    return np.random.default_rng(seed).normal(10, 3, shape).astype(np.float32)


@pytest.mark.parametrize(("length", "target"), [(12, 25), (25, 12), (3, 8), (2, 3), (1, 4), (40, 41)])
def test_splines_and_nearest_slices_are_those_of_skimage(length: int, target: int) -> None:
    columns = noise((length, 6))
    for kind, order in (("spline", 3), ("nearest", 0)):
        expected = resize(columns.astype(np.float64), (target, 6), order, mode="edge", anti_aliasing=False, clip=False)
        found = resampling_matrix(length, target, kind) @ columns  # type: ignore[arg-type]
        np.testing.assert_allclose(found, expected, atol=ROUNDING * 10)


@pytest.mark.parametrize(("length", "target"), [(10, 5), (7, 4), (5, 10), (9, 6)])
def test_the_nearest_slice_of_a_flipped_axis_is_the_flipped_nearest_slice(length: int, target: int) -> None:
    column = noise((length,))
    forward = resampling_matrix(length, target, "nearest") @ column[::-1]
    np.testing.assert_array_equal(resampling_matrix(length, target, "nearest_back") @ column, forward[::-1])


@pytest.mark.parametrize(
    ("own", "target"),
    [
        ((1.5, 1.0, 1.2), (1.0, 1.0, 1.0)),
        ((0.8, 0.8, 4.0), (0.9, 1.0, 2.0)),
        ((1.0, 1.0, 1.0), (1.0, 1.0, 4.0)),
        ((5.0, 1.0, 1.0), (1.0, 1.0, 1.0)),
        ((1.0, 5.0, 5.0), (1.0, 2.0, 2.0)),
        ((1.0, 1.0, 6.0), (1.0, 1.0, 3.0)),
    ],
)
@pytest.mark.parametrize("orientation", ["RAS", "LPI"])
def test_images_and_logits_are_resampled_as_nnunet_does(
    own: TripleFloat, target: TripleFloat, orientation: str
) -> None:
    steps = choose_steps(SHAPE, grid_of(orientation, own), preprocess_to(target))
    shape = [round(have / want * length) for have, want, length in zip(own, target, SHAPE, strict=True)]
    assert steps.shape == tuple(shape)
    canonical = noise()
    stored = canonical if orientation == "RAS" else canonical[::-1, ::-1, ::-1]
    expected = restate(stored[None], shape, 3, find_coarse(own, target))[0]
    found = resample_images(canonical[None], steps)[0]
    np.testing.assert_allclose(
        found, expected if orientation == "RAS" else expected[::-1, ::-1, ::-1], atol=ROUNDING * 10
    )
    # Logits come back by the rule for the other direction, whose coarse axis may be another.
    coarse = find_coarse(target, own)
    assert [kind.startswith("nearest") for kind in steps.logits] == [axis == coarse for axis in range(3)]


def test_axes_of_a_plan_are_those_of_the_file() -> None:
    grid = grid_of("PIR", (2.0, 1.0, 3.0))
    steps = choose_steps((9, 14, 11), grid, preprocess_to((1.0, 1.0, 1.5)))
    # Stored 14 x 11 x 9 become 28 x 11 x 18; canonical x is the third, y the first and z the second stored axis.
    assert steps.shape == (18, 28, 11)
    canonical = replace(preprocess_to((1.0, 1.0, 1.5)), nnunet=NnunetRules(axes="canonical"))
    assert choose_steps((9, 14, 11), grid, canonical).shape == (27, 28, 7)


def test_an_axis_that_is_kept_keeps_its_spacing() -> None:
    grid = grid_of("RAS", (1.0, 1.0, 7.0))
    assert choose_steps(SHAPE, grid, preprocess_to((0.5, 0.5, 1.0), kept_axis=2)).shape == (28, 22, 9)
    assert choose_steps(SHAPE, grid, preprocess_to((0.5, 0.5, 1.0), images="none")).shape == SHAPE


@pytest.mark.parametrize(("coarse", "axis"), [("auto", 2), ("never", -1), ("always", 2)])
def test_a_coarse_axis_may_be_resampled_apart_always_or_never(coarse: str, axis: int) -> None:
    grid = grid_of("RAS", (1.0, 1.0, 4.0))
    assert choose_steps(SHAPE, grid, preprocess_to((0.5, 0.5, 1.0), coarse=coarse)).coarse == axis
    even = choose_steps(SHAPE, grid_of("RAS", (1.0, 1.0, 1.1)), preprocess_to((0.5, 0.5, 1.0), coarse=coarse))
    assert even.coarse == (2 if coarse == "always" else -1)


def test_oblique_headers_do_not_make_one_of_two_equal_axes_the_coarse_one() -> None:
    grid = grid_of("RAS", (1.0, 5.0, 5.0 + 1e-7))
    assert choose_steps(SHAPE, grid, preprocess_to((1.0, 2.0, 2.0))).coarse == -1


def test_a_shape_that_ties_is_rounded_as_single_precision_says() -> None:
    # 30 voxels of 1.5 mm are 37.5 of 1.2, and a little less of what a header holds for 1.2.
    target = float(np.float32(1.2))
    steps = choose_steps((30, 30, 30), grid_of("RAS", (1.5, 1.5, 1.5), (30, 30, 30)), preprocess_to((target,) * 3))
    assert steps.shape == (37, 37, 37)


@pytest.mark.parametrize("around", [0.0, -1000.0, None])
def test_a_scan_is_cropped_to_what_is_not_0(around: float | None) -> None:
    voxels = noise()[None].copy()
    if around is not None:
        margin = np.full(SHAPE, around, dtype=np.float32)
        margin[4:11, 3:9, 2:8] = voxels[0, 4:11, 3:9, 2:8]
        voxels = margin[None]
    voxels[0, 6:8, 5:7, 4:6] = 0  # a hole stays
    voxels[0, :2] = 0
    cropped = crop_to_nonzero(make_scan(voxels, make_grid(SHAPE, np.eye(4))))
    inside = np.argwhere(voxels[0] != 0)
    assert cropped.box.start == tuple(inside.min(axis=0))
    assert cropped.box.stop == tuple(inside.max(axis=0) + 1)
    np.testing.assert_array_equal(cropped.voxels[0], voxels[0][cropped.box.slices()])
    assert cropped.body[tuple(np.array([6, 5, 4]) - cropped.box.start)]


@pytest.mark.parametrize(("orientation", "tied"), [("RAS", 2), ("LAS", 1)])
def test_masks_of_an_earlier_stage_get_the_largest_share_and_of_equal_ones_the_nearest(
    orientation: str, tied: int
) -> None:
    labels = np.zeros((8, 8, 8), dtype=np.uint8)
    labels[:4], labels[4:6] = 1, 2
    grid = grid_of(orientation, (1.0, 1.0, 1.0), (8, 8, 8))
    steps = choose_steps((8, 8, 8), grid, preprocess_to((2.0, 1.0, 1.0)))
    np.testing.assert_array_equal(resample_mask(labels, steps)[:, 0, 0], [1, 1, 2, 0])
    # Halves of two labels: of two voxels that are equally near, the one behind along the axes of the file.
    labels[:] = 0
    labels[:3], labels[3:] = 1, 2
    np.testing.assert_array_equal(resample_mask(labels, steps)[:, 0, 0], [1, tied, 2, 2])


def test_background_outside_of_the_tissue_is_a_label_of_its_own() -> None:
    labels, tissue = np.zeros((7, 6, 4), dtype=np.uint8), np.ones((7, 6, 4), dtype=bool)
    labels[4, 1], tissue[4:6, 2] = 1, False
    steps = choose_steps(labels.shape, grid_of("RAS", (1.0, 1.0, 1.0), labels.shape), preprocess_to((1.4, 1.2, 1.0)))
    # The voxel at (4.4, 1.3) has 0.42 of label 1, 0.28 of background in the tissue and 0.30 of that outside of it.
    assert resample_mask(labels, steps, tissue)[3, 1, 0] == 1
    assert resample_mask(labels, steps)[3, 1, 0] == 0


def test_a_scan_of_tiny_intensities_is_divided_by_what_nnunet_divides_it_by() -> None:
    voxels = noise()[None] * np.float32(1e-9)
    preprocessing = replace(preprocess_to((1.0, 1.0, 1.0)), normalization=(Choice(name="zscore"),))
    prepared = prepare(make_scan(voxels, grid_of("RAS", (1.0, 1.0, 1.0))), preprocessing, 2)
    np.testing.assert_allclose(prepared.image, (voxels - voxels.mean(dtype=np.float64)) / 1e-8, atol=ROUNDING)


def test_a_scan_is_prepared_by_these_rules_and_its_record_leads_back() -> None:
    voxels = np.zeros((1, *SHAPE), dtype=np.float32)
    voxels[0, 2:12, 2:9, 1:8] = noise((10, 7, 7))
    preprocessing = replace(preprocess_to((0.5, 1.0, 1.0)), normalization=(Choice(name="zscore_body"),))
    prepared = prepare(make_scan(voxels, grid_of("RAS", (1.0, 1.0, 1.0))), preprocessing, 2)
    assert prepared.record.box.start == (2, 2, 1)
    assert prepared.record.shape == prepared.image.shape[1:] == (20, 7, 7)
    inside = voxels[0, 2:12, 2:9, 1:8]
    expected = resize((inside - inside.mean()) / inside.std(), (20, 7, 7), 3, mode="edge", anti_aliasing=False)
    np.testing.assert_allclose(prepared.image[0], expected, atol=ROUNDING * 5)
    kinds, turn = find_way_back(prepared.record, preprocessing)
    assert (kinds, turn) == (("linear", "linear", "linear"), None)
    flipped = replace(prepared.record, source_grid=grid_of("LPS", (1.0, 1.0, 1.0)))
    _, turn = find_way_back(flipped, preprocessing)
    assert turn is not None
    assert turn.flips == (True, True, False)


def test_values_never_leave_the_range_of_their_slices() -> None:
    image = np.zeros((1, 10, 10, 4), dtype=np.float32)
    image[0, 3:7, 3:7, :2] = 1
    steps = choose_steps((10, 10, 4), grid_of("RAS", (1.0, 1.0, 5.0), (10, 10, 4)), preprocess_to((0.4, 0.4, 5.0)))
    found = resample_images(image, steps)
    assert found.min() == 0
    assert found.max() == 1
    assert not found[..., 2:].any()
    assert steps.images[2] == "nearest"
