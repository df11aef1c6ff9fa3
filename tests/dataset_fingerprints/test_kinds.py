"""Every kind of finding in the table is planted into real files and found, and nothing is found that is not there."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import nibabel
import numpy as np
import pytest

import dataset_fingerprints
from dataset_fingerprints.kinds import KINDS
from tests.synthetic.passes import pass_over
from tests.synthetic.scans import affine_of, head, write_nifti, write_nnunet_dataset

CASE = "sub-001"
SHEAR = 0.04


def scan_of(root, channel=0):
    return root / "imagesTr" / f"{CASE}_{channel:04d}.nii.gz"


def label_of(root):
    return root / "labelsTr" / f"{CASE}.nii.gz"


def shifted(shift_mm):
    affine = affine_of()
    affine[0, 3] += shift_mm
    return affine


def plant_both(root, affine, code=0):
    """Give a case's scan and label map one affine, as sform only or with another qform."""
    for path, voxels in zip((scan_of(root), label_of(root)), head(1), strict=True):
        image = nibabel.Nifti1Image(voxels, affine)
        image.set_qform(affine_of() if code else None, code=code)
        nibabel.save(image, path)


def sheared(amount):
    affine = affine_of()
    affine[0, 1] = amount
    return affine


PLANTERS = {
    "missing-image": lambda root: scan_of(root).unlink(),
    "missing-label": lambda root: label_of(root).unlink(),
    "missing-channel": lambda root: scan_of(root, 1).unlink(),
    "extra-channel": lambda root: shutil.copy(scan_of(root), scan_of(root, 2)),
    "unreadable": lambda root: scan_of(root).write_bytes(scan_of(root).read_bytes()[:500]),
    "shape": lambda root: write_nifti(label_of(root), head(1)[1][:-1]),
    "affine": lambda root: write_nifti(label_of(root), head(1)[1], shifted(3)),
    "qform-sform": lambda root: plant_both(root, shifted(1), code=1),
    "skewed-axes": lambda root: plant_both(root, sheared(SHEAR)),
    "channel-grid": lambda root: write_nifti(scan_of(root, 1), head(1)[0], shifted(3)),
    "not-finite": lambda root: write_nifti(scan_of(root), np.where(head(1)[0] > 150, np.nan, head(1)[0])),
    "constant": lambda root: write_nifti(scan_of(root), np.full((24, 28, 20), 7.0)),
    "unexpected-label": lambda root: write_nifti(label_of(root), head(1)[1] * 7),
    "fractional-label": lambda root: write_nifti(label_of(root), head(1)[1] * 0.9999),
    "empty-label": lambda root: write_nifti(label_of(root), head(1)[1] * 0),
    "label-is-image": lambda root: shutil.copy(label_of(root), scan_of(root)),
    "duplicate-image": lambda root: shutil.copy(scan_of(root), root / "imagesTr" / "sub-002_0000.nii.gz"),
    "spacing-outlier": lambda root: plant_both(root, affine_of(spacing_mm=(1, 1, 3))),
    "orientation-mix": lambda root: plant_both(root, affine_of(flips=(-1, 1, 1))),
    "shared-subject": lambda root: [
        file.rename(file.with_name(file.name.replace("sub-002", "sub-001_ses-2"))) for file in root.rglob("sub-002*")
    ],
}
TWO_CHANNELS = ("missing-channel", "extra-channel", "channel-grid")


def test_every_kind_of_the_table_is_planted_here():
    assert set(PLANTERS) == set(KINDS)


@pytest.mark.parametrize("kind", KINDS)
def test_a_planted_defect_is_found_under_its_name_and_grade(tmp_path, kind):
    channels = ("T1w", "FLAIR") if kind in TWO_CHANNELS else ("T1w",)
    write_nnunet_dataset(tmp_path, 4, channels=channels)
    PLANTERS[kind](tmp_path)
    findings = pass_over(tmp_path)[0].findings()
    assert {finding.kind for finding in findings} == {kind}
    for finding in findings:
        assert finding.case.startswith(CASE)
        assert finding.grade in KINDS[kind].grades
        assert len(finding.message) > 20


def test_a_sound_data_set_has_no_finding(tmp_path):
    root = write_nnunet_dataset(tmp_path, 4, channels=("T1w", "FLAIR"))
    assert pass_over(root)[0].findings() == ()


def test_no_finding_is_made_of_a_kind_that_is_not_in_the_table():
    folder = Path(dataset_fingerprints.__file__).parent
    made = {
        kind
        for file in folder.rglob("*.py")
        for kind in re.findall(r'kind="([a-z-]+)", message', file.read_text(encoding="utf-8"))
    }
    assert len(made) > 15
    assert made <= set(KINDS)
