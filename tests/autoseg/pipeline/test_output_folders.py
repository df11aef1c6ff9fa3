"""Whole folders that commands write, workspaces and simulated data sets, lie apart from what was there."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

import autoseg
from autoseg.pipeline.outputs import (
    refuse_simulation_place,
    refuse_workspace_place,
)
from autoseg.workspace.workspace import Workspace
from dataset_fingerprints.errors import AutosegError, DataError
from dataset_fingerprints.layouts import read_dataset
from tests.autoseg.pipeline.places import Place
from tests.synthetic.commands import run
from tests.synthetic.scans import head, write_csv, write_nifti, write_nnunet_dataset, write_pairs


def make_pair(root: Path) -> Path:
    write_pairs(root / "images", root / "labels", 2)
    return root


def make_list_apart(root: Path) -> Path:
    write_pairs(root / "data" / "images", root / "data" / "labels", 2)
    return write_csv(
        root / "cases.csv", [{"image": "data/images/sub-000.nii.gz", "label": "data/labels/sub-000.nii.gz"}]
    )


@pytest.mark.parametrize(
    ("make", "inside"),
    [
        (write_nnunet_dataset, ["new", ".", "imagesTr/new", "new/deep"]),
        (make_pair, ["new", ".", "images", "labels/new"]),
        (make_list_apart, ["data/images", "data/labels/new"]),
    ],
)
def test_a_workspace_and_its_raw_data_set_lie_apart(
    place: Place, make: Callable[[Path], Path], inside: list[str]
) -> None:
    raw = make(place.root / "above" / "data set")
    (place.root / "way").symlink_to(place.root / "above" / "data set", target_is_directory=True)
    dataset = read_dataset(raw)
    for name in inside:
        for way in ("above/data set", "way"):
            with pytest.raises(AutosegError, match="lies in the raw data set"):
                refuse_workspace_place(raw, dataset, Workspace(root=place.root / way / name))
    with pytest.raises(AutosegError, match="the raw data set lies in it"):
        refuse_workspace_place(raw, dataset, Workspace(root=place.root / "above"))
    with pytest.raises(AutosegError, match="where a workspace keeps its own files"):
        refuse_workspace_place(raw, dataset, Workspace(root=place.root / "ws" / "models" / "new"))
    for name in ("above/new", "ws", "new"):
        refuse_workspace_place(raw, dataset, Workspace(root=place.root / name))
    if raw.is_file():
        refuse_workspace_place(raw, dataset, Workspace(root=raw.parent / "new"))


def test_a_refused_workspace_leaves_nothing(
    place: Place, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    before = place.contents()
    assert run(monkeypatch, "plan_and_preprocess", "raw", "-w", "raw-link/new") == 2
    assert "lies in the raw data set" in " ".join(capsys.readouterr().err.split())
    with pytest.raises(AutosegError, match="lies in the raw data set"):
        autoseg.plan_and_preprocess("raw", workspace=place.root / "raw" / "new")
    assert place.contents() == before
    assert not (place.root / "raw" / "new").exists()


def test_names_of_cases_that_no_array_can_have_are_one_message_before_any_work(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    name = "x" * 243
    write_nifti(tmp_path / "raw" / "imagesTr" / f"{name}_0000.nii", head(0)[0])
    write_nifti(tmp_path / "raw" / "labelsTr" / f"{name}.nii", head(0)[1])
    description = {"channel_names": {"0": "T1w"}, "labels": {"background": 0, "dark": 1, "bright": 2}}
    (tmp_path / "raw" / "dataset.json").write_text(json.dumps(description))
    assert run(monkeypatch, "plan_and_preprocess", tmp_path / "raw", "-w", tmp_path / "ws") == 2
    error = " ".join(capsys.readouterr().err.split())
    assert f"the cases '{name}' cannot name files" in error
    assert "of at most 200 bytes" in error
    assert not (tmp_path / "ws").exists()


@pytest.mark.parametrize(
    ("out", "message"),
    [
        ("raw/imagesTr/new", "belongs to a raw data set"),
        ("ws/cases/new", "where a workspace keeps its own files"),
        ("ws", "is a workspace"),
        ("notes.json/new", "is a file"),
    ],
)
def test_simulated_scans_do_not_go_there(place: Place, monkeypatch: pytest.MonkeyPatch, out: str, message: str) -> None:
    before = place.contents()
    with pytest.raises(DataError, match=message):
        refuse_simulation_place(Path(out))
    assert run(monkeypatch, "simulate", place.root / out, "--cases", "1") == 2
    assert run(monkeypatch, "demo", "-o", place.root / out) == 2
    assert place.contents() == before


@pytest.mark.parametrize("made", [[], ["raw/mine.txt"], ["raw/simulation.json"], ["masks/mine.nii.gz", "demo.txt"]])
def test_the_demo_writes_only_into_what_it_has_made(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], made: list[str]
) -> None:
    for name in made or ["notes.txt"]:
        (tmp_path / "out" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "out" / name).write_text("mine")
    before = {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()}
    assert run(monkeypatch, "demo", "-o", tmp_path / "out") == 2
    assert "holds what no demo has made" in " ".join(capsys.readouterr().err.split())
    assert {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()} == before
