"""What is measured on a cross-validation, and what becomes of it when weights or rules change."""

from __future__ import annotations

import shutil

import numpy as np
import pytest

import autoseg
from autoseg.models import read_fold
from autoseg.models.predicted_dice import PredictedDiceFile
from autoseg.models.quality import QualityFile
from autoseg.pipeline.confidence.measuring import measure_confidence, measure_if_missing
from autoseg.pipeline.confidence.predicted_dice import find_calibration, measure_case, measure_predicted_dice
from autoseg.pipeline.confidence.quality import _FlippedLogits, find_efforts
from autoseg.pipeline.confidence.unseen_cases import identify_folds, list_unseen
from autoseg.pipeline.folds.out_of_fold import read_validated
from autoseg.pipeline.folds.stage_inputs import find_input
from autoseg.pipeline.models.sources import ModelChoice, find_source
from autoseg.pipeline.models.trained_folds import TrainedFolds, find_trained
from autoseg.pipeline.plans.reading import read_plan
from autoseg.prediction import Decision, make_members
from autoseg.progress import SilentProgress
from dataset_fingerprints.files.jsonfiles import read_json
from tests.autoseg.pipeline.atlas.imported import Said
from tests.synthetic.commands import run
from tests.synthetic.tiny import CONFIGURATION, Tiny

SILENT = SilentProgress()


def find(tiny: Tiny) -> TrainedFolds:
    plan, _ = read_plan(tiny.workspace, "default")
    return find_trained(tiny.workspace, plan, (CONFIGURATION,))


def test_each_case_is_looked_at_by_the_fold_that_did_not_train_on_it(judged):
    trained = find(judged)
    cases = list(list_unseen(judged.workspace, trained, identify_folds(trained)))
    assert sorted(case.name for case in cases) == sorted(judged.cases())
    for case in cases[::5]:
        measured = measure_case(case, Decision())
        validated = read_validated(judged.fold(case.fold).validation, case.name)
        # The mask of rounded probabilities: hardly ever another voxel.
        assert measured.dice[0] == pytest.approx(validated.scores.labels[0].number("dice"), abs=0.02)
        assert measured.signs[0].soft_dice_confidence == 0 or 0 < measured.signs[0].mean_probability <= 1


def test_cases_of_a_fold_share_the_store_that_their_references_are_read_from(judged):
    trained = find(judged)
    cases = list(list_unseen(judged.workspace, trained, identify_folds(trained)))
    assert len({id(case.store) for case in cases}) == len({case.fold for case in cases}) < len(cases)


def test_both_are_written_and_go_with_the_models_until_a_fold_is_trained_further(own, caplog):
    measured = measure_confidence(own.workspace, "default", (CONFIGURATION,), SILENT)
    dice = read_json(own.workspace.predicted_dice("default"), PredictedDiceFile)
    assert dice.calibrations == (measured.calibration,)
    assert read_json(own.workspace.quality("default"), QualityFile).configurations == measured.efforts
    assert {fold.fold for fold in measured.calibration.measured_on} == {"0", "1"}
    assert measured.efforts[0].cases == 12
    choice = ModelChoice(configurations=(CONFIGURATION,))
    models = find_source(own.workspace, choice).read()
    assert (models.predicted_dice, models.efforts) == (measured.calibration, measured.efforts)
    single = find_source(own.workspace, ModelChoice(configurations=(CONFIGURATION,), folds=("1",))).read()
    assert single.predicted_dice == measured.calibration
    assert find_calibration(own.workspace, "default", find(own), Decision(thresholds=(0.4,))) is None
    assert "decided by another rule" in caplog.text
    own.train(1, iterations=3, assignments=("prediction.mirror_axes=[0]", "prediction.step_share=0.5"))
    models = find_source(own.workspace, choice).read()
    assert (models.predicted_dice, models.efforts) == (None, ())
    assert "measured with other weights" in caplog.text
    # The fold that was not trained further is still known.
    first = find_source(own.workspace, ModelChoice(configurations=(CONFIGURATION,), folds=("0",))).read()
    assert first.predicted_dice == measured.calibration


def test_what_is_known_is_not_measured_again(own):
    measure_if_missing(own.workspace, "default", CONFIGURATION, SILENT)
    files = [own.workspace.quality("default"), own.workspace.predicted_dice("default")]
    before = [path.stat().st_mtime_ns for path in files]
    measure_if_missing(own.workspace, "default", CONFIGURATION, SILENT)
    assert [path.stat().st_mtime_ns for path in files] == before


def test_flips_take_no_more_than_a_share_of_a_fold_s_minutes_and_what_is_left_out_is_said(own):
    said = Said()
    measure_if_missing(own.workspace, "default", CONFIGURATION, said, fold_minutes=1e-4)
    assert not own.workspace.quality("default").exists()
    assert own.workspace.predicted_dice("default").is_file()
    (line,) = (line for line in said.lines if line.startswith("Which flips and overlaps of"))
    assert "pay is not measured: that would take about" in line
    assert f"`autoseg quality --minutes 1 -w {own.workspace.root}` measures it." in line
    measure_if_missing(own.workspace, "default", CONFIGURATION, said, fold_minutes=100)
    assert read_json(own.workspace.quality("default"), QualityFile).configurations[0].cases == 12


def test_a_single_fold_with_few_cases_predicts_nothing_and_says_so(own):
    shutil.rmtree(own.fold(1).root)
    calibration = measure_predicted_dice(own.workspace, "default", (CONFIGURATION,), Decision(), SILENT)
    assert calibration.scan is None
    assert "no Dice is predicted" in calibration.describe()
    assert [fold.fold for fold in calibration.measured_on] == ["0"]


def test_a_damaged_file_is_as_good_as_none(own, caplog):
    for path in (own.workspace.quality("default"), own.workspace.predicted_dice("default")):
        path.write_text("{", encoding="utf-8")
    models = find_source(own.workspace, ModelChoice(configurations=(CONFIGURATION,))).read()
    assert (models.predicted_dice, models.efforts) == (None, ())
    assert "predicted_dice.json" in caplog.text
    assert find_efforts(own.workspace, "default", find(own)) == ()


def test_flips_that_are_averaged_here_are_those_that_predict(judged):
    plan, splits = read_plan(judged.workspace, "default")
    model = read_fold(judged.fold(0))
    inputs = find_input(judged.workspace, plan, splits, model.run.own())
    seen = inputs.read(model.run.validation_cases[0])
    device = __import__("torch").device("cpu")
    (plain,), (flipped,) = (make_members(model, device, mirror=mirror) for mirror in (False, True))
    found = _FlippedLogits(plain, seen, model.run.own().prediction.step_share, {(), (0,)})
    for axes, member in (((), plain), ((0,), flipped)):
        expected = member.predict_prepared(seen)
        ours = found.restore(axes)
        for one, other in zip(expected.slabs(), ours.slabs(), strict=True):
            np.testing.assert_allclose(one.values, other.values, atol=2e-3)


def test_the_command_shows_what_each_way_brings(own, monkeypatch, capsys):
    assert run(monkeypatch, "quality", own.workspace.root, "-c", CONFIGURATION) == 0
    said = " ".join(capsys.readouterr().out.split())
    assert "ways to predict, on 12 validation cases" in said
    assert f"{CONFIGURATION} predicts with" in said
    assert f"Predicted Dice of {CONFIGURATION}: mean error" in said
    assert run(monkeypatch, "explain", own.workspace.root) == 0
    assert f"{CONFIGURATION} predicts with" in " ".join(capsys.readouterr().out.split())
    explained = autoseg.explain(own.workspace.root)
    assert {"quality", "predicted_dice"} <= explained.values().keys()
    assert f"{CONFIGURATION} predicts with" in str(explained)
    assert run(monkeypatch, "quality", own.workspace.root, "--minutes", "0") == 2
