"""What was selected and measured of weights that have changed since: said to be unused, wherever it would be shown."""

from __future__ import annotations

import shutil
import zipfile
from dataclasses import replace
from pathlib import Path

import pytest

import autoseg
from autoseg.pipeline.confidence.decisions import find_decision
from autoseg.pipeline.confidence.holding import find_holding
from autoseg.pipeline.confidence.measuring import measure_if_missing
from autoseg.pipeline.models.sources import ModelChoice, find_source
from autoseg.pipeline.page.gathering import gather
from autoseg.pipeline.page.selection_part import describe_choice
from autoseg.pipeline.plans.reading import read_plan
from autoseg.pipeline.selection.selected import read_selection
from autoseg.progress import SilentProgress
from autoseg.reporting.page import Paragraph
from dataset_fingerprints.files.jsonfiles import write_json
from tests.synthetic.commands import run
from tests.synthetic.tiny import CONFIGURATION, Tiny


class Listening(SilentProgress):
    """Keeps what is said."""

    def __init__(self) -> None:
        self.said: list[str] = []

    def say(self, message: str) -> None:
        self.said.append(message)


def read_card(bundle: Path) -> str:
    with zipfile.ZipFile(bundle) as opened:
        return opened.read("README.md").decode()


def test_what_is_of_other_weights_is_said_to_be_unused_as_predict_says_it(
    own: Tiny, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    autoseg.select(own.workspace)
    measure_if_missing(own.workspace, "default", CONFIGURATION, SilentProgress())
    before = autoseg.explain(own.workspace)
    assert before.selection is not None
    assert before.efforts
    assert before.predicted_dice
    assert before.unused == ()
    own.train(1, iterations=3, assignments=("prediction.mirror_axes=[0]", "prediction.step_share=0.5"))
    after = autoseg.explain(own.workspace)
    assert (after.selection, after.efforts, after.predicted_dice) == (None, (), ())
    selection, flips, dice = after.unused
    assert selection.startswith("What `autoseg select` chose is not used: fold 1 of 3d_fullres was trained since.")
    assert "flips of 3d_fullres were measured with other weights" in flips
    assert "so that no Dice is predicted" in dice
    assert selection in find_source(own.workspace).doubts
    assert after.values()["unused"] == [selection, flips, dice]
    assert run(monkeypatch, "explain", own.workspace.root) == 0
    shown = " ".join(capsys.readouterr().out.split())
    for sentence in after.unused:
        assert sentence in str(after)
        assert " ".join(sentence.split()) in shown
    section = describe_choice(gather(own.workspace, "default", None))
    assert section is not None
    assert [block.text for block in section.blocks if isinstance(block, Paragraph)] == [*after.unused]
    listening = Listening()
    bundle = autoseg.export(own.workspace, tmp_path / "model.zip", progress=listening)
    assert selection in listening.said
    assert f"* {selection}\n" in read_card(bundle)


def test_a_cross_validation_with_folds_missing_is_named_by_export(own: Tiny, tmp_path: Path) -> None:
    whole = autoseg.export(own.workspace, tmp_path / "whole.zip", progress=(listening := Listening()))
    assert not any("not trained" in sentence for sentence in listening.said)
    assert "not finished" not in read_card(whole)
    shutil.rmtree(own.fold(1).root)
    bundle = autoseg.export(own.workspace, tmp_path / "model.zip", progress=(listening := Listening()))
    said = "The cross-validation is not finished: fold 1 of 3d_fullres is not trained, and not in it."
    assert said in listening.said
    assert f"* {said}\n" in read_card(bundle)
    autoseg.export(own.workspace, tmp_path / "one.zip", folds=[0], progress=(listening := Listening()))
    assert said not in listening.said


def test_what_is_of_a_configuration_that_left_the_plan_and_the_workspace_is_said_to_be_unused(own: Tiny) -> None:
    autoseg.select(own.workspace)
    selection = read_selection(own.workspace, "default")
    assert selection is not None
    write_json(own.workspace.selection("default"), replace(selection, configurations=("gone",)))
    unused = find_holding(own.workspace, read_plan(own.workspace, "default")[0]).unused
    assert "What `autoseg select` chose is not used: its folds are not there. Give `autoseg select` again." in unused
    # The plan's own configuration predicts, as if nothing had been selected.
    source = find_source(own.workspace, ModelChoice())
    assert [model.run.configuration for model in source.read().averaged()] == [CONFIGURATION]
    assert source.unselected in unused
    assert find_decision(own.workspace, read_plan(own.workspace, "default")[0], ())[0] == (CONFIGURATION,)
