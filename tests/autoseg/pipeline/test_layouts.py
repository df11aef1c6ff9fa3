"""One layout for all commands: cases have one name in training, prediction and evaluation."""

from __future__ import annotations

from pathlib import Path

import nibabel
import numpy as np
import pytest

from autoseg.pipeline.faces import face, model_face
from autoseg.progress import SilentProgress
from autoseg.workspace.workspace import Workspace
from dataset_fingerprints.dataset import Dataset
from dataset_fingerprints.errors import DataError
from dataset_fingerprints.files.jsonfiles import read_json
from dataset_fingerprints.fingerprint import DatasetFingerprint
from tests.synthetic.commands import run
from tests.synthetic.tiny import CONFIGURATION, QUICK
from tests.synthetic.trees import bids, people, write_tree

SUBJECTS = ("sub-01", "sub-02", "sub-03", "sub-04")
NEW = ("sub-21", "sub-22")
EDGES = (10, 10, 10)


class Said(SilentProgress):
    """What a person would read."""

    def __init__(self) -> None:
        self.lines: list[str] = []

    def say(self, message: str) -> None:
        self.lines.append(message)


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A BIDS tree `data` of two channels and sites, a fold of it trained in `ws`, and a tree `new` of others."""
    root = tmp_path_factory.mktemp("layouts")
    names = ("T1w", "FLAIR")
    write_tree(root / "data", *bids(SUBJECTS, *names, session="ses-1"), shape=EDGES)
    manual = bids(SUBJECTS, "label-L_mask", session="ses-1")
    write_tree(root / "data" / "derivatives" / "manual", *manual, shape=EDGES)
    people(root / "data", "participant_id site age\nsub-01 Rome 61\nsub-02 Rome 62\nsub-03 Oslo 63\nsub-04 Oslo 64")
    write_tree(root / "new", *bids(NEW, *names), *bids(NEW[:1], "label-L_mask"), shape=EDGES)
    workspace = face.plan_and_preprocess(
        root / "data", workspace=root / "ws", configurations=(CONFIGURATION,), assignments=QUICK
    )
    face.train(workspace, 0, configuration=CONFIGURATION)
    return root


def predict(root: Path, scans: Path, out: Path, **options: object) -> list[str]:
    options = {"bids": False, **options}
    masks = model_face.predict(scans, out, root / "ws", configurations=(CONFIGURATION,), **options)  # type: ignore[arg-type]
    return sorted(path.name.removesuffix(".nii.gz") for path in masks)


def test_a_workspace_knows_patients_sites_and_all_columns_of_the_tree(root: Path) -> None:
    workspace = Workspace(root=root / "ws")
    dataset = read_json(workspace.dataset, Dataset)
    assert [(case.name, case.subject, case.site, dict(case.others)) for case in dataset.cases[:1]] == [
        ("sub-01_ses-1", "sub-01", "Rome", {"age": "61"})
    ]
    assert sorted(site.name for site in read_json(workspace.fingerprint, DatasetFingerprint).sites) == ["Oslo", "Rome"]


def test_new_scans_of_a_tree_are_predicted_and_scored_by_their_cases(root: Path, tmp_path: Path) -> None:
    assert predict(root, root / "new", tmp_path / "masks") == list(NEW)
    evaluation = face.evaluate(tmp_path / "masks", root / "new", out=tmp_path / "metrics.json")
    assert [case.case for case in evaluation.cases] == ["sub-21"]
    assert evaluation.unpaired.without_reference == ("sub-22",)
    with pytest.raises(DataError, match="has no reference for case sub-22"):
        face.evaluate(tmp_path / "masks", root / "new", strict=True)


def test_a_table_of_the_same_scans_gives_the_same_masks(root: Path, tmp_path: Path) -> None:
    lines = ["name;flair;t1", *(f"{name};anat/{name}_FLAIR.nii.gz;anat/{name}_T1w.nii.gz" for name in NEW)]
    text = "\n".join(lines).replace("anat/", "sub-2x/anat/")
    for name in NEW:
        text = text.replace(f"sub-2x/anat/{name}", f"{root}/new/{name}/anat/{name}")
    (tmp_path / "new.csv").write_text(text)
    predict(root, root / "new", tmp_path / "tree")
    assert predict(root, tmp_path / "new.csv", tmp_path / "table") == list(NEW)
    for name in NEW:
        table, tree = (nibabel.load(tmp_path / side / f"{name}.nii.gz") for side in ("table", "tree"))
        assert np.array_equal(np.asanyarray(table.dataobj), np.asanyarray(tree.dataobj))
        assert np.array_equal(table.affine, tree.affine)


def test_cases_of_the_training_are_predicted_with_a_word_about_it_but_not_among_them(
    root: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    said = Said()
    with pytest.raises(DataError, match=r"lies in the data set .*derivatives"):
        predict(root, root / "data", root / "data" / "masks")
    assert not (root / "data" / "masks").exists()
    names = predict(root, root / "data", root / "data" / "derivatives" / "autoseg", progress=said, bids=True)
    assert names == [f"{subject}_ses-1_space-orig_label-L_mask" for subject in SUBJECTS]
    assert any(
        line.startswith("4 scans are cases of the data set that the model was trained on") for line in said.lines
    )
    evaluation = face.evaluate(root / "data" / "derivatives" / "autoseg", root / "data")
    assert [case.case for case in evaluation.cases] == [f"{subject}_ses-1" for subject in SUBJECTS]
    assert "4 masks are of scans that are cases of the data set that the model was trained on" in caplog.text
    caplog.clear()
    predict(root, root / "new", tmp_path / "masks")
    face.evaluate(tmp_path / "masks", root / "new")
    assert "trained on" not in caplog.text


def test_a_channel_that_the_tree_lacks_is_named(root: Path, tmp_path: Path) -> None:
    write_tree(tmp_path / "t1", *bids(NEW, "T1w"), shape=EDGES)
    with pytest.raises(DataError, match=r"2 scans lack channels: sub-21 \(FLAIR\)"):
        predict(root, tmp_path / "t1", tmp_path / "masks")
    assert predict(root, tmp_path / "t1", tmp_path / "masks", zero_missing=True) == list(NEW)


def test_the_command_line_lists_what_is_not_scored(
    root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    predict(root, root / "new", tmp_path / "masks")
    arguments = ["evaluate", tmp_path / "masks", root / "new", "-o", tmp_path / "metrics.json"]
    assert run(monkeypatch, *arguments) == 0
    assert "1 mask has no reference and is not scored: sub-22." in capsys.readouterr().out
    assert run(monkeypatch, *arguments, "--strict") == 2
    assert "has no reference for case sub-22" in capsys.readouterr().err


def test_the_command_line_chooses_channels_and_label_maps(
    root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    write_tree(tmp_path, *bids(SUBJECTS, "acq-a_T1w", "acq-b_T1w", "desc-x_mask", "desc-y_mask"), shape=EDGES)
    assert run(monkeypatch, "check", tmp_path) == 2
    assert "--mask desc-x_mask" in capsys.readouterr().err
    assert run(monkeypatch, "check", tmp_path, "--mask", "desc-x") == 2
    assert "--channel acq-b_T1w" in capsys.readouterr().err
    assert run(monkeypatch, "check", tmp_path, "--mask", "desc-x", "--channel", "acq-b_T1w") == 0
    assert "acq-b_T1w.nii.gz with sub-01/anat/sub-01_desc-x_mask.nii.gz, 4 cases, 1 channel" in capsys.readouterr().out
