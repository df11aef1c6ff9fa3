"""Workspaces and folders that several modules of tests look at."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

import autoseg
from dataset_fingerprints.files.jsonfiles import write_json
from tests.autoseg.pipeline.places import Place
from tests.synthetic.commands import run
from tests.synthetic.once import make_once
from tests.synthetic.scans import affine_of, head, write_nifti, write_nnunet_dataset
from tests.synthetic.small_networks import SHORT
from tests.synthetic.tiny import Tiny, copy_tiny, write_tiny


@pytest.fixture(autouse=True)
def plain_curves(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let a test's trainings leave an empty picture of their curves: drawing takes longer than their few steps.

    Those of fixtures are drawn, and how is looked at in `tests/autoseg/reporting/test_curves.py`.
    """

    def leave_empty(lines: object, path: Path, title: str, final: object = None) -> None:
        path.write_bytes(b"")

    monkeypatch.setattr("autoseg.pipeline.folds.observing.draw_curves", leave_empty)


@pytest.fixture(scope="session")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A workspace with fold 0 trained for a few steps, two channels, labels 3 and 7, LAS files."""
    return make_once(tmp_path_factory, "trained", make_trained)


def make_trained(root: Path) -> None:
    labels = {"background": 0, "dark": 3, "bright": 7}
    write_nnunet_dataset(root / "raw", 10, labels, ("T1w", "FLAIR"), affine_of(flips=(-1, 1, 1)))
    with pytest.MonkeyPatch.context() as patch:
        assert run(patch, "plan-and-preprocess", root / "raw", "-w", root / "ws", *SHORT) == 0
        assert run(patch, "train", "0", "-w", root / "ws") == 0


@pytest.fixture(scope="session")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Tiny:
    """Five tiny cases, planned, fold 0 trained."""
    return Tiny(root=make_once(tmp_path_factory, "finished", make_finished))


def make_finished(root: Path) -> None:
    tiny = write_tiny(root, 5)
    tiny.plan()
    tiny.train(0)


@pytest.fixture(scope="session")
def bundle(finished: Tiny, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Their model as a file, which stays as it is."""
    return autoseg.export(finished.workspace, tmp_path_factory.mktemp("bundle") / "model.zip")


@pytest.fixture
def tiny(finished: Tiny, tmp_path: Path) -> Tiny:
    """A copy of the same that a test may change."""
    return copy_tiny(finished, tmp_path / "tiny")


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Place:
    write_nnunet_dataset(tmp_path / "raw", 2)
    for number, name in enumerate(("a", "b")):
        write_nifti(tmp_path / "scans" / f"{name}.nii.gz", head(number)[0])
        write_nifti(tmp_path / "masks" / f"{name}.nii.gz", head(number)[1])
        write_nifti(tmp_path / "references" / f"{name}.nii.gz", head(number)[1])
    os.link(tmp_path / "scans" / "a.nii.gz", tmp_path / "hard.nii.gz")
    (tmp_path / "soft.nii.gz").symlink_to("scans/a.nii.gz")
    (tmp_path / "hard").mkdir()
    os.link(tmp_path / "scans" / "a.nii.gz", tmp_path / "hard" / "b.nii.gz")
    os.link(tmp_path / "references" / "a.nii.gz", tmp_path / "reference.json")
    os.link(tmp_path / "raw" / "dataset.json", tmp_path / "description.json")
    (tmp_path / "link").symlink_to("scans", target_is_directory=True)
    (tmp_path / "raw-link").symlink_to("raw", target_is_directory=True)
    (tmp_path / "notes.json").write_text('{"schema_version": 1, "mine": true}')
    (tmp_path / "listed.json").write_text("[1, 2]")
    made = Place(root=tmp_path)
    write_json(made.workspace.dataset, made.dataset)
    for folder in ("plans", "models", "preprocessed", "cases"):
        (tmp_path / "ws" / folder).mkdir()
    monkeypatch.chdir(tmp_path)
    return made
