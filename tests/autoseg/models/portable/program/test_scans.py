"""Scans as the exported program sees them, beside how autoseg sees them."""

from __future__ import annotations

import json
from pathlib import Path

import nibabel
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from autoseg.models.portable.program import scans
from autoseg.models.portable.program.files import NORMALIZATIONS, PREPROCESSING_FIELDS, RefusedError
from autoseg.preprocessing import prepare
from autoseg.preprocessing.intensities import normalize
from dataset_fingerprints.files.jsonfiles import to_json
from dataset_fingerprints.geometry import Box
from dataset_fingerprints.measuring.scans import read_scan
from dataset_fingerprints.reading import body
from planners.choices import Choice
from planners.parts import NORMALIZATIONS as TABLE
from planners.plan import Preprocessing
from tests.autoseg.models.portable.builders import turned_head, write_scan
from tests.synthetic.scans import affine_of, all_orientations, head, write_nifti

OPTIONS = {
    "zscore": {"lower_percentile": 2.0, "upper_percentile": 99.0},
    "zscore_body": {"upper_percentile": 98.0},
    "scale": {"factor": 0.3},
    "white_stripe": {"peak": "largest", "width": 0.1, "brain_only": True},
    "ct": {"lower": 20.0, "upper": 130.0, "mean": 80.0, "sd": 30.0},
    "ct_window": {"level": 75.0, "width": 110.0, "low": -1.0},
    "percentile_range": {"lower_percentile": 2.0, "high": 3.0, "clip": False, "brain_only": False},
}


def both(files: list[Path], channels: int = 1) -> tuple[scans.Scan, object]:
    mine = scans.read_scan(files, channels)
    theirs = read_scan("case", files, [f"c{n}" for n in range(channels)])
    assert np.array_equal(mine.voxels, theirs.voxels)
    assert np.array_equal(mine.body, theirs.body)
    assert (mine.box, mine.source_grid) == (theirs.box, theirs.source_grid)
    return mine, theirs


@pytest.mark.parametrize("orientation", all_orientations()[::7])
def test_orientation_and_crop_are_the_same(tmp_path: Path, orientation: tuple) -> None:
    affine = affine_of(*orientation, spacing_mm=(1.2, 0.8, 2.0), rotation_degrees=10)
    mine, _ = both([write_nifti(tmp_path / "a.nii.gz", head(3)[0], affine)])
    assert mine.box.shape() != mine.source_grid.shape


def test_channels_in_several_files_or_in_one_are_the_same(tmp_path: Path) -> None:
    both(write_scan(tmp_path / "a.nii.gz", channels=2), 2)
    voxels, affine = turned_head(4)
    both([write_nifti(tmp_path / "both.nii.gz", np.stack([voxels, -voxels], axis=-1), affine)], 2)


def test_scaled_integers_units_and_flat_images_are_the_same(tmp_path: Path) -> None:
    image = nibabel.Nifti1Image(head(2)[0], affine_of(), dtype=np.float32)
    image.header.set_data_dtype(np.int16)
    image.header.set_xyzt_units("micron")
    image.header.set_slope_inter(0.37, -12)
    nibabel.save(image, tmp_path / "scaled.nii.gz")
    both([tmp_path / "scaled.nii.gz"])
    both([write_nifti(tmp_path / "flat.nii.gz", head(2)[0][:, :, 10])])


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 10_000), st.integers(1, 3), st.floats(0.1, 0.99))
def test_the_body_is_the_same_for_any_background(seed: int, channels: int, share: float) -> None:
    random = np.random.default_rng(seed)
    voxels = (random.random((channels, 6, 7, 5)) > share).astype(np.float32)
    expected = body.find_body(voxels).mask
    found = scans.find_body(voxels)
    assert np.array_equal(found, expected)
    box = body.bounding_box(expected)
    assert scans.bounding_box(found) == Box(start=box.start, stop=box.stop)


def test_all_normalisations_of_a_plan_are_known() -> None:
    assert sorted(NORMALIZATIONS) == sorted(TABLE)


@pytest.mark.parametrize("name", NORMALIZATIONS)
@pytest.mark.parametrize("given", [True, False])
def test_intensities_are_the_same(name: str, given: bool) -> None:
    options = OPTIONS.get(name, {}) if given or name in ("ct", "ct_window", "scale") else {}
    voxels, mask = head(6)
    inside = voxels != 0
    (expected,) = normalize(voxels[None], inside, (Choice(name=name, options=options),))
    assert np.array_equal(scans.normalize(voxels, inside, name, options), expected)
    assert mask.any()


@pytest.mark.parametrize("channels", [None, (1,), (1, 0)])
@pytest.mark.parametrize("coarse_axis", [-1, 2])
@pytest.mark.parametrize("spacing_mm", [(1.0, 1.2, 1.9), (0.7, 1.9, 2.2)])
def test_preprocessed_arrays_are_the_same(
    tmp_path: Path, coarse_axis: int, spacing_mm: tuple[float, float, float], channels: tuple[int, ...] | None
) -> None:
    mine, theirs = both(write_scan(tmp_path / "a.nii.gz", channels=2), 2)
    choices = (Choice(name="zscore_body"), Choice(name="rescale"))
    preprocessing = Preprocessing(
        spacing_mm=spacing_mm, normalization=choices, coarse_axis=coarse_axis, channels=channels
    )
    plain = json.loads(to_json(preprocessing))
    assert {*PREPROCESSING_FIELDS} - {*plain} == ({"channels"} if channels is None else set())
    assert np.array_equal(scans.prepare(mine, plain), prepare(theirs, preprocessing, 3).image)  # type: ignore[arg-type]


def test_what_cannot_be_used_is_refused(tmp_path: Path) -> None:
    voxels = head(1)[0]
    good = write_nifti(tmp_path / "good.nii.gz", voxels)
    (tmp_path / "cut.nii.gz").write_bytes(good.read_bytes()[:2000])
    (tmp_path / "text.nii.gz").write_text("no image")
    holed = voxels.copy()
    holed[3, 3, 3] = np.nan
    wrong = [
        ([tmp_path / "cut.nii.gz"], "cannot be read as NIfTI"),
        ([tmp_path / "text.nii.gz"], "cannot be read as NIfTI"),
        ([write_nifti(tmp_path / "nan.nii.gz", holed)], "not finite"),
        ([write_nifti(tmp_path / "complex.nii.gz", voxels.astype(np.complex64))], "not a NIfTI image of real numbers"),
        ([write_nifti(tmp_path / "more.nii.gz", voxels[..., None].repeat(2, 3))], "has 2 channels, expected 1"),
        ([good, write_nifti(tmp_path / "other.nii.gz", voxels[1:])], "another grid"),
    ]
    for files, message in wrong:
        with pytest.raises(RefusedError, match=message):
            scans.read_scan(files, 1)
