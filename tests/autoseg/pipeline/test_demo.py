"""The demo's held-out scans, by which its figures are compared from version to version."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from pathlib import Path

import nibabel
import numpy as np

from autoseg.pipeline.demo import SIMULATION
from autoseg.simulate import image_path, label_path, simulate_dataset

# SHA-256 of voxels and affine of image and label map, first 16 digits. Other scans need other figures in the README.
HASHES = {
    "sim_test_0001": ("22c62fa6ab29c6cd", "0afb43cd881f06f7"),
    "sim_test_0002": ("781486e579cf1507", "59ccb1811e6e1e5b"),
    "sim_test_0003": ("9cb83f713e7e9bce", "6e8302b6076c8eb9"),
    "sim_test_0004": ("163d67497cc7d3f1", "a8cf16888219ec79"),
    "sim_test_0005": ("335c199fe383a663", "faacbc342d95e255"),
    "sim_test_0006": ("14a2ae1a0b55ec9f", "b40e3f18c5f610e3"),
}


def hash_volume(path: Path) -> str:
    volume = nibabel.nifti1.load(path)
    voxels = np.ascontiguousarray(np.asanyarray(volume.dataobj))
    affine = np.ascontiguousarray(volume.affine)
    return hashlib.sha256(voxels.tobytes() + affine.tobytes()).hexdigest()[:16]


def test_the_demo_is_judged_on_the_same_scans_as_ever(tmp_path: Path) -> None:
    # A scan follows from its own number and the seed, whatever the number of training scans.
    dataset = simulate_dataset(tmp_path / "raw", replace(SIMULATION, cases=1))
    found = {
        case.name: (hash_volume(image_path(dataset.folder, case)), hash_volume(label_path(dataset.folder, case)))
        for case in dataset.cases
        if case.held_out
    }
    assert found == HASHES
