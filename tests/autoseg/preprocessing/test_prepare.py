from __future__ import annotations

from dataclasses import replace

import nibabel
import numpy as np
import pytest

from autoseg.preprocessing import paste, prepare, store_key
from dataset_fingerprints.dataset import Case, Label, LabelScheme
from dataset_fingerprints.geometry import canonical_grid
from dataset_fingerprints.measuring.scans import read_case, read_scan
from dataset_fingerprints.reading.images import write_label_map
from planners.choices import Choice
from planners.plan import Preprocessing
from tests.synthetic.restoring import restore_labels
from tests.synthetic.scans import affine_of, all_orientations, head, write_nifti

SCHEME = LabelScheme(labels=(Label(name="dark", value=1), Label(name="bright", value=2)))


def scan_of(tmp_path, affine):
    image, labels = head(0)
    paths = write_nifti(tmp_path / "i.nii.gz", image, affine), write_nifti(tmp_path / "l.nii.gz", labels, affine)
    case = Case(name="a", images=(str(paths[0]),), label=str(paths[1]), subject="a")
    scan, findings = read_case(case, ("T1w",), SCHEME)
    assert scan is not None, findings
    return scan, labels


def preprocessing(spacing_mm, name="zscore_body"):
    return Preprocessing(spacing_mm=spacing_mm, normalization=(Choice(name=name),), coarse_axis=-1)


def there_and_back(tmp_path, affine, spacing_mm):
    scan, labels = scan_of(tmp_path, affine)
    prepared = prepare(scan, preprocessing(spacing_mm), 3)
    inside = restore_labels(prepared.labels, prepared.record.box.shape(), 3)
    restored = SCHEME.to_values(paste(inside, prepared.record))
    write_label_map(tmp_path / "out.nii.gz", restored, scan.source_grid)
    return labels, nibabel.load(tmp_path / "out.nii.gz")


@pytest.mark.parametrize(("permutation", "flips"), all_orientations())
def test_labels_come_back_unchanged_at_equal_spacing_in_all_orientations(tmp_path, permutation, flips):
    affine = affine_of(permutation, flips)
    labels, written = there_and_back(tmp_path, affine, (1.0, 1.0, 1.0))
    assert np.array_equal(np.asanyarray(written.dataobj), labels)
    assert np.allclose(written.affine, affine)


@pytest.mark.parametrize("degrees", [3.0, 21.0, 44.0])
def test_labels_come_back_unchanged_at_equal_spacing_on_an_oblique_grid(tmp_path, degrees):
    affine = affine_of((2, 0, 1), (1, -1, 1), (1.2, 0.8, 2.0), degrees)
    scan, _ = scan_of(tmp_path, affine)
    spacing = canonical_grid(scan.source_grid).spacing_mm()
    labels, written = there_and_back(tmp_path, affine, spacing)
    assert np.array_equal(np.asanyarray(written.dataobj), labels)
    assert np.allclose(written.affine, affine, atol=1e-5)


def test_the_body_has_mean_zero_and_deviation_one_and_its_outside_is_zero(tmp_path):
    scan, _ = scan_of(tmp_path, affine_of())
    image = prepare(scan, preprocessing((1.0, 1.0, 1.0)), 3).image[0]
    assert image[scan.body].mean() == pytest.approx(0, abs=1e-4)
    assert image[scan.body].std() == pytest.approx(1, abs=1e-4)
    assert not image[~scan.body].any()


def test_gain_and_offset_of_a_scan_do_not_change_what_the_network_sees(tmp_path):
    image, labels = head(0)
    arrays = []
    for gain, offset in ((1, 0), (37.5, 0)):
        write_nifti(tmp_path / "i.nii.gz", image * gain + offset)
        write_nifti(tmp_path / "l.nii.gz", labels)
        case = Case(name="a", images=(str(tmp_path / "i.nii.gz"),), label=str(tmp_path / "l.nii.gz"), subject="a")
        scan, _ = read_case(case, ("T1w",), SCHEME)
        arrays.append(prepare(scan, preprocessing((1.0, 1.0, 1.0), "zscore"), 3).image)
    assert np.allclose(arrays[0], arrays[1], atol=1e-4)


def test_a_network_that_sees_some_channels_gets_those_of_the_whole_array_in_its_order(tmp_path):
    image, _ = head(0)
    files = [
        str(write_nifti(tmp_path / f"{name}.nii.gz", voxels))
        for name, voxels in (("a", image), ("b", np.square(image)), ("c", np.sqrt(image)))
    ]
    scan = read_scan("a", files, ("A", "B", "C"))
    choices = (Choice(name="rescale"), Choice(name="zscore_body"), Choice(name="scale", options={"factor": 0.1}))
    whole = Preprocessing(spacing_mm=(1.2, 1.0, 1.5), normalization=choices, coarse_axis=-1)
    every = prepare(scan, whole, 1).image
    some = prepare(scan, replace(whole, channels=(2, 0)), 1)
    assert some.image.shape == (2, *every.shape[1:])
    assert np.array_equal(some.image, every[[2, 0]])
    assert store_key(whole, SCHEME) != store_key(replace(whole, channels=(2, 0)), SCHEME)


def test_a_missing_channel_that_the_network_does_not_see_changes_nothing_and_one_it_sees_is_0(tmp_path):
    image, _ = head(0)
    first = write_nifti(tmp_path / "a.nii.gz", image)
    scan = read_scan("a", (first, None), ("A", "B"))
    both = Preprocessing(spacing_mm=(1.0, 1.0, 1.0), normalization=(Choice(name="zscore"),) * 2, coarse_axis=-1)
    alone = prepare(read_scan("a", (first,), ("A",)), replace(both, normalization=both.normalization[:1]), 1)
    assert np.array_equal(prepare(scan, replace(both, channels=(0,)), 1).image, alone.image)
    assert not prepare(scan, replace(both, channels=(1,)), 1).image.any()
