from __future__ import annotations

import numpy as np
import pytest

from autoseg.preprocessing import prepare
from autoseg.preprocessing.bias_field import correct_bias
from dataset_fingerprints.measuring.scans import read_scan
from planners.choices import Choice
from planners.plan import Preprocessing
from tests.synthetic.scans import blob, write_nifti

SHAPE = (30, 28, 26)


def shaded_head():
    """Return a head of two tissues under a shading from 0.65 to 1.5, the tissues' masks, and the shading."""
    body, inner = blob(SHAPE, (15, 14, 13), 11.5), blob(SHAPE, (15, 14, 13), 7)
    x, y, _ = np.indices(SHAPE) / np.reshape(SHAPE, (3, 1, 1, 1)) - 0.5
    shading = np.exp(1.0 * x - 0.6 * y**2 + 0.6 * x * y)
    tissue = np.where(inner, 140.0, 90.0) + np.random.default_rng(0).normal(0, 3, SHAPE)
    return np.where(body, tissue * shading, 0).astype(np.float32), (inner, body & ~inner), shading


def variation(values):
    return values.std() / values.mean()


def test_a_shading_in_a_file_is_taken_out_inside_both_tissues(tmp_path):
    voxels, tissues, _ = shaded_head()
    scan = read_scan("a", [write_nifti(tmp_path / "a.nii.gz", voxels)], ("T1w",))
    corrected = np.zeros(SHAPE, dtype=np.float32)
    corrected[scan.box.slices()] = correct_bias(scan.voxels[0], scan.body)
    for tissue in tissues:
        assert variation(voxels[tissue]) > 0.1
        # Noise of 3 in 90 to 140 leaves 0.021 to 0.033.
        assert variation(corrected[tissue]) < 0.045
    assert not corrected[voxels == 0].any()


def test_the_correction_is_an_option_of_the_plan_and_off_by_default(tmp_path):
    voxels, tissues, _ = shaded_head()
    scan = read_scan("a", [write_nifti(tmp_path / "a.nii.gz", voxels)], ("T1w",))
    deviations = []
    for options in ({}, {"bias_correction": True}):
        choice = Choice(name="zscore_body", options=options)
        preprocessing = Preprocessing(spacing_mm=(1.0, 1.0, 1.0), normalization=(choice,), coarse_axis=-1)
        image = prepare(scan, preprocessing, 1).image[0]
        deviations.append(image[tissues[0][scan.box.slices()]].std())
    assert deviations[1] < deviations[0] / 2


@pytest.mark.parametrize("shape", [(44, 40, 1), (6, 6, 6)])
def test_too_small_a_scan_stays_as_it_is(shape):
    voxels = np.random.default_rng(0).uniform(50, 100, shape).astype(np.float32)
    assert np.array_equal(correct_bias(voxels, np.ones(shape, dtype=bool)), voxels)


def test_few_slices_are_enough():
    voxels, (inner, outer), _ = shaded_head()
    slab = np.s_[:, :, 8:18:2]
    corrected = correct_bias(np.ascontiguousarray(voxels[slab]), np.ascontiguousarray((inner | outer)[slab]))
    assert variation(corrected[inner[slab]]) < variation(voxels[slab][inner[slab]]) / 2


def test_intensities_that_are_not_positive_do_not_matter():
    voxels, (inner, outer), _ = shaded_head()
    body = inner | outer
    voxels[12:14, 13, 13] = -1000
    corrected = correct_bias(voxels, body)
    assert np.isfinite(corrected).all()
    assert variation(corrected[outer]) < 0.045
