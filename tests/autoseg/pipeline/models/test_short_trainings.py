"""A model of few steps is told of at the end of its training and before it predicts; one of many is not."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from autoseg.pipeline.faces import face
from autoseg.pipeline.models.short_trainings import describe_short
from autoseg.pipeline.plans.reading import read_plan
from autoseg.training.policy import Policy
from autoseg.training.record import read_record
from dataset_fingerprints.files.jsonfiles import write_json
from tests.autoseg.training.builders import Listening
from tests.synthetic.commands import run
from tests.synthetic.tiny import CONFIGURATION, QUICK, Tiny

FEW = Policy().few_steps


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"iterations": 23, "seconds": 60.0}, "trained for 23 steps only: expect poor masks"),
        ({"iterations": 1, "seconds": 60.0}, "trained for 1 step only"),
        ({"iterations": FEW - 1, "seconds": 60.0}, "--max-minutes 10"),
        ({"iterations": 20, "seconds": 3600.0}, "--max-hours 72"),
        ({"iterations": 20, "seconds": 60.0, "max_minutes": 55.0}, "--max-hours 2"),
        ({"iterations": FEW}, ""),
        ({"iterations": 5, "status": "training"}, ""),
    ],
)
def test_only_a_training_of_few_steps_is_told_of(tiny: Tiny, changes: dict[str, object], said: str) -> None:
    plan, _ = read_plan(tiny.workspace, "default")
    (folder,) = tiny.workspace.folds("default", plan.default_configuration)
    record = read_record(folder)
    assert record is not None
    write_json(folder.record, replace(record, **changes))  # type: ignore[arg-type]
    told = describe_short(tiny.workspace, plan, (folder,))
    assert said in told if said else told == ""
    assert ("autoseg train 0 --max-" in told) == bool(said)


def test_the_end_of_training_and_predicting_tell_of_few_steps_and_what_is_next(
    tiny: Tiny, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    root = tiny.workspace.root
    assert run(monkeypatch, "train", "0", "-w", root) == 0
    said = " ".join(capsys.readouterr().out.split())
    assert "steps only: expect poor masks. Train it longer: `autoseg train 0 --max-minutes" in said
    assert f"`autoseg predict SCANS -o MASKS -w {root}`" in said
    scans = sorted((tiny.root / "raw" / "imagesTr").iterdir())
    assert run(monkeypatch, "predict", scans[0], "-w", root, "-o", tmp_path / "masks", "--no-mirror") == 0
    assert "steps only: expect poor masks" in " ".join(capsys.readouterr().out.split())


def test_predicting_with_a_fold_that_is_trained_further_says_so(
    tiny: Tiny, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    record = read_record(tiny.fold(0))
    assert record is not None
    arguments = ("predict", tiny.scan("case_0"), "-w", tiny.workspace.root, "-o", tmp_path / "masks", "--no-mirror")
    for status, said in (("finished", False), ("training", True)):
        write_json(tiny.fold(0).record, replace(record, status=status))
        assert run(monkeypatch, *arguments, "--overwrite") == 0
        told = " ".join(capsys.readouterr().out.split())
        assert ("trained further, which has not ended. Until it has, the weights of before predict" in told) == said


def test_planning_again_with_other_values_names_the_folds_that_were_begun(tiny: Tiny) -> None:
    listening = Listening()
    for steps, said in ((2, False), (3, True)):
        listening.messages.clear()
        face.plan_and_preprocess(
            tiny.raw,
            workspace=tiny.workspace.root,
            configurations=(CONFIGURATION,),
            assignments=(*QUICK, f"training.iterations={steps}"),
            progress=listening,
        )
        assert any("gets other values than it had" in message for message in listening.messages) == said
