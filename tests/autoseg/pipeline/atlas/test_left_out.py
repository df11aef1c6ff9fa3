"""What an import leaves out, and how it says so."""

from __future__ import annotations

import shutil
from pathlib import Path

import nibabel
import numpy as np
import pytest

import autoseg
from autoseg.simulate import SimulationOptions, simulate_dataset
from dataset_fingerprints.errors import PartlyDoneError
from dataset_fingerprints.layouts import read_dataset
from tests.autoseg.pipeline.atlas.imported import Said, left_out, state_of
from tests.synthetic.atlas_trees import (
    MNI,
    NATIVE,
    write_bids,
    write_icpsr,
    write_old,
    write_r20,
)
from tests.synthetic.scans import write_nifti


def test_rows_without_a_scan_are_left_out_by_name_unless_their_table_lies_above(tmp_path):
    source = write_bids(tmp_path / "src", ("r001s001",))[0].parents[4]
    (source.parent / "x.csv").write_text("Subject ID,Session\nsub-r001s001,ses-1\nsub-r555s001,ses-1\n")

    autoseg.import_atlas(source.parent, tmp_path / "data")
    autoseg.import_atlas(source, tmp_path / "part")

    assert left_out(tmp_path / "data") == {"x.csv: sub-r555s001 ses-1": "a row without a scan"}
    assert left_out(tmp_path / "part") == {}


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


def test_a_case_with_copies_is_kept_as_long_as_they_are_copies(tmp_path):
    scans = write_bids(tmp_path / "src", ("r001s001", "r001s002"))
    copied = shutil.copytree(scans[0].parents[2], tmp_path / "src" / "again" / scans[0].parents[2].name)
    autoseg.import_atlas(tmp_path / "src", tmp_path / "data")
    before, said = state_of(tmp_path / "data" / "labelsTr"), Said()

    autoseg.import_atlas(tmp_path / "src", tmp_path / "data", progress=said)

    assert "2 of 2 sessions imported before, and kept as before." in said.lines
    assert state_of(tmp_path / "data" / "labelsTr") == before
    other = next(Path(copied).rglob("*_T1w.nii.gz"))
    write_nifti(other, np.ones((24, 26, 24), np.float32), nibabel.load(scans[0]).affine)
    with pytest.raises(PartlyDoneError, match=r"sub-r001s001_ses-1: .*several scans of one session differ"):
        autoseg.import_atlas(tmp_path / "src", tmp_path / "data")


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
