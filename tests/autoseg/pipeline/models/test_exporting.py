"""Trained folds in one file, which predicts without the workspace."""

from __future__ import annotations

import re
import shutil
import zipfile
from dataclasses import replace
from pathlib import Path
from typing import Any

import nibabel
import numpy as np
import pytest

import autoseg
from autoseg.models import Bundle, Cover, write_bundle
from autoseg.pipeline.models.sources import find_source
from autoseg.progress import SilentProgress
from autoseg.training.record import read_record
from dataset_fingerprints.errors import AutosegError, DataError
from dataset_fingerprints.files.jsonfiles import write_json
from tests.synthetic.commands import run
from tests.synthetic.scans import head, write_nifti
from tests.synthetic.tiny import CONFIGURATION, SHAPE, Tiny


@pytest.fixture(scope="module")
def bundle(finished: Tiny, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("export") / "model.zip"
    return autoseg.export(finished.workspace, path, licence="CC0-1.0", intended_use="Tests.")


@pytest.fixture
def scan(tmp_path: Path) -> Path:
    path = tmp_path / "scans" / "new.nii.gz"
    write_nifti(path, head(77, SHAPE)[0])
    return path


def test_a_bundle_makes_the_masks_of_its_workspace_without_it(
    finished: Tiny, bundle: Path, scan: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    alone = tmp_path / "elsewhere"
    alone.mkdir()
    shutil.copy(bundle, alone / "copied.zip")
    monkeypatch.chdir(alone)
    assert run(monkeypatch, "predict", scan, "-o", "masks", "-m", "copied.zip") == 0
    autoseg.predict(scan, tmp_path / "known", finished.workspace)
    made, known = (nibabel.load(folder / "new.nii.gz") for folder in (alone / "masks", tmp_path / "known"))
    assert np.array_equal(np.asanyarray(made.dataobj), np.asanyarray(known.dataobj))
    assert (alone / "masks-report" / "predictions.csv").is_file()


def test_the_public_function_loads_it(finished: Tiny, bundle: Path, scan: Path) -> None:
    mine, theirs = (autoseg.load_model(place).predict(scan) for place in (bundle, finished.workspace))
    assert np.array_equal(mine.labels, theirs.labels)
    assert np.array_equal(mine.probability("dark"), theirs.probability("dark"))
    assert mine.unlike == theirs.unlike


def test_a_loaded_model_shows_itself_in_a_line(bundle: Path) -> None:
    assert repr(autoseg.load_model(bundle)).startswith("<model of dark on T1w: 1 fold")


def test_a_fold_is_a_model_too(finished: Tiny, scan: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert run(monkeypatch, "predict", scan, "-o", tmp_path / "masks", "-m", finished.fold(0).root) == 0
    assert (tmp_path / "masks" / "new.nii.gz").is_file()


def test_it_warns_of_few_steps_and_of_scans_that_it_was_trained_on(
    finished: Tiny, bundle: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(monkeypatch, "predict", finished.scan("case_1"), "-o", tmp_path / "masks", "-m", bundle) == 0
    said = " ".join(capsys.readouterr().out.split())
    assert f"was trained for few steps only ({CONFIGURATION}, fold 0: 2 steps)" in said
    assert "1 scan is a case of the data set that the model was trained on" in said


def test_the_card_says_what_it_is(bundle: Path) -> None:
    with zipfile.ZipFile(bundle) as opened:
        card = opened.read("README.md").decode()
    for said in (
        "0 background, 1 dark",
        "T1w",
        "5 cases",
        "CC0-1.0",
        "Tests.",
        f"{CONFIGURATION}, fold 0 | dark | 1 |",
    ):
        assert said in card
    assert "2 steps" in card


def test_a_fold_that_is_being_trained_further_has_no_number_of_steps(tiny: Tiny, tmp_path: Path) -> None:
    record = read_record(tiny.fold(0))
    assert record is not None
    write_json(tiny.fold(0).record, replace(record, status="training", iterations=0))
    path = autoseg.export(tiny.workspace, tmp_path / "model.zip")
    assert [fold.iterations for fold in Bundle(path).description.folds] == [None]
    with zipfile.ZipFile(path) as opened:
        assert "0 steps" not in opened.read("README.md").decode()


def test_nobody_elses_file_is_replaced(finished: Tiny, bundle: Path, tmp_path: Path) -> None:
    text, other = tmp_path / "notes.zip", tmp_path / "photos.zip"
    text.write_text("mine")
    with zipfile.ZipFile(other, "w") as opened:
        opened.writestr("a.txt", "mine")
    for path in (text, other):
        before = path.read_bytes()
        with pytest.raises(DataError, match="exists and is not an exported model"):
            autoseg.export(finished.workspace, path)
        assert path.read_bytes() == before
    shutil.copy(bundle, tmp_path / "model.zip")
    autoseg.export(finished.workspace, tmp_path / "model.zip", name="again")
    assert Bundle(tmp_path / "model.zip").description.name == "again"


class Listening(SilentProgress):
    """Keeps what is said."""

    def __init__(self) -> None:
        self.said: list[str] = []

    def say(self, message: str) -> None:
        self.said.append(message)


def test_what_is_replaced_is_named_with_what_it_had(finished: Tiny, tmp_path: Path) -> None:
    out = tmp_path / "model.zip"
    autoseg.export(finished.workspace, out, name="stroke", progress=(listening := Listening()))
    assert not any("Replaces" in sentence for sentence in listening.said)
    model = find_source(finished.workspace).read()
    network = [("3d_fullres/0/network-1.onnx", b"network")]
    write_bundle(out, model, Cover(name="stroke", licence="CC0-1.0", card=""), {}, network)
    autoseg.export(finished.workspace, out, progress=(listening := Listening()))
    said = f"Replaces {out}: the model stroke had the licence 'CC0-1.0' and ONNX networks, which the new one"
    said += " does not have."
    assert said in listening.said
    autoseg.export(finished.workspace, out, progress=(listening := Listening()))
    assert f"Replaces {out}: the model raw." in listening.said


@pytest.mark.parametrize(
    ("out", "message"),
    [
        ("folder.zip", "is a folder"),
        ("model", "model: is not called .zip, which a model is. Name a file for it with "),
        ("scan.nii.gz", "scan.nii.gz: is a scan or another file. Name a file for it with "),
    ],
)
def test_places_that_are_none_are_refused(finished: Tiny, tmp_path: Path, out: str, message: str) -> None:
    (tmp_path / "folder.zip").mkdir()
    with pytest.raises(DataError, match=re.escape(message)):
        autoseg.export(finished.workspace, tmp_path / out)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["folder.zip"]


def test_a_workspace_keeps_its_folders_for_itself(tiny: Tiny) -> None:
    with pytest.raises(DataError, match="where a workspace keeps its own files"):
        autoseg.export(tiny.workspace, tiny.workspace.root / "models" / "model.zip")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"configurations": ["2d"]}, "is one model. Plan, configuration and folds are chosen of a workspace"),
        ({"workspace": "ws"}, "Name one of them"),
    ],
)
def test_options_of_workspaces_do_not_go_with_it(
    bundle: Path, scan: Path, tmp_path: Path, options: dict[str, Any], message: str
) -> None:
    with pytest.raises(AutosegError, match=message):
        autoseg.predict(scan, tmp_path / "masks", model=bundle, **options)
    assert not (tmp_path / "masks").exists()


def test_a_file_that_is_no_model_is_named(scan: Path, tmp_path: Path) -> None:
    with pytest.raises(AutosegError, match="cannot be read as a model"):
        autoseg.predict(scan, tmp_path / "masks", model=scan)
    with pytest.raises(AutosegError, match="does not exist"):
        autoseg.predict(scan, tmp_path / "masks", model=tmp_path / "nothing.zip")
