"""What the names of ATLAS' files say."""

from __future__ import annotations

from pathlib import Path

import pytest

from dataset_fingerprints.atlas.file_names import find_missing_masks, read_file_name


@pytest.mark.parametrize(
    ("path", "kind", "space", "subject", "session", "site"),
    [
        ("Site1/031768/t02/031768_t1w_deface_stx.nii.gz", "scan", "MNI", "031768", "t02", "Site1"),
        ("Site1/031768/t01/031768_LesionSmooth_2_stx.nii.gz", "mask", "MNI", "031768", "t01", "Site1"),
        ("c0003/c0003s0008t01/c0003s0008t01_t1w_stx.nii.gz", "scan", "MNI", "c0003s0008", "t01", "c0003"),
        ("native_1/c0003/x/c0003s0008t02_t1w.nii.gz", "scan", "native", "c0003s0008", "t02", "c0003"),
        ("native_1/c0003/x/c0003s0008t02_LesionRaw.nii.gz", "mask", "native", "c0003s0008", "t02", "c0003"),
        (
            "R001/sub-r001s001/ses-1/anat/sub-r001s001_ses-1_space-MNI152NLin2009aSym_T1w.nii.gz",
            *("scan", "MNI", "sub-r001s001", "ses-1", "R001"),
        ),
        ("a/sub-r027s001_ses-2_space-orig_desc-brain_T1w.nii", "scan", "native", "sub-r027s001", "ses-2", "R027"),
        (
            "a/sub-r001s001_ses-1_space-orig_label-lesion_desc-T1lesion_mask.nii.gz",
            *("mask", "native", "sub-r001s001", "ses-1", "R001"),
        ),
        ("a/sub-r001s001_ses-1_space-MNI_label-L_mask.nii.gz", "mask", "MNI", "sub-r001s001", "ses-1", "R001"),
        ("R007/sub-x/ses-3/anat/sub-x_T1w.nii.gz", "scan", "native", "sub-x", "ses-3", "R007"),
    ],
)
def test_names_of_every_release_are_read(path, kind, space, subject, session, site):
    found = read_file_name(Path(path), Path(path).parts[:-1])

    assert found is not None
    assert (found.kind, found.space, found.subject, found.session, found.site) == (kind, space, subject, session, site)


@pytest.mark.parametrize(
    "name",
    [
        "standard_mni152.nii.gz",
        "MNI152NLin2009aSym.nii.gz",
        "sub-r001s001_ses-1_FLAIR.nii.gz",
        "sub-r001s001_ses-1_desc-brain_mask.nii.gz",
        "sub-r001s001_ses-1_label-L_probseg.nii.gz",
        "031768_flair.nii.gz",
    ],
)
def test_other_images_are_neither_scan_nor_mask(name):
    assert read_file_name(Path(name), ()) is None


@pytest.mark.parametrize(
    ("masks", "missing"),
    [
        (["031768_LesionSmooth_stx", "031768_LesionSmooth_1_stx"], ""),
        (["c0003s0008t01_LesionRaw"], ""),
        (["sub-r001s001_ses-1_space-orig_label-lesion_desc-T1lesion_mask"], ""),
        (["031768_LesionSmooth_1_stx"], "the main one"),
        (["031768_LesionSmooth_stx", "031768_LesionSmooth_3_stx"], "number 1 and number 2"),
    ],
)
def test_masks_that_are_missing_are_told_by_the_numbers_of_the_others(masks, missing):
    said = find_missing_masks([Path(f"{name}.nii.gz") for name in masks])

    assert (missing in said, bool(said)) == (True, bool(missing))
