"""The model as a BIDS app: participants, and a derivative."""

from __future__ import annotations

import json
from pathlib import Path

import nibabel
import pytest

from autoseg.pipeline.predictions.bids_app import check_level, choose_participants
from dataset_fingerprints.errors import DataError
from tests.synthetic.commands import run
from tests.synthetic.scans import head, write_nifti
from tests.synthetic.tiny import SHAPE


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    root = tmp_path / "data"
    for number, subject in enumerate(("01", "02", "03")):
        write_nifti(root / f"sub-{subject}" / "anat" / f"sub-{subject}_T1w.nii.gz", head(number, SHAPE)[0])
    (root / "dataset_description.json").write_text('{"Name": "test", "BIDSVersion": "1.9.0"}')
    return root


def masks_in(out: Path) -> list[str]:
    return sorted(path.name for path in (out / "autoseg").rglob("*_mask.nii.gz"))


def test_the_participants_that_are_asked_for_become_a_derivative(
    tree: Path, bundle: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out = tmp_path / "out"
    asked = ("--participant_label", "01", "sub-03", "--skip_bids_validator")
    assert run(monkeypatch, "bids-app", "--model", bundle, tree, out, "participant", *asked) == 0
    assert masks_in(out) == ["sub-01_space-orig_label-dark_mask.nii.gz", "sub-03_space-orig_label-dark_mask.nii.gz"]
    described = json.loads((out / "autoseg" / "dataset_description.json").read_text(encoding="utf-8"))
    assert (described["DatasetType"], described["GeneratedBy"][0]["Name"]) == ("derivative", "autoseg")
    mask = nibabel.load(next((out / "autoseg").rglob("sub-01*_mask.nii.gz")))
    assert mask.shape == SHAPE
    # All that is written lies in the folder that was given: in a container, nothing else can be written to.
    assert sorted(path.name for path in out.iterdir()) == ["autoseg", "autoseg-report"]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["data", "out"]


def test_without_a_label_all_are_segmented_and_those_that_are_done_stay(
    tree: Path, bundle: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out = tmp_path / "out"
    words = ("bids-app", tree, out, "participant", "-m", bundle)
    assert run(monkeypatch, *words, "--participant-label", "02") == 0
    before = next((out / "autoseg").rglob("*_mask.nii.gz")).stat().st_mtime_ns
    assert run(monkeypatch, *words) == 0
    assert len(masks_in(out)) == 3
    assert next((out / "autoseg").rglob("sub-02*_mask.nii.gz")).stat().st_mtime_ns == before


def test_what_is_not_there_is_named(tree: Path, tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"has no participant 04\. .*--participant-label"):
        choose_participants(tree, ["sub-01", "04"])
    with pytest.raises(DataError, match="is not a BIDS data set"):
        choose_participants(tmp_path / "data" / "sub-01" / "nothing", [])
    with pytest.raises(DataError, match="level of analysis is 'group'"):
        check_level("group")


def test_participants_are_found_below_folders_of_cohorts(
    tmp_path: Path, bundle: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    root = tmp_path / "data"
    folders = [root / "Training" / "R001" / "sub-r001s005", root / "Testing" / "R002" / "sub-r002s006"]
    derived = root / "derivatives" / "other"
    for number, folder in enumerate((*folders, derived / "sub-r001s005", derived / "sub-x")):
        write_nifti(folder / "ses-1" / "anat" / f"{folder.name}_ses-1_T1w.nii.gz", head(number, SHAPE)[0])
    assert choose_participants(root, ["r001s005", "sub-r002s006", "sub-r001s005"]) == tuple(folders)
    assert choose_participants(root, ["x"]) == (derived / "sub-x",)
    assert choose_participants(root, []) == (root,)
    with pytest.raises(DataError, match=r"has no participant r001s006\. Did you mean 'r00"):
        choose_participants(root, ["r001s006"])
    out = tmp_path / "out"
    asked = ("participant", "-m", bundle, "--participant-label", "r001s005")
    assert run(monkeypatch, "bids-app", root, out, *asked) == 0
    assert masks_in(out) == ["sub-r001s005_ses-1_space-orig_label-dark_mask.nii.gz"]


def test_masks_of_some_participants_do_not_go_among_the_data_either(
    tree: Path, bundle: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    asked = ("participant", "-m", bundle, "--participant-label", "01")
    assert run(monkeypatch, "bids-app", tree, tree / "out", *asked) == 2
    assert not (tree / "out").exists()
    said = " ".join(capsys.readouterr().err.split())
    assert "lies in the data set" in said
    assert run(monkeypatch, "bids-app", tree, tree / "derivatives", *asked) == 0
    assert masks_in(tree / "derivatives") == ["sub-01_space-orig_label-dark_mask.nii.gz"]
