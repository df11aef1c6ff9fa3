"""Every release of ATLAS, with the oddities that the real ones have, becomes a data set; the source stays as it is."""

from __future__ import annotations

import json

import nibabel
import numpy as np
import pytest

import autoseg
from dataset_fingerprints.layouts import read_dataset
from dataset_fingerprints.layouts.marks import says_simulated
from tests.autoseg.pipeline.atlas.imported import label_of, left_out, state_of, table_of
from tests.synthetic.atlas_trees import (
    NATIVE,
    lesion_of,
    seed_of,
    write_bids,
    write_icpsr,
    write_metadata_of_session,
    write_r20,
    write_session,
    write_xlsx,
)
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
    known = json.loads(workspace.dataset.read_text(encoding="utf-8"))["cases"]
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


def test_the_mark_of_simulated_scans_is_kept(tmp_path):
    source = write_r20(tmp_path / "src")
    made_by = [{"Name": "autoseg simulate"}]
    (source / "dataset_description.json").write_text(json.dumps({"Name": "x", "GeneratedBy": made_by}))

    imported = autoseg.import_atlas(source / "Training", tmp_path / "data")

    assert imported.simulated
    assert says_simulated(tmp_path / "data" / "dataset.json")
    assert json.loads((tmp_path / "data" / "atlas.json").read_text(encoding="utf-8"))["simulated"] is True


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
