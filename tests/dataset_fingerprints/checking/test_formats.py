"""Formats from which no voxel size is read are said once for a data set."""

from __future__ import annotations

import pytest

from dataset_fingerprints.checking.formats import check_formats, is_unsized
from dataset_fingerprints.dataset import Case


def case(name: str, suffix: str) -> Case:
    return Case(name=name, subject=name, images=(f"/raw/{name}{suffix}",), label=f"/raw/{name}_label{suffix}")


@pytest.mark.parametrize("suffix", [".png", ".tif", ".TIFF", ".bmp"])
def test_pictures_have_no_voxel_size(suffix: str) -> None:
    assert is_unsized(f"a{suffix}")


@pytest.mark.parametrize("suffix", [".nii.gz", ".nii", ".mha", ".nrrd", ".gipl", ""])
def test_volumes_have_one_or_are_looked_at_themselves(suffix: str) -> None:
    assert not is_unsized(f"a{suffix}")
    assert check_formats([case("a", suffix)]) == ()


def test_one_finding_names_the_first_cases_and_what_was_assumed() -> None:
    (finding,) = check_formats([case("v", ".nii.gz"), *(case(name, ".tif") for name in "abcde")])
    assert (finding.case, finding.grade, finding.kind) == ("a", "warning", "assumed-place")
    assert finding.message.startswith("a, b, c and 2 more (.tif): ")
    assert "1 x 1 x 1 mm were assumed" in finding.message
    assert "convert them to NIfTI" in finding.message
