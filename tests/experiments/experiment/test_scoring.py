"""Scores of a recipe: those of its one configuration, or of the mean of several, changed as it says."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from autoseg.evaluation import read_evaluation
from autoseg.pipeline.faces import face
from autoseg.pipeline.folds.out_of_fold import read_probabilities
from autoseg.pipeline.plans.reading import read_plan
from autoseg.preprocessing import Store, store_key
from autoseg.training.record import read_record
from autoseg.workspace.workspace import Workspace
from dataset_fingerprints.errors import WorkspaceError
from dataset_fingerprints.files.jsonfiles import write_json
from dataset_fingerprints.geometry import Box, canonical_grid
from experiments.experiment.planning import PlannedRecipe
from experiments.experiment.running import Training
from experiments.experiment.scoring import score_folds
from experiments.experiment.showing import describe_run, describe_scores
from experiments.recipes import Recipe
from planners.choices import Choice
from planners.presets import PLANNERS
from tests.synthetic.scans import write_nnunet_dataset
from tests.synthetic.small_networks import QUICK

BOTH = ("2d", "3d_fullres")


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    root = tmp_path_factory.mktemp("scoring")
    raw = write_nnunet_dataset(root / "raw", cases=5, labels={"background": 0, "lesion": 1})
    workspace = face.plan_and_preprocess(raw, workspace=root / "ws", configurations=BOTH, assignments=QUICK)
    for name in BOTH:
        face.train(workspace, 0, configuration=name)
    return workspace


def plan_recipe(workspace: Workspace, ensemble: tuple[str, ...] = (), *postprocessing: Choice) -> PlannedRecipe:
    plan, splits = read_plan(workspace, "default")
    recipe = Recipe(
        name="r",
        title="R.",
        citation="c",
        data="d",
        make=PLANNERS["default"].plan,
        postprocessing=postprocessing,
    )
    return PlannedRecipe(recipe=recipe, plan=replace(plan, ensemble=ensemble), splits=splits)


@pytest.mark.slow
def test_a_single_configuration_has_the_scores_of_its_validation(trained: Workspace) -> None:
    evaluation = score_folds(trained, plan_recipe(trained), ["0"])
    own = read_evaluation(trained.fold("default", "3d_fullres", "0").validation.metrics)
    assert evaluation.cases == own.cases
    assert evaluation.name_of(1) == "lesion"


@pytest.mark.slow
def test_members_are_averaged_and_masks_are_changed_as_the_recipe_says(trained: Workspace) -> None:
    planned = plan_recipe(trained, BOTH)
    assert planned.names() == BOTH
    plan, case = planned.plan, planned.splits.folds[0].validation[0]
    preprocessing = next(entry for entry in plan.configurations if entry.name == "2d").preprocessing
    store = Store(folder=trained.store(store_key(preprocessing, plan.scheme)), indices=plan.scheme.index_count())
    grid = store.read_record(case).source_grid
    whole = Box(start=(0, 0, 0), stop=canonical_grid(grid).shape)
    folders = [trained.fold("default", name, "0").validation for name in BOTH]
    both = [read_probabilities(folder, case, plan.scheme, grid).read_box(whole)[1].numpy() for folder in folders]
    # Stored in 1/255, some means are one half but for rounding, and may fall on either side.
    least, most = (int((np.mean(both, axis=0) > 0.5 + slack).sum()) for slack in (1e-3, -1e-3))
    scored = next(one for one in score_folds(trained, planned, ["0"]).cases if one.case == case)
    assert least <= round(1000 * scored.labels[0].number("prediction_volume_ml")) <= most
    assert any(not least <= int((one > 0.5).sum()) <= most for one in both), "members that agree would prove nothing"
    everything = Choice(name="smallest_volume", options={"volume_mm3": 1e9})
    emptied = score_folds(trained, plan_recipe(trained, BOTH, everything), ["0"])
    assert all(one.labels[0].number("prediction_volume_ml") == 0 for one in emptied.cases)


@pytest.mark.slow
def test_a_fold_that_is_not_trained_is_named(trained: Workspace) -> None:
    with pytest.raises(WorkspaceError, match=r"3d_fullres, fold 1 of plan default is not trained and validated\. Give"):
        score_folds(trained, plan_recipe(trained), ["1"])


@pytest.mark.slow
def test_a_training_that_took_longer_than_its_time_is_told_with_both(trained: Workspace) -> None:
    folder = trained.fold("default", "3d_fullres", "0")
    record = read_record(folder)
    assert record is not None
    write_json(folder.record, replace(record, seconds=150 * 60.0))
    lines = []
    for minutes in (None, 140.0, 100.0):
        training = Training(configuration="3d_fullres", fold="0", share=1.0, minutes=minutes)
        lines.append(next(describe_run(trained, plan_recipe(trained), {"0": (training,)}, scored=False)))
    write_json(folder.record, record)
    plain = f"3d_fullres, fold 0: {record.iterations} steps in 150.0 min"
    assert lines == [f"{plain}.", f"{plain}.", f"{plain}, more than the 100 min that it had."]


@pytest.mark.slow
def test_a_run_ends_with_the_score_of_what_predicts_and_where_that_of_each_case_is(trained: Workspace) -> None:
    planned = plan_recipe(trained, BOTH)
    evaluation = score_folds(trained, planned, ["0"])
    dice, place = list(describe_scores(trained, planned, "0"))
    mean = evaluation.summary[0].statistics("dice").mean
    assert dice == f"Dice: {mean:.3f} on 1 case that fold 0 did not train on, by the mean of 2d and 3d_fullres."
    for name in BOTH:
        table = trained.fold("default", name, "0").table
        assert table.is_file()
        assert str(table) in place


@pytest.mark.slow
def test_a_command_that_predicts_says_what_of_the_recipe_it_leaves_out(trained: Workspace) -> None:
    filtered = Choice(name="smallest_volume", options={"volume_mm3": 30.0})
    training = Training(configuration="3d_fullres", fold="0", share=1.0, minutes=None)
    *_, plain = describe_run(trained, plan_recipe(trained), {"0": (training,)}, scored=False)
    assert plain.endswith("--plan default`.")
    *_, without = describe_run(trained, plan_recipe(trained, (), filtered), {"0": (training,)}, scored=False)
    assert without == f"{plain} Its masks are without smallest_volume (volume_mm3 30), with which the scores are made."


@pytest.mark.slow
def test_a_command_that_predicts_names_configurations_only_where_others_would_predict_without(
    trained: Workspace,
) -> None:
    def ending(planned: PlannedRecipe) -> str:
        *_, line = describe_run(trained, planned, {}, scored=False)
        return line.partition("--plan default")[2]

    both = plan_recipe(trained, BOTH)
    assert ending(both) == "`."
    assert ending(both.choose(["2d"])) == " -c 2d`."
    assert ending(both.choose(["2d", "3d_fullres"])) == "`."
    # What `select` chose predicts where nothing is named.
    trained.selection("default").write_text("{}", encoding="utf-8")
    chosen = ending(both)
    trained.selection("default").unlink()
    assert chosen == " -c 2d -c 3d_fullres`."


@pytest.mark.slow
def test_what_several_folds_have_in_common_is_said_once(trained: Workspace) -> None:
    shared = Training(configuration="2d", fold="0", share=0.5, minutes=None)
    trainings = {fold: (shared, replace(shared, configuration="3d_fullres")) for fold in ("0", "1")}
    lines = list(describe_run(trained, plan_recipe(trained), trainings, scored=False))
    assert [line.split(":")[0] for line in lines] == ["2d, fold 0", "3d_fullres, fold 0", "Predict"]
