from __future__ import annotations

import os
import subprocess
import sys

import numpy as np
import pytest

from dataset_fingerprints.files.jsonfiles import read_json, write_json
from dataset_fingerprints.fingerprint import DatasetFingerprint
from dataset_fingerprints.layouts import read_dataset
from dataset_fingerprints.measuring.label_statistics import measure_label
from dataset_fingerprints.measuring.pooling import summarise
from dataset_fingerprints.reading.body import find_body
from tests.synthetic.passes import kept, pass_over
from tests.synthetic.scans import affine_of, blob, write_nifti, write_nnunet_dataset


def test_volumes_extents_and_counts_of_two_balls_are_measured():
    mask = blob((40, 40, 40), (10, 10, 10), 4) | blob((40, 40, 40), (30, 30, 30), 2)
    voxels = np.where(mask, 10.0, 100.0).astype(np.float32)[None]
    voxels += np.random.default_rng(0).normal(0, 1, voxels.shape).astype(np.float32)
    found = measure_label(voxels, mask, np.ones_like(mask), (1.0, 1.0, 2.0), 1)
    assert found.lesion_count == 2
    assert found.volume_mm3 == mask.sum() * 2
    assert found.lesions[0].extent_voxels == (9, 9, 9)
    assert found.lesions[0].extent_mm == (9, 9, 18)
    assert found.lesions[0].volume_mm3 > found.lesions[1].volume_mm3
    assert found.contrast[0] == pytest.approx(-90, rel=0.2)
    assert found.border_distance_mm == 6


@pytest.mark.parametrize(("thickness", "expected"), [(1, 1), (3, 3), (5, 5)])
def test_a_plate_is_as_thick_as_it_is_made(thickness, expected):
    mask = np.zeros((20, 20, 20), dtype=bool)
    mask[2:18, 2:18, 5 : 5 + thickness] = True
    voxels = np.random.default_rng(0).normal(size=(1, 20, 20, 20)).astype(np.float32)
    found = measure_label(voxels, mask, np.ones_like(mask), (1.0, 1.0, 1.0), 1)
    assert found.lesions[0].thinnest_mm == pytest.approx(expected)


def test_a_tiny_image_full_of_single_voxels_is_measured():
    mask = np.zeros((3, 3, 3), dtype=bool)
    mask[::2, ::2, ::2] = True
    found = measure_label(np.ones((1, 3, 3, 3), np.float32), mask, np.ones_like(mask), (1.0, 1.0, 1.0), 1)
    assert found.lesion_count == 8


def test_only_a_background_connected_to_the_border_is_taken_away():
    voxels = np.zeros((1, 20, 20, 20), np.float32)
    body = blob((20, 20, 20), (10, 10, 10), 8)
    voxels[0][body] = 5
    voxels[0, 10, 10, 10] = 0
    found = find_body(voxels)
    assert found.background == 0
    assert np.array_equal(found.mask, body)


def test_a_crop_inside_the_head_has_no_background():
    voxels = np.random.default_rng(0).normal(size=(1, 12, 12, 12)).astype(np.float32)
    found = find_body(voxels)
    assert found.background is None
    assert found.mask.all()


def test_the_crop_never_cuts_a_labelled_voxel(tmp_path):
    write_nnunet_dataset(tmp_path, cases=1)
    labels = np.zeros((24, 28, 20), np.uint8)
    labels[0, 0, 0] = labels[23, 27, 19] = 1
    write_nifti(tmp_path / "labelsTr" / "sub-000.nii.gz", labels)
    (record,) = pass_over(tmp_path)[0].records()
    assert record.body_box.shape() == (24, 28, 20)


def test_the_fingerprint_does_not_depend_on_the_orientation_of_the_files(tmp_path):
    first = read_dataset(write_nnunet_dataset(tmp_path / "a", cases=2))
    second = read_dataset(write_nnunet_dataset(tmp_path / "b", cases=2, affine=affine_of((0, 1, 2), (-1, 1, 1))))
    records = [pass_over(dataset)[0].records() for dataset in (first, second)]
    assert [record.orientation for record in records[1]] == ["LAS", "LAS"]
    assert records[0][0].labels[0].volume_mm3 == records[1][0].labels[0].volume_mm3
    assert records[0][0].channels == records[1][0].channels


def test_unchanged_cases_are_not_read_again_and_changed_ones_are(tmp_path):
    dataset = read_dataset(write_nnunet_dataset(tmp_path, cases=3))
    found, read = pass_over(dataset)
    assert read == ["sub-000", "sub-001", "sub-002"]
    os.utime(tmp_path / "imagesTr" / "sub-000_0000.nii.gz")
    write_nifti(tmp_path / "imagesTr" / "sub-001_0000.nii.gz", np.random.default_rng(9).normal(size=(24, 28, 20)))
    again, read = pass_over(dataset, kept(found))
    assert read == ["sub-001"]
    assert again.records()[0].channels == found.records()[0].channels


def test_a_damaged_case_is_a_finding_and_the_others_are_measured(tmp_path):
    dataset = read_dataset(write_nnunet_dataset(tmp_path, cases=3))
    path = tmp_path / "imagesTr" / "sub-001_0000.nii.gz"
    path.write_bytes(path.read_bytes()[:2000])
    found, _ = pass_over(dataset)
    assert [record.case for record in found.records()] == ["sub-000", "sub-002"]
    assert [(finding.case, finding.kind) for finding in found.findings()] == [("sub-001", "unreadable")]


def test_a_fingerprint_file_comes_back_as_it_was(tmp_path):
    dataset = read_dataset(write_nnunet_dataset(tmp_path, cases=3))
    fingerprint = summarise(dataset, pass_over(dataset)[0].records())
    write_json(tmp_path / "fingerprint.json", fingerprint)
    assert read_json(tmp_path / "fingerprint.json", DatasetFingerprint) == fingerprint


def test_fingerprinting_does_not_bring_torch_in():
    code = (
        "import sys, pkgutil, importlib, dataset_fingerprints, planners\n"
        "for package in (dataset_fingerprints, planners):\n"
        "    for module in pkgutil.walk_packages(package.__path__, package.__name__ + '.'):\n"
        "        importlib.import_module(module.name)\n"
        "print('torch' in sys.modules)"
    )
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, encoding="utf-8", check=True)
    assert result.stdout.strip() == "False"
