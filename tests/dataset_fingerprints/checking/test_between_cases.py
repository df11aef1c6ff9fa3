from __future__ import annotations

import shutil

import numpy as np
import pytest

from tests.synthetic.passes import kept, pass_over
from tests.synthetic.scans import affine_of, head, write_nifti, write_nnunet_dataset


def findings_of(root, known=None):
    return pass_over(root, known)[0].findings()


def kinds(findings):
    return [(finding.case, finding.grade, finding.kind) for finding in findings]


def test_a_healthy_data_set_has_no_findings(tmp_path):
    findings = findings_of(write_nnunet_dataset(tmp_path, cases=4))
    assert findings == ()


def test_the_same_image_in_two_cases_is_reported(tmp_path):
    write_nnunet_dataset(tmp_path, cases=4)
    shutil.copy(tmp_path / "imagesTr" / "sub-000_0000.nii.gz", tmp_path / "imagesTr" / "sub-002_0000.nii.gz")
    findings = findings_of(tmp_path)
    assert kinds(findings) == [("sub-000", "warning", "duplicate-image")]
    assert "sub-002" in findings[0].message


def test_the_same_image_in_two_cases_of_one_subject_asks_for_no_common_subject(tmp_path):
    write_nnunet_dataset(tmp_path, cases=4)
    shutil.copy(tmp_path / "imagesTr" / "sub-000_0000.nii.gz", tmp_path / "imagesTr" / "sub-002_0000.nii.gz")
    (tmp_path / "cases.tsv").write_text("case\tsubject\nsub-000\tanna\nsub-002\tanna\n")
    duplicate, shared = findings_of(tmp_path)
    assert (duplicate.kind, shared.kind) == ("duplicate-image", "shared-subject")
    assert "They stay in one fold. If they are to be different scans" in duplicate.message


def test_two_channels_that_are_the_same_in_two_cases_are_one_finding(tmp_path):
    write_nnunet_dataset(tmp_path, cases=4, channels=("T1w", "FLAIR"))
    for channel in range(2):
        name = f"sub-00{{}}_000{channel}.nii.gz"
        shutil.copy(tmp_path / "imagesTr" / name.format(0), tmp_path / "imagesTr" / name.format(3))
    assert kinds(findings_of(tmp_path)) == [("sub-000", "warning", "duplicate-image")]


def test_a_scan_that_is_stored_as_the_label_map_is_reported_as_that_alone(tmp_path):
    write_nnunet_dataset(tmp_path, cases=4)
    write_nifti(tmp_path / "labelsTr" / "sub-003.nii.gz", head(3)[0])
    assert kinds(findings_of(tmp_path)) == [("sub-003", "error", "label-is-image")]


def test_a_scan_with_voxels_of_another_size_is_reported(tmp_path):
    write_nnunet_dataset(tmp_path, cases=4)
    image, labels = head(1)
    thick = affine_of(spacing_mm=(1.0, 1.0, 2.5))
    write_nifti(tmp_path / "imagesTr" / "sub-001_0000.nii.gz", image, thick)
    write_nifti(tmp_path / "labelsTr" / "sub-001.nii.gz", labels, thick)
    findings = findings_of(tmp_path)
    assert kinds(findings) == [("sub-001", "warning", "spacing-outlier")]
    assert "1x1x2.5" in findings[0].message


def test_mixed_orientations_are_reported_as_fixed(tmp_path):
    write_nnunet_dataset(tmp_path, cases=4)
    image, labels = head(1)
    flipped = affine_of(flips=(-1, 1, 1))
    write_nifti(tmp_path / "imagesTr" / "sub-001_0000.nii.gz", image, flipped)
    write_nifti(tmp_path / "labelsTr" / "sub-001.nii.gz", labels, flipped)
    findings = findings_of(tmp_path)
    assert kinds(findings) == [("sub-001", "fixed", "orientation-mix")]
    assert "is stored as LAS, while 3 cases are RAS" in findings[0].message


def test_several_cases_of_one_subject_are_reported_as_grouped(tmp_path):
    write_nnunet_dataset(tmp_path, cases=4)
    for folder, suffix in (("imagesTr", "_0000"), ("labelsTr", "")):
        for index, session in ((0, 1), (1, 2)):
            old = tmp_path / folder / f"sub-{index:03d}{suffix}.nii.gz"
            old.rename(tmp_path / folder / f"sub-9_ses-{session}{suffix}.nii.gz")
    findings = findings_of(tmp_path)
    assert kinds(findings) == [("sub-9_ses-1", "fixed", "shared-subject")]


def test_a_label_map_in_the_place_of_its_scan_is_an_error(tmp_path):
    write_nnunet_dataset(tmp_path, cases=4)
    _, labels = head(3)
    write_nifti(tmp_path / "imagesTr" / "sub-003_0000.nii.gz", labels.astype(np.float32))
    findings = findings_of(tmp_path)
    assert kinds(findings) == [("sub-003", "error", "label-is-image")]


def test_what_was_found_earlier_is_reported_again_without_reading_the_case(tmp_path):
    write_nnunet_dataset(tmp_path, cases=3)
    write_nifti(tmp_path / "labelsTr" / "sub-001.nii.gz", np.zeros((24, 28, 20), np.uint8))
    found, _ = pass_over(tmp_path)
    assert kinds(found.findings()) == [("sub-001", "warning", "empty-label")]
    again, read = pass_over(tmp_path, kept(found))
    assert read == []
    assert again == found


def test_all_cases_of_a_rare_orientation_are_named(tmp_path):
    write_nnunet_dataset(tmp_path, cases=6)
    for number, flips in ((1, (-1, 1, 1)), (4, (-1, 1, 1)), (5, (1, -1, 1))):
        image, labels = head(number)
        affine = affine_of(flips=flips)
        write_nifti(tmp_path / "imagesTr" / f"sub-00{number}_0000.nii.gz", image, affine)
        write_nifti(tmp_path / "labelsTr" / f"sub-00{number}.nii.gz", labels, affine)
    (finding,) = findings_of(tmp_path)
    assert finding.message.startswith(
        "is stored as RPS; sub-001, sub-004 are LAS, while 3 cases are RAS. All were turned to RAS+"
    )


@pytest.mark.parametrize(
    ("spacing", "message"),
    [
        (60.0, "mm in all (voxels of 60x60x60 mm), more than fits into a scanner, and so are sub-001, sub-002. The"),
        (0.001, "less than a pea, and so are sub-001, sub-002. If it is no picture of a microscope"),
    ],
)
def test_sizes_that_no_scan_has_come_with_advice_for_people(tmp_path, spacing, message):
    write_nnunet_dataset(tmp_path, cases=3)
    for number in range(3):
        image, labels = head(number)
        affine = affine_of(spacing_mm=(spacing,) * 3)
        write_nifti(tmp_path / "imagesTr" / f"sub-00{number}_0000.nii.gz", image, affine)
        write_nifti(tmp_path / "labelsTr" / f"sub-00{number}.nii.gz", labels, affine)
    (finding,) = findings_of(tmp_path)
    assert (finding.case, finding.kind) == ("sub-000", "scan-size")
    assert message in finding.message
    assert "3D Slicer, enter the right voxel size" in finding.message


def test_voxels_ten_times_too_large_are_said_to_be_so(tmp_path):
    write_nnunet_dataset(tmp_path, cases=4)
    image, labels = head(1)
    wrong = affine_of(spacing_mm=(10.0, 10.0, 10.0))
    write_nifti(tmp_path / "imagesTr" / "sub-001_0000.nii.gz", image, wrong)
    write_nifti(tmp_path / "labelsTr" / "sub-001.nii.gz", labels, wrong)
    (finding,) = findings_of(tmp_path)
    assert "10x10x10 mm (10 times larger) where the median is 1x1x1 mm" in finding.message
    assert "dcm2niix" in finding.message
