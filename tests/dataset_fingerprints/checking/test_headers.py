"""Positions of voxels by headers: two forms in a NIfTI, axes that are not at right angles."""

from __future__ import annotations

import nibabel
import numpy as np
import pytest
import SimpleITK
from scipy.linalg import polar

from dataset_fingerprints.checking.headers import check_headers
from dataset_fingerprints.dataset import Case, Label, LabelScheme
from dataset_fingerprints.errors import DataError
from dataset_fingerprints.geometry import make_grid, skew_degrees, straighten
from dataset_fingerprints.measuring.scans import read_case, read_scan
from dataset_fingerprints.reading.images import read_grid, read_image, read_label_map, write_label_map
from tests.synthetic.scans import affine_of, head, write_nifti
from tests.synthetic.volumes import write_volume

SHAPE = (24, 28, 20)
SCHEME = LabelScheme(labels=(Label(name="dark", value=1), Label(name="bright", value=2)))
LPS = np.diag([-1.0, -1.0, 1.0, 1.0])


def write_forms(path, qform, sform, codes=(1, 2), voxels=None):
    image = nibabel.Nifti1Image(head(0)[0] if voxels is None else voxels, sform)
    image.set_qform(qform, code=codes[0], strip_shears=True)
    image.set_sform(sform, code=codes[1])
    nibabel.save(image, path)
    return path


def moved(shift_mm):
    affine = affine_of(rotation_degrees=10)
    affine[0, 3] += shift_mm
    return affine


def skewed(degrees, spacing_mm=(1.0, 1.0, 1.0)):
    """Turn the second axis towards the first."""
    affine = affine_of(rotation_degrees=25)
    first, second = affine[:3, 0].copy(), affine[:3, 1].copy()
    affine[:3, 1] = np.sin(np.deg2rad(degrees)) * first + np.cos(np.deg2rad(degrees)) * second
    affine[:3, :3] *= spacing_mm
    return affine


def reported(findings):
    return [(finding.grade, finding.kind) for finding in findings]


@pytest.mark.parametrize("code", [1, 2])
def test_the_sform_is_used_as_nibabel_does_while_simpleitk_may_take_the_qform(tmp_path, code):
    path = write_forms(tmp_path / "a.nii", moved(8), moved(0), codes=(1, code))
    image = read_image([path])
    assert np.allclose(image.source_grid.matrix(), moved(0), atol=1e-6)
    assert np.allclose(nibabel.load(path).affine, moved(0), atol=1e-6)
    taken = {1: 0, 2: 8}[code]
    # The quaternion is stored as float32.
    assert np.allclose(SimpleITK.ReadImage(str(path)).GetOrigin(), (LPS @ moved(taken))[:3, 3], atol=1e-4)
    (finding,) = check_headers("a", {"channel T1w": image.header})
    assert (finding.grade, finding.kind) == ("warning", "qform-sform")
    assert "up to 8 mm apart" in finding.message


@pytest.mark.parametrize(
    ("qform", "codes"), [(moved(0), (1, 1)), (moved(0.05), (1, 2)), (moved(8), (0, 1)), (moved(8), (1, 0))]
)
def test_forms_that_agree_or_stand_alone_are_not_reported(tmp_path, qform, codes):
    header = read_image([write_forms(tmp_path / "a.nii.gz", qform, moved(0), codes)]).header
    assert check_headers("a", {"the scan": header}) == ()


def test_a_nifti_that_says_by_no_form_where_it_lies_is_reported(tmp_path):
    header = read_image([write_forms(tmp_path / "a.nii.gz", moved(0), moved(0), (0, 0))]).header
    (finding,) = check_headers("a", {"the scan": header})
    assert (finding.grade, finding.kind) == ("warning", "assumed-place")
    assert "neither qform nor sform say where the voxels lie" in finding.message


def test_a_label_map_whose_sform_lies_elsewhere_is_reported_twice(tmp_path):
    write_forms(tmp_path / "scan.nii.gz", moved(0), moved(0))
    write_forms(tmp_path / "mask.nii.gz", moved(0), moved(5), voxels=head(0)[1])
    files = {"images": (str(tmp_path / "scan.nii.gz"),), "label": str(tmp_path / "mask.nii.gz")}
    _, findings = read_case(Case(name="a", subject="a", **files), ("T1w",), SCHEME)
    assert reported(findings) == [("warning", "qform-sform"), ("error", "affine")]
    assert findings[0].message.startswith("the label map: qform and sform")


def test_straight_axes_are_the_polar_decomposition_about_the_same_centre():
    grid = make_grid(SHAPE, skewed(3.0, (0.9, 1.0, 2.5)))
    straight = straighten(grid)
    directions = grid.matrix()[:3, :3] / np.array(grid.spacing_mm())
    assert np.allclose(straight.matrix()[:3, :3] / np.array(straight.spacing_mm()), polar(directions)[0])
    assert np.allclose(straight.spacing_mm(), grid.spacing_mm())
    assert skew_degrees(grid) == pytest.approx(3.0)
    # The arc sine of a rounding error of 1e-16.
    assert skew_degrees(straight) < 1e-12
    centre = np.append((np.array(SHAPE) - 1) / 2, 1)
    assert np.allclose(straight.matrix() @ centre, grid.matrix() @ centre)


@pytest.mark.parametrize("suffix", [".nii.gz", ".nrrd", ".mha"])
@pytest.mark.parametrize(
    ("degrees", "expected"), [(0.003, []), (0.06, ["fixed"]), (2.0, ["warning"]), (12.0, ["error"])]
)
def test_axes_off_right_angles_are_fixed_reported_or_refused_by_degrees(tmp_path, suffix, degrees, expected):
    image, mask = head(0)
    affine = skewed(degrees)
    case = Case(
        name="a",
        images=(str(write_volume(tmp_path / f"scan{suffix}", image, affine)),),
        label=str(write_volume(tmp_path / f"mask{suffix}", mask, affine)),
        subject="a",
    )
    scan, findings = read_case(case, ("T1w",), SCHEME)
    assert reported(findings) == [(grade, "skewed-axes") for grade in expected]
    if "error" in expected:
        assert scan is None
        return
    kept = affine if "fixed" not in expected else straighten(make_grid(SHAPE, affine)).matrix()
    # NIfTI stores float32.
    assert np.allclose(scan.source_grid.matrix(), kept, atol=1e-5)
    assert read_grid(case.image_paths()[0]) == scan.source_grid
    assert scan.labels.sum() == mask.sum()


@pytest.mark.parametrize(("degrees", "by_simpleitk"), [(0.06, True), (2.0, False)])
def test_a_mask_of_a_skewed_scan_is_written_on_its_grid_and_for_simpleitk_where_it_was_fixed(
    tmp_path, degrees, by_simpleitk
):
    image, mask = head(0)
    path = write_volume(tmp_path / "scan.nii.gz", image, skewed(degrees))
    with pytest.raises(RuntimeError, match="orthonormal"):
        SimpleITK.ReadImage(str(path))
    scan = read_scan("a", [tmp_path / "scan.nii.gz"], ("T1w",))
    for suffix in (".nii.gz", ".nrrd"):
        stored = read_label_map_after_writing(tmp_path / f"mask{suffix}", mask, scan.source_grid)
        # A fifth of a voxel is more than straightening moves any voxel of this scan.
        assert np.abs(stored.source_grid.matrix() - skewed(degrees)).max() < 0.2
        assert stored.voxels.sum() == mask.sum()
    if by_simpleitk:
        assert SimpleITK.ReadImage(str(tmp_path / "mask.nii.gz")).GetSize() == SHAPE


def read_label_map_after_writing(path, mask, grid):
    write_label_map(path, mask, grid)
    return read_label_map(path)


def test_a_scan_to_predict_with_axes_far_from_right_angles_is_refused(tmp_path):
    path = write_volume(tmp_path / "scan.nii.gz", head(0)[0], skewed(12))
    with pytest.raises(DataError, match=r"case a: .*12 degrees.*resample_to_output"):
        read_scan("a", [tmp_path / "scan.nii.gz"], ("T1w",))
    resampled = pytest.importorskip("nibabel.processing").resample_to_output(nibabel.load(path))
    assert skew_degrees(read_grid(write_nifti(tmp_path / "b.nii.gz", resampled.get_fdata(), resampled.affine))) == 0
