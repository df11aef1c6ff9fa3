"""Masks of imported sessions: values, orientations, and those that are odd or missing."""

from __future__ import annotations

import nibabel
import numpy as np

import autoseg
from dataset_fingerprints.layouts import read_dataset
from tests.autoseg.pipeline.atlas.imported import Said, label_of, table_of
from tests.synthetic.atlas_trees import (
    lesion_of,
    seed_of,
    write_bids,
    write_icpsr,
    write_old,
    write_session,
)
from tests.synthetic.scans import write_nifti


def test_r11_masks_of_all_value_conventions_are_merged(tmp_path):
    sessions = ("Site1/031768/t01", "Site1/031768/t02", "Site2/031769/t01", "Site10/031768/t01")
    source = write_old(tmp_path / "ATLAS_R1.1", sessions, extra={"Site1/031768/t01": 2, "Site1/031768/t02": 1})
    head = "INDI Site ID,INDI Subject ID,Session,# Strokes LH Cortical,Stroke type,PVH,Notes"
    rows = [
        "1,31768, t01,1,Embolic,2,",
        "1,31768, t02,1,Embolic,n/a,",
        '2,31769,"t01",0,,1,"a, b"',
        "10,31768,'t01,0,,3,",
    ]
    (source / "ATLAS_Meta-Data_Release_1.1_standard_mni.csv").write_text("\n".join([head, *rows]) + "\n")

    imported = autoseg.import_atlas(source, tmp_path / "data")

    assert (imported.release, imported.space) == ("R1.1", "MNI")
    cases = table_of(tmp_path / "data")
    assert list(cases) == ["Site1_031768_t01", "Site1_031768_t02", "Site10_031768_t01", "031769_t01"]
    assert {name: (row["subject"], row["site"], row["PVH"]) for name, row in cases.items()} == {
        "Site10_031768_t01": ("Site10_031768", "Site10", "3"),
        "Site1_031768_t01": ("Site1_031768", "Site1", "2"),
        "Site1_031768_t02": ("Site1_031768", "Site1", ""),
        "031769_t01": ("031769", "Site2", "1"),
    }
    assert cases["031769_t01"]["Notes"] == "a, b"
    for session, name, extra in ((sessions[0], "Site1_031768_t01", 2), (sessions[1], "Site1_031768_t02", 1)):
        seed = seed_of(next((source / session).glob("*_t1w_*")))
        union = np.logical_or.reduce([lesion_of(seed, number=number) for number in range(extra + 1)])
        assert np.array_equal(label_of(tmp_path / "data", name), union)
    # Two visits of one patient never lie in two folds.
    assert len({case.subject for case in read_dataset(tmp_path / "data").cases}) == 3


def test_a_mask_in_another_orientation_than_its_scan_and_others_is_merged_rightly(tmp_path):
    scan = write_bids(tmp_path / "src", ("r001s001",), mask=False)[0]
    stem = scan.name.removesuffix("_T1w.nii.gz")
    seed = seed_of(scan)
    for number, code in ((0, "LAS"), (1, "PSR")):
        name = scan.with_name(f"{stem}_label-L_desc-T1lesion{number}_mask.nii.gz")
        write_session(tmp_path / "unused" / "scan.nii.gz", {name: lesion_of(seed, number=number) * 0.9999}, code=code)

    autoseg.import_atlas(tmp_path / "src", tmp_path / "data")

    assert np.array_equal(
        label_of(tmp_path / "data", "sub-r001s001_ses-1"), lesion_of(seed) | lesion_of(seed, number=1)
    )


def test_integer_masks_with_a_slope_in_the_header_count_by_their_real_values(tmp_path):
    scan = write_bids(tmp_path / "src", ("r001s001",), mask=False)[0]
    lesion = lesion_of(seed_of(scan))
    image = nibabel.Nifti1Image(lesion.astype(np.float64) * 0.9999, nibabel.load(scan).affine)
    image.header.set_data_dtype(np.uint8)  # nibabel stores 255 with a slope of 0.9999 / 255
    name = scan.name.replace("_T1w", "_label-L_desc-T1lesion_mask")
    nibabel.save(image, scan.with_name(name))
    assert nibabel.load(scan.with_name(name)).dataobj.slope != 1

    autoseg.import_atlas(tmp_path / "src", tmp_path / "data")

    assert np.array_equal(label_of(tmp_path / "data", "sub-r001s001_ses-1"), lesion)


def test_empty_masks_are_imported_and_said(tmp_path):
    said = Said()
    scans = write_bids(tmp_path / "src", [f"r001s00{number}" for number in range(1, 7)])
    for scan in scans[:5]:
        mask = next(scan.parent.glob("*_mask.nii.gz"))
        write_nifti(mask, np.zeros((24, 26, 24), np.float32), nibabel.load(scan).affine)

    imported = autoseg.import_atlas(tmp_path / "src", tmp_path / "data", progress=said)

    assert [one.lesion_voxels for one in imported.training()][:5] == [0] * 5
    assert len(imported.training()) == 6
    assert any("has an empty lesion mask" in line and "sub-r001s001_ses-1" in line for line in said.lines)


def test_voxels_of_a_mask_that_hold_no_number_are_counted_and_named(tmp_path):
    scan = write_bids(tmp_path / "src", ("r001s001",))[0]
    mask = next(scan.parent.glob("*_mask.nii.gz"))
    voxels = lesion_of(seed_of(scan)).astype(np.float32)
    voxels[0, 0, :2] = np.nan, np.inf
    write_nifti(mask, voxels, nibabel.load(scan).affine)

    imported = autoseg.import_atlas(tmp_path / "src", tmp_path / "data")

    assert imported.sessions[0].remarks == (f"{mask.name} holds 2 voxels of NaN or infinity, taken as no lesion",)
    assert np.array_equal(label_of(tmp_path / "data", "sub-r001s001_ses-1"), lesion_of(seed_of(scan)))


def test_a_session_whose_main_mask_is_missing_is_named(tmp_path):
    said = Said()
    source = write_icpsr(tmp_path / "R1.2", ("c0003s0008t01",), extra={"c0003s0008t01": 1})
    next(source.rglob("*_LesionSmooth_stx.nii.gz")).unlink()

    imported = autoseg.import_atlas(source, tmp_path / "data", progress=said)

    assert "the main one, without a number" in imported.sessions[0].remarks[0]
    assert any(line.startswith("c0003s0008t01: of its lesion masks, this is not there") for line in said.lines)
