"""Snapshots of a training that were deleted: the others predict, and that is said and recorded."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from pathlib import Path

import pytest

import autoseg
from autoseg.pipeline.faces import face
from autoseg.pipeline.folds.lost_snapshots import describe_lost, find_lost
from autoseg.training.record import read_record
from autoseg.workspace.fold import FoldFolder
from dataset_fingerprints.files.jsonfiles import write_json
from tests.autoseg.training.builders import Listening
from tests.synthetic.commands import run
from tests.synthetic.tiny import CONFIGURATION, QUICK, Tiny, write_tiny


def keep_as_snapshots(folder: FoldFolder, *numbers: int) -> None:
    """Put copies of a fold's weights in the place of snapshots of these numbers."""
    for number in numbers:
        shutil.copy(folder.weights, folder.snapshot(number))
    folder.weights.unlink()


def predict(tiny: Tiny, out: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, object]:
    """Predict a scan, and return what is recorded of the fold."""
    scan, root = tiny.scan("case_0"), tiny.workspace.root
    assert run(monkeypatch, "predict", scan, "-o", out, "-w", root, "--no-mirror") == 0
    record = out.with_name(f"{out.name}-report") / "prediction.json"
    (fold,) = json.loads(record.read_text(encoding="utf-8"))["model"]["folds"]
    return dict(fold)


@pytest.mark.parametrize(
    ("there", "left", "lost"),
    [
        ((1, 2, 3), 3, ()),
        ((1, 3), 0, (2,)),
        ((3,), 3, (1, 2)),
        ((1, 2), 3, (3,)),
        ((1, 2), 0, ()),
        ((), 0, ()),
        ((1, 20240101), 10**9, ()),
    ],
)
def test_snapshots_are_lost_that_the_training_left_or_that_lie_before_others(
    tiny: Tiny, there: tuple[int, ...], left: int, lost: tuple[int, ...]
) -> None:
    folder = tiny.fold(0)
    record = read_record(folder)
    assert record is not None
    write_json(folder.record, replace(record, snapshots=left))
    keep_as_snapshots(folder, *there)
    assert find_lost(folder) == tuple(f"weights-{number}.safetensors" for number in lost)
    assert bool(describe_lost(folder)) == bool(lost)


def test_a_fold_whose_record_is_gone_has_lost_what_lies_before_others(tiny: Tiny) -> None:
    tiny.fold(0).record.unlink()
    keep_as_snapshots(tiny.fold(0), 1, 4)
    assert "2 of 4 snapshots of its training are missing (weights-2" in describe_lost(tiny.fold(0))


def test_a_training_records_its_snapshots_and_a_deleted_one_is_said_wherever_the_others_predict(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    tiny = write_tiny(tmp_path, 5)
    face.plan_and_preprocess(
        tiny.raw,
        workspace=tiny.workspace.root,
        configurations=(CONFIGURATION,),
        assignments=(*QUICK, "training.weights=snapshots"),
    )
    tiny.train(0)
    assert predict(tiny, tmp_path / "all", monkeypatch) == {"configuration": CONFIGURATION, "fold": "0", "networks": 2}
    assert "of its training" not in caplog.text
    tiny.fold(0).snapshot(2).unlink()
    assert predict(tiny, tmp_path / "fewer", monkeypatch)["lost"] == 1
    missing = "1 of 2 snapshots of its training is missing (weights-2.safetensors)"
    assert missing in caplog.text
    for place in (tiny.workspace, tiny.fold(0).root):
        caplog.clear()
        autoseg.load_model(place)
        assert missing in caplog.text
    listening = Listening()
    tiny.train(0, progress=listening)
    assert any(missing in message for message in listening.messages)
