from __future__ import annotations

import csv
import json

import pytest

from autoseg.evaluation import SeenCases, read_evaluation
from autoseg.pipeline.faces import model_face
from autoseg.pipeline.folds import reporting
from autoseg.pipeline.folds.runs import read_run
from autoseg.pipeline.folds.seen_cases import mark_seen
from tests.synthetic.commands import run
from tests.synthetic.tiny import Tiny


def test_scores_of_seen_cases_are_marked_wherever_they_are_shown(
    tiny: Tiny, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    titles: list[str] = []
    monkeypatch.setattr(reporting, "draw_contact_sheet", lambda _rows, _path, title, *_rest: titles.append(title))
    model = model_face.export(tiny.workspace, tiny.root / "model.zip")
    assert run(monkeypatch, "train", "1", "-w", tiny.workspace.root, "--from", model, "--allow-seen") == 0
    fold = tiny.fold(1)
    begun = read_run(fold)
    assert begun is not None
    (case,) = begun.seen_cases()
    assert begun.validation_cases == (case,)
    plain = json.loads(fold.validation.metrics.read_text(encoding="utf-8"))
    assert plain["seen_before"]["note"].startswith("The training started from model.zip, trained on 1 of these cases")
    assert [entry["seen_before"] for entry in plain["cases"]] == ["yes"]
    evaluation = read_evaluation(fold.validation.metrics)
    assert evaluation.seen == SeenCases(cases=(case,), models=("model.zip",))
    with fold.table.open(encoding="utf-8-sig") as stream:
        assert [row["seen before"] for row in csv.DictReader(stream)] == ["yes"]
    assert titles == [
        f"3d_fullres, fold 1: 1 case not trained on here (1 case seen before), mean Dice "
        f"{evaluation.foreground_mean_dice:.3f}"
    ]
    said = capsys.readouterr().out
    assert "(1 case seen before)" in said
    assert "look better than those of new scans" in said
    # Read again from what is there.
    assert tiny.train(1) == evaluation


def test_scores_of_cases_that_no_model_has_seen_are_as_they_were(finished: Tiny) -> None:
    metrics = finished.fold(0).validation.metrics
    assert "seen_before" not in metrics.read_text(encoding="utf-8")
    evaluation = read_evaluation(metrics)
    assert mark_seen(evaluation, [read_run(finished.fold(0)), None]) == evaluation
    assert evaluation.seen.brief() == evaluation.seen.describe() == ""
