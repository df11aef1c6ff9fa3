from __future__ import annotations

import numpy as np
import pytest
import torch

from autoseg.sampling.augmentations.artefacts import (
    AxisEffect,
    Bias,
    apply_bias,
    apply_ghosts,
    apply_ringing,
    apply_thick_slices,
    make_ghost_matrix,
    make_ringing_matrix,
    sample_bias,
    sample_ghosts,
    sample_ringing,
    sample_thick_slices,
)
from autoseg.sampling.augmentations.spatial import Elastic, Spatial, SpatialRanges, sample_spatial
from autoseg.sampling.augmentations.splines import spline_weights, spread_control_points
from tests.autoseg.sampling.builders import interpolate, make_case, noise_rows, place_at

SINGLE = {"rtol": 1e-4, "atol": 1e-4}  # float32 sums over a few dozen values about 3


def test_ringing_is_a_cut_of_the_spectrum() -> None:
    rows = noise_rows()
    changed = apply_ringing(rows, [AxisEffect(axis=1, amount=0.5), AxisEffect(axis=2, amount=0.8)]).numpy()
    for row, result, axis, share in zip(rows.numpy(), changed, (1, 2), (0.5, 0.8), strict=True):
        spectrum = np.fft.fft(row, axis=axis)
        kept = np.abs(np.fft.fftfreq(row.shape[axis])) <= 0.5 * share
        expected = np.fft.ifft(spectrum * np.expand_dims(kept, [a for a in range(3) if a != axis]), axis=axis).real
        np.testing.assert_allclose(result, expected, **SINGLE)


def test_ringing_swings_beside_an_edge_and_keeps_what_is_flat() -> None:
    edge = torch.zeros(1, 32, 4, 4)
    edge[:, 16:] = 1.0
    rung = apply_ringing(edge, [AxisEffect(axis=0, amount=0.5)])
    assert rung.max() > 1.05
    flat = torch.full((1, 9, 8, 7), 2.5)
    torch.testing.assert_close(apply_ringing(flat, [AxisEffect(axis=0, amount=0.5)]), flat)


def test_a_ghost_is_a_weak_copy_a_share_of_the_image_away() -> None:
    line = np.zeros(40)
    line[5] = 1.0
    ghosted = make_ghost_matrix(40, 4, 0.5) @ line
    copies = np.argsort(-np.abs(ghosted))[:4]
    assert set(copies.tolist()) == {5, 15, 25, 35}
    assert ghosted.sum() == pytest.approx(1.0)


@pytest.mark.parametrize("make", [lambda n: make_ghost_matrix(n, 3, 0.4), lambda n: make_ringing_matrix(n, 0.5)])
@pytest.mark.parametrize("length", [1, 2, 7, 16])
def test_filters_keep_the_mean_of_a_line(make, length: int) -> None:
    np.testing.assert_allclose(make(length).sum(axis=0), 1.0, atol=1e-12)


def test_a_bias_field_is_smooth_and_leaves_the_background_alone() -> None:
    rows = torch.ones(1, 24, 20, 28)
    rows[:, :4] = 0.0
    rows[0, -1, -1, -1] = -1.0  # the lowest value, from which the field is measured
    rng = np.random.default_rng(0)
    changed = apply_bias(rows, [sample_bias(rng, 0.5, 3)])
    assert torch.equal(changed[:, :4], rows[:, :4])
    inside = changed[0, 4:-1]
    steps = torch.cat([inside.diff(dim=axis).abs().flatten() for axis in range(3)])
    # The field varies by more than a tenth over the patch, and by less than a twentieth from voxel to voxel.
    assert inside.max() - inside.min() > 0.1
    assert steps.max() < 0.05 * inside.abs().max()
    flat = Bias(log_sensitivity=(0.0,) * 64)
    torch.testing.assert_close(apply_bias(rows, [flat]), rows)


def test_thick_slices_average_along_one_axis_only() -> None:
    rows = noise_rows()
    changed = apply_thick_slices(rows, [AxisEffect(axis=0, amount=3.0), AxisEffect(axis=2, amount=4.0)])
    for row, result, axis in zip(rows, changed, (0, 2), strict=True):
        assert result.diff(dim=axis).abs().mean() < 0.5 * row.diff(dim=axis).abs().mean()
        other = 1
        assert result.diff(dim=other).abs().mean() > 0.8 * row.diff(dim=other).abs().mean()


def test_rows_of_different_axes_are_changed_like_each_alone() -> None:
    rows = noise_rows(count=3)
    effects = [AxisEffect(axis=axis, amount=0.4, count=3) for axis in (2, 0, 2)]
    together = apply_ghosts(rows, effects)
    for row, effect, result in zip(rows, effects, together, strict=True):
        torch.testing.assert_close(apply_ghosts(row[None], [effect])[0], result, **SINGLE)


def test_drawn_effects_stay_in_their_ranges() -> None:
    rng = np.random.default_rng(0)
    ghosts = [sample_ghosts(rng, 0.5, 3) for _ in range(300)]
    assert {ghost.axis for ghost in ghosts} == {0, 1, 2}
    assert {ghost.count for ghost in ghosts} == {2, 3, 4, 5, 6}
    assert all(0.05 <= ghost.amount <= 0.5 for ghost in ghosts)
    assert all(0.4 <= sample_ringing(rng, 0.4, 2).amount <= 0.9 for _ in range(50))
    assert {sample_thick_slices(rng, 4.0, [1, 2]).axis for _ in range(50)} == {1, 2}


def test_control_points_that_are_equal_give_a_flat_field() -> None:
    assert np.allclose(spline_weights(17, 6).sum(axis=1), 1.0)
    field = spread_control_points(torch.full((2, 4, 5, 4), 1.5), (8, 9, 1))
    torch.testing.assert_close(field, torch.full((2, 8, 9, 1), 1.5))


def test_a_deformation_is_drawn_along_the_axes_that_move() -> None:
    ranges = SpatialRanges(
        rotation_probability=0.0,
        angles_deg=(0.0, 0.0, 0.0),
        scaling_probability=0.0,
        scale_range=(1.0, 1.0),
        scaled=(True, True, False),
        mirrored=(False, False, False),
        elastic_probability=1.0,
        elastic_voxels=2.0,
    )
    elastic = sample_spatial(np.random.default_rng(0), ranges).elastic
    assert elastic is not None
    assert elastic.points == (7, 7, 4)
    assert elastic.reach()[2] == 0.0
    assert min(elastic.reach()[:2]) > 0.0
    assert Spatial(elastic=elastic).interpolates()


def test_the_same_displacement_everywhere_is_a_shift() -> None:
    case = make_case(shape=(20, 24, 18))
    shift = np.zeros((3, 4, 4, 4))
    shift[0], shift[2] = 3.0, -2.0
    elastic = Elastic(displacements=tuple(shift.ravel().tolist()), points=(4, 4, 4))
    images, labels = interpolate([(place_at(4, 5, 6), Spatial(elastic=elastic))], case, (8, 8, 8))
    # Coordinates are float32: 1e-5 voxels beside the exact place.
    torch.testing.assert_close(images[0], case.voxels.image[:, 7:15, 5:13, 4:12].float(), rtol=1e-3, atol=1e-3)
    assert torch.equal(labels[0, 0].to(torch.uint8), case.voxels.maps[0][7:15, 5:13, 4:12])
