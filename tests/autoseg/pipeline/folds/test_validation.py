"""A case that cannot be validated costs neither the training nor the other cases."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from autoseg.training.curve import Curve
from autoseg.training.record import read_record
from autoseg.workspace.workspace import Workspace
from dataset_fingerprints.files.jsonfiles import read_json
from planners.plan import Splits
from tests.synthetic.commands import run


@pytest.mark.parametrize("broken", [1, 2])
def test_a_case_that_cannot_be_validated_is_listed_and_everything_else_is_kept(
    trained: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], broken: int
) -> None:
    shutil.copytree(trained / "ws", tmp_path / "ws")
    workspace = Workspace(root=tmp_path / "ws")
    cases = read_json(workspace.splits("default"), Splits).folds[1].validation
    assert len(cases) == 2
    arrays = [path for case in cases[:broken] for path in workspace.root.rglob(f"{case}.image.b2nd")]
    sound = {path: path.read_bytes() for path in arrays}
    for path in arrays:
        path.write_bytes(sound[path][:-200] + bytes(200))
    command = ["train", "1", "-w", workspace.root, "--iterations", "4"]
    assert run(monkeypatch, *command) == 1
    said = " ".join(capsys.readouterr().err.split())
    assert f"the training is finished, but {broken} of 2 cases could not be validated: case {cases[0]}" in said
    assert said.count("autoseg:") == 1
    (fold,) = [folder for folder in workspace.folds("default", "3d_fullres") if folder.root.name == "fold_1"]
    assert read_record(fold).status == "trained"
    assert fold.weight_files()
    assert not fold.validation.metrics.exists()
    assert [case for case in cases if fold.validation.case_record(case).is_file()] == list(cases[broken:])
    rounds = [line for line in Curve(path=fold.curve).read() if line["kind"] == "validation"]
    assert rounds
    assert all((line["dice"] is None) == (broken == 2) for line in rounds)
    for path, content in sound.items():
        path.write_bytes(content)
    assert run(monkeypatch, *command) == 0
    assert fold.validation.metrics.is_file()
    assert read_record(fold).status == "finished"
