"""Every release of ATLAS, with the oddities that the real ones have, becomes a data set; the source stays as it is."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import nibabel
import numpy as np
import pytest

import autoseg
from autoseg.simulate import SimulationOptions, simulate_dataset
from dataset_fingerprints.errors import PartlyDoneError
from dataset_fingerprints.layouts import read_dataset
from dataset_fingerprints.layouts.marks import says_simulated
from tests.autoseg.pipeline.atlas.imported import Said, label_of, left_out, state_of, table_of
from tests.synthetic.atlas_trees import (
    MNI,
    NATIVE,
    lesion_of,
    seed_of,
    write_bids,
    write_icpsr,
    write_metadata_of_session,
    write_old,
    write_r20,
    write_session,
    write_xlsx,
)
from tests.synthetic.scans import write_nifti
from tests.synthetic.tiny import CONFIGURATION, QUICK


def test_r20_is_imported_and_planned_and_its_source_stays_as_it_is(tmp_path):
    source, out = write_r20(tmp_path / "ATLAS_2"), tmp_path / "data"
    before = state_of(source)

    imported = autoseg.import_atlas(source, out)
    workspace = autoseg.plan_and_preprocess(
        out, workspace=tmp_path / "ws", configurations=(CONFIGURATION,), assignments=QUICK
    )

    assert state_of(source) == before
    assert (imported.release, imported.space, imported.simulated) == ("R2.0", "MNI", False)
    assert [one.case for one in imported.held_out()] == ["sub-r005s001_ses-1"]
    assert not (out / "labelsTs").exists()
    assert (out / "imagesTr" / "sub-r001s001_ses-1_0000.nii.gz").is_symlink()
    known = json.loads(workspace.dataset.read_text())["cases"]
    assert [(one["subject"], one["session"], one["site"]) for one in known][3:] == [
        ("sub-r004s003", "ses-1", "R004"),
        ("sub-r004s004", "ses-1", "R004"),
    ]
    assert left_out(out) == {"MNI152NLin2009aSym.nii.gz": "neither a T1w scan nor a lesion mask of ATLAS"}


@pytest.mark.parametrize("inside", ["..", ".", "Training", "Training/R001", "Training/R001/sub-r001s001/ses-1/anat"])
def test_a_folder_above_or_below_is_as_good(tmp_path, inside):
    write_r20(tmp_path / "above" / "ATLAS_2")

    imported = autoseg.import_atlas(tmp_path / "above" / "ATLAS_2" / inside, tmp_path / "data")

    assert imported.sessions[0].case == "sub-r001s001_ses-1"
    assert imported.sessions[0].site == "R001"
    assert imported.release == "R2.0"


def test_the_folder_of_test_cases_alone_is_held_out(tmp_path):
    imported = autoseg.import_atlas(write_r20(tmp_path / "ATLAS_2") / "Testing", tmp_path / "data")

    assert [one.case for one in imported.held_out()] == ["sub-r005s001_ses-1"]
    assert imported.training() == ()


def test_test_cases_with_masks_keep_them_apart(tmp_path):
    write_bids(tmp_path / "data" / "train" / "derivatives" / "ATLAS", ("r001s001",), cohort="")
    write_bids(tmp_path / "data" / "test" / "derivatives" / "ATLAS", ("r002s001",), cohort="")

    imported = autoseg.import_atlas(tmp_path / "data", tmp_path / "out")

    assert [one.case for one in imported.training()] == ["sub-r001s001_ses-1"]
    assert label_of(tmp_path / "out", "sub-r002s001_ses-1", "labelsTs").sum() > 0


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


def test_r12_reads_its_spreadsheet_above_the_scans(tmp_path):
    source = write_icpsr(
        tmp_path / "R1.2", ("c0003s0008t01", "c0003s0008t02", "c0004s0001t01"), extra={"c0003s0008t01": 1}
    )
    write_xlsx(
        source / "20171106_ATLAS_Meta-Data_Release_1.1_Updated.xlsx",
        [
            ["ATLAS R1.2"],
            ["Subject ID", "Vascular territory", "PVH"],
            ["c0003s0008t01", "MCA", 2.0],
            ["c0003s0008t02", "MCA", None],
        ],
    )

    imported = autoseg.import_atlas(source / "standard_MNI", tmp_path / "data")

    assert imported.release == "R1.2"
    cases = table_of(tmp_path / "data")
    assert {
        name: (row["subject"], row["session"], row["site"], row["Vascular territory"], row["PVH"])
        for name, row in cases.items()
    } == {
        "c0003s0008t01": ("c0003s0008", "t01", "c0003", "MCA", "2"),
        "c0003s0008t02": ("c0003s0008", "t02", "c0003", "MCA", ""),
        "c0004s0001t01": ("c0004s0001", "t01", "c0004", "", ""),
    }


def test_the_spreadsheet_of_r20_names_the_cohort_in_a_later_column(tmp_path):
    write_bids(tmp_path / "ATLAS_2", ("r001s001", "r002s001"))
    columns = ["Subject ID", "Session", *(f"column {number}" for number in range(2, 23)), "Cohort folder"]
    rows = [[f"sub-{name}", 1, *["x"] * 21, name[:4].upper()] for name in ("r001s001", "r002s001")]
    write_xlsx(tmp_path / "ATLAS_2" / "20220425_ATLAS_2.0_MetaData.xlsx", [columns, *rows])

    autoseg.import_atlas(tmp_path / "ATLAS_2", tmp_path / "data")

    assert [(row["site"], row["column 2"]) for row in table_of(tmp_path / "data").values()] == [
        ("R001", "x"),
        ("R002", "x"),
    ]


def test_native_releases_keep_days_and_chronicity_but_no_placeholders(tmp_path):
    names = [f"r{number:03d}s001" for number in (1, 2, 49, 50, 3, 4, 5)]
    scans = write_bids(tmp_path / "src", names, cohort="ATLAS3_Training_Raw", space=NATIVE)
    facts = [("470", "1"), ("20", "0"), ("0", ""), ("-4", "nan"), ("n/a", "1"), ("12", "1")]
    for scan, (days, chronicity) in zip(scans, facts, strict=False):  # the last one has no table
        write_metadata_of_session(scan, days, chronicity)

    imported = autoseg.import_atlas(tmp_path / "src", tmp_path / "data")

    assert (imported.release, imported.space) == ("R3.0", "native")
    found = {one.case[4:8]: (one.days_post_stroke, one.chronicity) for one in imported.sessions}
    assert found == {
        "r001": (470.0, "chronic"),
        "r002": (20.0, "early"),
        "r049": (None, ""),
        "r050": (None, ""),
        "r003": (None, "chronic"),
        "r004": (12.0, "early"),
        "r005": (None, ""),
    }
    remarks = {one.case[4:8]: " ".join(one.table_remarks) for one in imported.sessions}
    assert "0, a placeholder" in remarks["r049"]
    assert "-4, a placeholder" in remarks["r050"]
    assert "CHRONICITY is 1 at 12 days" in remarks["r004"]
    case = next(case for case in read_dataset(tmp_path / "data").cases if case.name == "sub-r001s001_ses-1")
    assert (case.others["days_post_stroke"], case.others["chronicity"]) == ("470", "chronic")


def test_training_raw_is_r21_and_all_orientations_keep_their_place(tmp_path):
    for name, code in (("r001s001", "LAS"), ("r001s002", "RAS"), ("r001s003", "PSR"), ("r001s004", "PSL")):
        write_bids(tmp_path / "src", (name,), cohort="Training_Raw", space=NATIVE, code=code)

    imported = autoseg.import_atlas(tmp_path / "src", tmp_path / "data")

    assert imported.release == "R2.1"
    for one in imported.sessions:
        stored = nibabel.load(tmp_path / "data" / "labelsTr" / f"{one.case}.nii.gz")
        scan = nibabel.load(tmp_path / "src" / one.scan.path)
        assert np.allclose(stored.affine, scan.affine)
        seed = seed_of(tmp_path / "src" / one.scan.path)
        assert np.array_equal(label_of(tmp_path / "data", one.case), lesion_of(seed))


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


def test_rows_without_a_scan_are_left_out_by_name_unless_their_table_lies_above(tmp_path):
    source = write_bids(tmp_path / "src", ("r001s001",))[0].parents[4]
    (source.parent / "x.csv").write_text("Subject ID,Session\nsub-r001s001,ses-1\nsub-r555s001,ses-1\n")

    autoseg.import_atlas(source.parent, tmp_path / "data")
    autoseg.import_atlas(source, tmp_path / "part")

    assert left_out(tmp_path / "data") == {"x.csv: sub-r555s001 ses-1": "a row without a scan"}
    assert left_out(tmp_path / "part") == {}


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


def test_a_scan_without_its_mask_is_held_out_and_a_mask_without_its_scan_left_out(tmp_path):
    said = Said()
    scans = write_bids(tmp_path / "src", ("r001s001", "r001s002", "r001s003"))
    next(scans[0].parent.glob("*_mask.nii.gz")).unlink()
    scans[1].unlink()

    imported = autoseg.import_atlas(tmp_path / "src", tmp_path / "data", progress=said)

    assert [one.case for one in imported.held_out()] == ["sub-r001s001_ses-1"]
    assert [one.case for one in imported.training()] == ["sub-r001s003_ses-1"]
    assert "has no lesion mask: in imagesTs" in " ".join(said.lines)
    assert list(left_out(tmp_path / "data").values()) == ["a lesion mask without a scan of its session"]


def test_copies_count_once_and_contradictions_are_refused_by_name(tmp_path):
    scans = write_bids(tmp_path / "src", ("r001s001", "r001s002", "r001s003"))
    again = tmp_path / "src" / "again"
    for scan in scans[:2]:
        shutil.copytree(scan.parents[2], again / scan.parents[2].name)
    other = next((again / "sub-r001s002").rglob("*_mask.nii.gz"))
    write_nifti(other, np.ones((24, 26, 24), np.uint8), nibabel.load(scans[1]).affine)

    with pytest.raises(PartlyDoneError, match=r"sub-r001s002_ses-1: .*two masks of one name differ") as caught:
        autoseg.import_atlas(tmp_path / "src", tmp_path / "data")

    assert [one.case for one in caught.value.result.training()] == ["sub-r001s001_ses-1", "sub-r001s003_ses-1"]
    assert "is a copy of" in " ".join(caught.value.result.sessions[0].remarks)
    assert [case.name for case in read_dataset(tmp_path / "data").cases] == ["sub-r001s001_ses-1", "sub-r001s003_ses-1"]
    assert "two masks of one name differ" in left_out(tmp_path / "data")["sub-r001s002_ses-1"]


def test_sessions_that_cannot_be_meant_are_refused_by_name_and_the_others_are_imported(tmp_path):
    scans = write_bids(tmp_path / "src", ("r001s001", "r001s002", "r001s003", "r001s004"))
    masks = [next(scan.parent.glob("*_mask.nii.gz")) for scan in scans]
    affine = nibabel.load(scans[0]).affine
    masks[0].write_bytes(masks[0].read_bytes()[:60])
    write_nifti(masks[1], np.ones((10, 10, 10), np.uint8), affine)
    write_nifti(masks[2], np.arange(24 * 26 * 24).reshape(24, 26, 24).astype(np.int16) % 3, affine)

    with pytest.raises(PartlyDoneError, match="3 sessions of 4 could not be imported") as caught:
        autoseg.import_atlas(tmp_path / "src", tmp_path / "data")

    for words in ("truncated", "has 10x10x10 voxels, but the scan has 24x26x24", "holds the labels 1, 2"):
        assert words in str(caught.value)
    assert [case.name for case in read_dataset(tmp_path / "data").cases] == ["sub-r001s004_ses-1"]


def test_stray_files_are_left_out_and_listed(tmp_path):
    source = write_r20(tmp_path / "src")
    anat = source / "Training" / "R001" / "sub-r001s001" / "ses-1" / "anat"
    affine = nibabel.load(next(anat.glob("*_T1w.nii.gz"))).affine
    write_nifti(anat / f"sub-r001s001_ses-1_{MNI}_desc-brain_mask.nii.gz", np.ones((24, 26, 24), np.uint8), affine)
    write_nifti(anat / "sub-r001s001_ses-1_FLAIR.nii.gz", np.ones((4, 4, 4), np.float32))
    (source / "readme.txt").write_text("hello")
    (source / "shopping.csv").write_text("what,how many\nmilk,2\n")
    (source / ".DS_Store").write_text("x")
    (source / "__MACOSX").mkdir()
    (source / "__MACOSX" / "._sub-r009s001_ses-1_T1w.nii.gz").write_text("x")

    imported = autoseg.import_atlas(source, tmp_path / "data")

    assert {Path(path).name: why for path, why in left_out(tmp_path / "data").items()} == {
        "MNI152NLin2009aSym.nii.gz": "neither a T1w scan nor a lesion mask of ATLAS",
        f"sub-r001s001_ses-1_{MNI}_desc-brain_mask.nii.gz": "neither a T1w scan nor a lesion mask of ATLAS",
        "sub-r001s001_ses-1_FLAIR.nii.gz": "neither a T1w scan nor a lesion mask of ATLAS",
        "readme.txt": "not an image, and not a table",
        "shopping.csv": "a table without a column of subjects",
    }
    assert len(imported.training()) == 5


def test_all_files_of_a_simulated_tree_are_known(tmp_path):
    simulate_dataset(tmp_path / "src", SimulationOptions(layout="bids", cases=2, held_out_cases=1, spacing_mm=6))
    assert (tmp_path / "src" / "participants.json").is_file()

    imported = autoseg.import_atlas(tmp_path / "src", tmp_path / "data")

    assert len(imported.sessions) == 3
    assert left_out(tmp_path / "data") == {}


@pytest.mark.parametrize(
    "write",
    [
        lambda folder: write_old(folder, ("Site1/031768/t01",)),
        lambda folder: write_icpsr(folder, ("c0003s0008t01",)),
        lambda folder: write_bids(folder, ("r001s001",)),
        lambda folder: write_bids(folder, ("r001s001",), cohort="Training_Raw", space=NATIVE),
        lambda folder: write_bids(folder, ("r001s001",), cohort="ATLAS3_Training_Raw", space=NATIVE),
    ],
)
def test_descriptions_of_files_beside_them_are_known_and_others_are_not(tmp_path, write):
    write(tmp_path / "src")
    scan = next(path for path in (tmp_path / "src").rglob("*.nii.gz") if "lesion" not in path.name.lower())
    scan.with_name(scan.name.replace(".nii.gz", ".json")).write_text("{}")
    (tmp_path / "src" / "settings.json").write_text("{}")

    autoseg.import_atlas(tmp_path / "src", tmp_path / "data")

    assert left_out(tmp_path / "data") == {"settings.json": "not an image, and not a table"}


def test_the_mark_of_simulated_scans_is_kept(tmp_path):
    source = write_r20(tmp_path / "src")
    made_by = [{"Name": "autoseg simulate"}]
    (source / "dataset_description.json").write_text(json.dumps({"Name": "x", "GeneratedBy": made_by}))

    imported = autoseg.import_atlas(source / "Training", tmp_path / "data")

    assert imported.simulated
    assert says_simulated(tmp_path / "data" / "dataset.json")
    assert json.loads((tmp_path / "data" / "atlas.json").read_text())["simulated"] is True


def test_sites_and_further_columns_come_from_participants(tmp_path):
    for name in ("sub-01", "sub-02"):
        folder = tmp_path / "src" / name / "ses-1" / "anat"
        scan = folder / f"{name}_ses-1_T1w.nii.gz"
        mask = (
            tmp_path / "src" / "derivatives" / "manual" / name / "ses-1" / "anat" / f"{name}_ses-1_label-L_mask.nii.gz"
        )
        write_session(scan, {mask: lesion_of(seed_of(scan)).astype(np.uint8)})
    (tmp_path / "src" / "participants.tsv").write_text(
        "participant_id\tsite\tage\nsub-01\tRome\t61\nsub-02\tOslo\tn/a\n"
    )

    autoseg.import_atlas(tmp_path / "src", tmp_path / "data")

    assert {name: (row["site"], row["age"]) for name, row in table_of(tmp_path / "data").items()} == {
        "sub-01_ses-1": ("Rome", "61"),
        "sub-02_ses-1": ("Oslo", ""),
    }
