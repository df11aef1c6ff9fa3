"""Channels on different grids come onto the first one's."""

from __future__ import annotations

import logging

import numpy as np
import pytest
import SimpleITK

from dataset_fingerprints.dataset import Case, Label, LabelScheme
from dataset_fingerprints.errors import DataError
from dataset_fingerprints.geometry import canonical_grid, make_grid
from dataset_fingerprints.measuring.scans import read_case, read_scan
from dataset_fingerprints.reading.alignment import overlap, resample_onto, same_place
from dataset_fingerprints.reading.images import read_image
from tests.synthetic.scans import affine_of, blob, head, write_nifti
from tests.synthetic.volumes import as_itk

SCHEME = LabelScheme(labels=(Label(name="dark", value=1), Label(name="bright", value=2)))
SHAPE = (24, 28, 20)
COARSE = ((13, 15, 8), affine_of((0, 1, 2), (-1, 1, 1), (2.0, 2.0, 3.0), 12.0))


def ramp(shape, affine):
    """Return a quantity that is linear in space, which linear interpolation reproduces."""
    points = np.indices(shape).reshape(3, -1)
    placed = affine[:3, :3] @ points + affine[:3, 3:]
    return (0.5 * placed[0] - placed[1] + 2 * placed[2]).reshape(shape).astype(np.float32)


def placed_around(shape, affine, target_shape, target):
    """Return the affine moved so that both grids share their centre."""
    affine = affine.copy()
    centres = [matrix[:3, :3] @ ((np.array(s) - 1) / 2) for s, matrix in ((shape, affine), (target_shape, target))]
    affine[:3, 3] = centres[1] + target[:3, 3] - centres[0]
    return affine


def test_a_linear_quantity_comes_out_exact_inside_and_constant_outside():
    target = make_grid(SHAPE, affine_of())
    shape, affine = COARSE
    affine = placed_around(shape, affine, SHAPE, affine_of())
    source = canonical_grid(make_grid(shape, affine))
    found = resample_onto(ramp(source.shape, source.matrix())[None], source, target)[0]
    expected = ramp(SHAPE, affine_of())
    inner = (slice(6, 18), slice(6, 22), slice(6, 14))
    # float32 of values up to 100.
    assert np.allclose(found[inner], expected[inner], atol=1e-4)
    assert found.shape == SHAPE


def test_resampling_agrees_with_simpleitk():
    shape, affine = COARSE
    affine = placed_around(shape, affine, SHAPE, affine_of())
    source = canonical_grid(make_grid(shape, affine))
    voxels = np.random.default_rng(0).normal(size=source.shape).astype(np.float32)
    found = resample_onto(voxels[None], source, make_grid(SHAPE, affine_of()))[0]
    reference = as_itk(np.zeros(SHAPE, np.float32), affine_of())
    theirs = SimpleITK.Resample(as_itk(voxels, source.matrix()), reference, SimpleITK.Transform(), SimpleITK.sitkLinear)
    expected = SimpleITK.GetArrayFromImage(theirs).T
    covered = expected != 0
    assert covered.mean() > 0.5
    # Values of the order of 1, interpolated in float32 by one and in float64 by the other.
    assert np.allclose(found[covered], expected[covered], atol=1e-4)


def test_a_constant_background_stays_exact():
    shape, affine = COARSE
    affine = placed_around(shape, affine, SHAPE, affine_of())
    source = canonical_grid(make_grid(shape, affine))
    voxels = np.where(blob(shape, (6, 7, 4), 3), 55.5, -1024.3).astype(np.float32)
    found = resample_onto(voxels[None], source, make_grid(SHAPE, affine_of()))[0]
    assert found[0, 0, 0] == found[-1, -1, -1] == np.float32(-1024.3)
    assert (found == np.float32(-1024.3)).mean() > 0.5
    assert found.max() > 0


def test_the_overlap_of_half_a_grid_is_a_half_and_of_one_far_away_none():
    grid = make_grid((16, 16, 16), affine_of())
    half, far = affine_of(), affine_of()
    half[0, 3] += 8
    far[0, 3] += 100
    assert overlap(grid, make_grid((16, 16, 16), half)) == pytest.approx(0.5)
    assert overlap(grid, make_grid((16, 16, 16), far)) == 0
    assert same_place(grid, make_grid((16, 16, 16), affine_of()))
    assert not same_place(grid, make_grid((16, 16, 16), half))


def write_two(root, second_affine, second_shape=SHAPE):
    image, mask = head(0)
    rng = np.random.default_rng(0)
    files = (
        write_nifti(root / "a_0000.nii.gz", image),
        write_nifti(root / "a_0001.nii.gz", rng.normal(size=second_shape), second_affine),
    )
    label = write_nifti(root / "a.nii.gz", mask)
    return Case(name="a", images=tuple(str(file) for file in files), label=str(label), subject="a")


def test_a_channel_on_another_grid_is_resampled_with_a_warning(tmp_path):
    shape, affine = COARSE
    case = write_two(tmp_path, placed_around(shape, affine, SHAPE, affine_of()), shape)
    scan, (finding,) = read_case(case, ("T1w", "FLAIR"), SCHEME)
    assert (finding.grade, finding.kind) == ("warning", "channel-grid")
    assert "channel FLAIR (13x15x8 voxels of 2x2x3 mm) lies on another grid than T1w (24x28x20" in finding.message
    assert scan.voxels.shape[0] == 2
    whole = read_image(case.image_paths())
    assert whole.voxels.shape == (2, *SHAPE)
    assert np.array_equal(whole.voxels[0], head(0)[0])


def test_a_channel_of_the_same_size_elsewhere_is_told_by_its_distance(tmp_path):
    moved = affine_of()
    moved[1, 3] += 5
    _, (finding,) = read_case(write_two(tmp_path, moved), ("T1w", "FLAIR"), SCHEME)
    assert "channel FLAIR lies on another grid than T1w (both have 24x28x20 voxels of " in finding.message
    assert ", up to 5 mm apart in space). It was resampled" in finding.message


def test_a_scan_to_predict_is_resampled_in_the_same_way_and_logged(tmp_path, caplog):
    shape, affine = COARSE
    case = write_two(tmp_path, placed_around(shape, affine, SHAPE, affine_of()), shape)
    with caplog.at_level(logging.WARNING):
        scan = read_scan("a", case.image_paths(), ("T1w", "FLAIR"))
    trained, _ = read_case(case, ("T1w", "FLAIR"), SCHEME)
    assert np.array_equal(scan.voxels, trained.voxels)
    assert "case a: channel FLAIR" in caplog.text


def test_a_channel_elsewhere_in_space_is_an_error(tmp_path):
    far = affine_of()
    far[2, 3] += 500
    case = write_two(tmp_path, far)
    scan, (finding,) = read_case(case, ("T1w", "FLAIR"), SCHEME)
    assert scan is None
    assert (finding.grade, finding.kind) == ("error", "channel-grid")
    with pytest.raises(DataError, match="do not overlap in space"):
        read_scan("a", case.image_paths(), ("T1w", "FLAIR"))
    with pytest.raises(DataError, match="file 2 of the scan does not overlap"):
        read_image(case.image_paths())


def test_a_channel_within_a_tenth_of_a_voxel_is_taken_as_it_is(tmp_path):
    near = affine_of()
    near[1, 3] += 0.05
    case = write_two(tmp_path, near)
    _, findings = read_case(case, ("T1w", "FLAIR"), SCHEME)
    assert findings == ()
    second = read_image(case.image_paths()[1:]).voxels[0]
    assert np.array_equal(read_image(case.image_paths()).voxels[1], second)
