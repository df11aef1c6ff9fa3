from __future__ import annotations

import csv
from pathlib import Path

import nibabel
import numpy as np
import pytest

import autoseg
from autoseg.clinical.regions import read_regions
from dataset_fingerprints.errors import DataError, PartlyDoneError
from tests.autoseg.pipeline.clinical.files import AFFINE, SHAPE, turned, write_mask

LEFT, RIGHT = (slice(6, 10), slice(14, 18), slice(12, 20)), (slice(20, 24), slice(14, 18), slice(12, 20))
HALF_OF_LEFT = (slice(6, 8), slice(14, 18), slice(12, 20))


def read_rows(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as stream:
        return list(csv.DictReader(stream))


def test_one_mask_and_one_region_make_a_row_and_the_slices_beside_it(tmp_path: Path) -> None:
    mask, roi = write_mask(tmp_path / "sub-1.nii.gz", HALF_OF_LEFT), write_mask(tmp_path / "cst_left.nii.gz", LEFT)
    result = autoseg.lesion_load(mask, [roi], out=tmp_path / "load.csv")
    (row,) = read_rows(tmp_path / "load.csv")
    assert (row["case"], row["region"], row["% of region"], row["max injury %"]) == (
        "sub-1",
        "cst_left",
        "50.000",
        "50.000",
    )
    # 64 voxels of 216 mm3.
    assert float(row["overlap ml"]) == pytest.approx(64 * 0.216, abs=1e-3)
    assert row["warnings"] == ""
    assert len(read_rows(tmp_path / "load-slices.csv")) == 8
    assert result.loads[0].load.percent() == pytest.approx(50.0)
    assert not (tmp_path / "load-agreement.csv").exists()


def test_masks_on_several_grids_are_warned_of(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    roi = write_mask(tmp_path / "cst_left.nii.gz", LEFT)
    for case, mm in (("sub-1", 0.0), ("sub-2", 0.0), ("sub-3", 12.0)):
        moved = AFFINE.copy()
        moved[1, 3] += mm
        write_mask(tmp_path / "masks" / f"{case}.nii.gz", HALF_OF_LEFT, affine=moved)
    autoseg.lesion_load(tmp_path / "masks", [roi])
    assert "The masks lie on 2 grids." in caplog.text
    caplog.clear()
    autoseg.lesion_load(tmp_path / "masks", [roi], same_space=True)
    autoseg.lesion_load(tmp_path / "masks" / "sub-3.nii.gz", [roi])
    assert "grids" not in caplog.text


def test_references_add_their_loads_and_the_errors(tmp_path: Path) -> None:
    for case, box in (("a", HALF_OF_LEFT), ("b", LEFT)):
        write_mask(tmp_path / "masks" / f"{case}.nii.gz", box)
        write_mask(tmp_path / "references" / f"{case}.nii.gz", LEFT)
    roi = write_mask(tmp_path / "roi.nii.gz", LEFT)
    result = autoseg.lesion_load(
        tmp_path / "masks", [f"cst={roi}"], references=tmp_path / "references", out=tmp_path / "load.csv"
    )
    agreement = result.agreement["cst"]["% of region"]
    assert agreement.cases == 2
    assert (agreement.bias, agreement.mean_absolute_error) == pytest.approx((-25.0, 25.0))
    rows = {row["measure"]: row for row in read_rows(tmp_path / "load-agreement.csv")}
    assert (rows["% of region"]["MAE"], rows["% of region"]["bias"]) == ("25.000", "-25.000")
    # Volumes of 64 and 128 voxels of 0.216 ml against 128 and 128: no agreement beyond chance.
    volumes = rows["lesion ml"]
    assert (volumes["mean"], volumes["mean of reference"]) == ("20.736", "27.648")
    assert float(volumes["ICC(2,1)"]) == float(volumes["CCC"]) == 0
    assert (volumes["ICC(2,1) low"], volumes["CCC low"]) != ("", "")
    assert [row["% of region of reference"] for row in read_rows(tmp_path / "load.csv")] == ["100.000", "100.000"]


def test_region_on_another_grid_is_resampled_and_stored_axes_do_not_matter(tmp_path: Path) -> None:
    mask = write_mask(tmp_path / "mask.nii.gz", LEFT)
    fine = np.zeros([2 * length for length in SHAPE], dtype=np.uint8)
    fine[12:20, 28:36, 24:40] = 1
    affine = AFFINE @ np.diag([0.5, 0.5, 0.5, 1])
    affine[:3, 3] -= 1.5
    flipped = affine @ np.diag([-1.0, 1, 1, 1])
    flipped[0, 3] += affine[0, 0] * (fine.shape[0] - 1)
    nibabel.Nifti1Image(fine, affine).to_filename(tmp_path / "fine.nii.gz")
    nibabel.Nifti1Image(fine[::-1], flipped).to_filename(tmp_path / "flipped.nii.gz")
    result = autoseg.lesion_load(mask, [tmp_path / "fine.nii.gz", tmp_path / "flipped.nii.gz"])
    one, other = (row.load for row in result.loads)
    assert one.percent() == pytest.approx(100.0)
    assert one.overlap_ml == pytest.approx(128 * 0.216)
    assert other.overlap_ml == pytest.approx(one.overlap_ml)


def test_mask_with_rounded_values_is_read_as_a_mask(tmp_path: Path) -> None:
    mask = write_mask(tmp_path / "mask.nii.gz", LEFT, value=0.9999)
    roi = write_mask(tmp_path / "roi.nii.gz", LEFT, value=255)
    assert autoseg.lesion_load(mask, [roi]).loads[0].load.percent() == pytest.approx(100.0)


def test_tilted_mask_is_refused_and_measured_where_the_user_knows_better(tmp_path: Path) -> None:
    mask = write_mask(tmp_path / "mask.nii.gz", LEFT, affine=turned(8))
    roi = write_mask(tmp_path / "roi.nii.gz", LEFT)
    with pytest.raises(DataError, match=r"turned by 8\.0 degrees.*same_space"):
        autoseg.lesion_load(mask, [roi])
    assert autoseg.lesion_load(mask, [roi], same_space=True).loads[0].load.overlap_ml > 0


def test_mask_whose_name_says_native_space_is_refused(tmp_path: Path) -> None:
    mask = write_mask(tmp_path / "sub-1_space-orig_mask.nii.gz", LEFT)
    with pytest.raises(DataError, match="space-orig"):
        autoseg.lesion_load(mask, [write_mask(tmp_path / "roi.nii.gz", LEFT)])


def test_mask_that_does_not_meet_the_region_is_refused(tmp_path: Path) -> None:
    far = AFFINE.copy()
    far[0, 3] += 1000
    mask = write_mask(tmp_path / "mask.nii.gz", LEFT, affine=far)
    with pytest.raises(DataError, match="do not meet in space"):
        autoseg.lesion_load(mask, [write_mask(tmp_path / "roi.nii.gz", LEFT)])


def test_lesion_outside_of_the_brain_and_region_cut_by_the_grid_are_said(tmp_path: Path) -> None:
    moved = AFFINE.copy()
    moved[0, 3] -= 70
    mask = write_mask(tmp_path / "mask.nii.gz", LEFT, affine=moved)
    roi = write_mask(tmp_path / "roi.nii.gz", LEFT, RIGHT, (slice(14, 16), slice(14, 18), slice(12, 20)))
    (load,) = autoseg.lesion_load(mask, [roi]).loads
    assert any("outside of the MNI152 brain" in doubt for doubt in load.doubts)
    assert any("in the mask's field of view" in doubt for doubt in load.doubts)


def test_case_that_fails_leaves_the_others_done(tmp_path: Path) -> None:
    write_mask(tmp_path / "masks" / "good.nii.gz", LEFT)
    (tmp_path / "masks" / "bad.nii.gz").write_bytes(b"nothing")
    roi = write_mask(tmp_path / "roi.nii.gz", LEFT)
    with pytest.raises(PartlyDoneError, match="1 of 2 cases cannot be done") as error:
        autoseg.lesion_load(tmp_path / "masks", [roi], out=tmp_path / "load.csv")
    assert [row.case for row in error.value.result.loads] == ["good"]
    assert {row["case"]: bool(row["warnings"]) for row in read_rows(tmp_path / "load.csv")} == {
        "good": False,
        "bad": True,
    }


def test_other_peoples_tables_and_inputs_are_not_replaced(tmp_path: Path) -> None:
    mask, roi = write_mask(tmp_path / "mask.nii.gz", LEFT), write_mask(tmp_path / "roi.nii.gz", LEFT)
    foreign = tmp_path / "mine.csv"
    foreign.write_text("case,age\n1,60\n")
    with pytest.raises(DataError, match="no earlier table"):
        autoseg.lesion_load(mask, [roi], out=foreign)
    with pytest.raises(DataError, match="not called"):
        autoseg.lesion_load(mask, [roi], out=tmp_path / "load")
    for _ in range(2):
        autoseg.lesion_load(mask, [roi], out=tmp_path / "load.csv")


@pytest.mark.parametrize(
    ("values", "said"), [((0, 0), "no value above 0"), ((-1, 1), "values down to -1"), ((3, 40), "--roi-maximum 100")]
)
def test_file_that_is_no_region_is_refused(tmp_path: Path, values: tuple[int, int], said: str) -> None:
    voxels = np.zeros(SHAPE, dtype=np.int16)
    voxels[3:5, 3, 3] = values
    nibabel.Nifti1Image(voxels, AFFINE).to_filename(tmp_path / "roi.nii.gz")
    with pytest.raises(DataError, match=said):
        read_regions([str(tmp_path / "roi.nii.gz")])


def test_atlas_in_percent_is_scaled(tmp_path: Path) -> None:
    voxels = np.zeros(SHAPE, dtype=np.int16)
    voxels[3:5, 3, 3] = 25, 100
    nibabel.Nifti1Image(voxels, AFFINE).to_filename(tmp_path / "roi.nii.gz")
    (region,) = read_regions([f"tract={tmp_path / 'roi.nii.gz'}"], maximum=100)
    assert (region.name, float(region.weights.max())) == ("tract", 1.0)
    assert region.volume_ml() == pytest.approx(1.25 * 0.216)


def test_two_regions_of_one_name_are_refused(tmp_path: Path) -> None:
    one, other = write_mask(tmp_path / "a" / "cst.nii.gz", LEFT), write_mask(tmp_path / "b" / "cst.nii.gz", RIGHT)
    with pytest.raises(DataError, match="two regions are called cst"):
        autoseg.lesion_load(tmp_path / "a", [one, other])


def test_call_without_a_region_is_refused_in_words_of_python(tmp_path: Path) -> None:
    mask = write_mask(tmp_path / "mask.nii.gz", LEFT)
    with pytest.raises(DataError, match="at least one with rois"):
        autoseg.lesion_load(mask, [])


@pytest.mark.parametrize("name", ["load-slices.csv", "load-agreement.csv"])
def test_tables_beside_that_of_loads_replace_nobody_elses(tmp_path: Path, name: str) -> None:
    masks, roi = tmp_path / "masks", write_mask(tmp_path / "roi.nii.gz", LEFT)
    write_mask(masks / "a.nii.gz", LEFT)
    own = tmp_path / name
    own.write_text("slice,measure\n1,2\n", encoding="utf-8")
    with pytest.raises(DataError, match=f"{name}: exists and is no earlier table"):
        autoseg.lesion_load(masks, [roi], references=masks, out=tmp_path / "load.csv")
    assert own.read_text(encoding="utf-8") == "slice,measure\n1,2\n"
    assert not (tmp_path / "load.csv").exists()
    own.unlink()
    for _ in range(2):
        autoseg.lesion_load(masks, [roi], references=masks, out=tmp_path / "load.csv")
