"""Trainings behind a fold of a recipe, and how a time is divided over them."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from autoseg.pipeline.folds.jobs import TrainingOptions
from autoseg.pipeline.folds.one_fold import train_fold
from autoseg.progress import SilentProgress
from autoseg.training.record import TrainingRecord, read_record
from autoseg.workspace.fold import FoldFolder
from autoseg.workspace.workspace import Workspace
from dataset_fingerprints.errors import PlanError
from dataset_fingerprints.files.jsonfiles import write_json
from experiments.experiment.planning import PlannedRecipe, Setting
from experiments.experiment.running import (
    TimeLimit,
    are_finished,
    choose_trainings,
    describe_used,
    list_trainings,
    run_folds,
    run_trainings,
    share_out,
)
from experiments.recipes import Recipe
from planners.plan import Configuration, Fold, Splits
from planners.planner import PlanRequest
from planners.presets import PLANNERS, make_plan
from planners.stage_inputs import CropTo, Initial, MaskOf
from tests.autoseg.training.builders import Listening
from tests.synthetic.fingerprints import SyntheticCase, make_fingerprint
from tests.synthetic.machines import GPU
from tests.synthetic.tiny import write_tiny
from tests.synthetic.two_stages import FIRST, SECOND, plan_stages, stage

FINGERPRINT = make_fingerprint([SyntheticCase(body_shape=(60, 70, 60))] * 6)
PLAN = make_plan(FINGERPRINT, PlanRequest(machine=GPU, memory_gb=8.0))
BASIS = next(entry for entry in PLAN.configurations if entry.name == "3d_fullres")
CASES = tuple(case.case for case in FINGERPRINT.cases)
FOLDS = tuple(Fold(train=CASES[2:], validation=CASES[:2]) for _ in range(2))


def planned(*configurations: Configuration, ensemble: tuple[str, ...] = ()) -> PlannedRecipe:
    recipe = Recipe(name="r", title="R.", citation="c", data="d", make=PLANNERS["default"].plan)
    last = configurations[-1].name
    plan = replace(PLAN, configurations=configurations, default_configuration=last, ensemble=ensemble)
    return PlannedRecipe(recipe=recipe, plan=plan, splits=Splits(origin="by hand", folds=FOLDS))


def with_steps(name: str, steps: int, **changes: object) -> Configuration:
    training = replace(BASIS.training, iterations=steps)
    return replace(BASIS, name=name, training=training, **changes)  # type: ignore[arg-type]


def test_of_a_stage_that_boxes_are_taken_of_is_said_that_it_is_validated_as_a_whole() -> None:
    crop = CropTo(configuration="first", margin_mm=5.0)
    boxes = planned(with_steps("first", 300), with_steps("second", 1, inputs=(crop,)))
    (said,) = describe_used(boxes.plan, list_trainings(boxes, "0", 1.0))
    assert said.startswith("second is given what first finds in the validation cases of fold 0, so all")
    masks = planned(with_steps("first", 300), with_steps("second", 1, inputs=(MaskOf(configuration="first"),)))
    (said,) = describe_used(masks.plan, list_trainings(masks, "0", 1.0))
    assert "validation cases of folds 0, 1," in said
    weights = planned(with_steps("first", 3), with_steps("second", 1, initial=Initial(configuration="first")))
    assert not list(describe_used(weights.plan, list_trainings(weights, "0", 1.0)))


def test_a_stage_that_weights_are_taken_of_comes_first_and_has_time_by_its_steps() -> None:
    second = with_steps("second", 100, initial=Initial(configuration="first"))
    trainings = list_trainings(planned(with_steps("first", 300), second), "1", 10.0)
    assert [(one.configuration, one.fold) for one in trainings] == [("first", "1"), ("second", "1")]
    assert [one.minutes for one in trainings] == [pytest.approx(7.5), pytest.approx(2.5)]
    assert trainings[0].options(PLAN).max_minutes == trainings[0].minutes


def test_time_follows_the_arithmetic_of_a_step_too() -> None:
    second = with_steps("second", 300, initial=Initial(configuration="first"), batch_size=3 * BASIS.batch_size)
    trainings = list_trainings(planned(with_steps("first", 300), second), "0", 8.0)
    assert [one.minutes for one in trainings] == [pytest.approx(2.0), pytest.approx(6.0)]


def test_masks_of_another_configuration_take_all_of_its_folds() -> None:
    second = with_steps("second", 100, inputs=(MaskOf(configuration="first"),))
    trainings = list_trainings(planned(with_steps("first", 100), second), "0", None)
    assert [(one.configuration, one.fold) for one in trainings] == [("first", "0"), ("first", "1"), ("second", "0")]
    assert {one.minutes for one in trainings} == {None}
    assert sum(one.share for one in trainings) == pytest.approx(1.0)


def test_boxes_around_the_reference_take_the_same_fold_and_with_all_cases_a_model_of_all() -> None:
    second = with_steps("second", 100, inputs=(CropTo(configuration="first", margin_mm=1.0),))
    made = planned(with_steps("first", 100), second)
    trainings = list_trainings(made, "0", 6.0)
    assert [(one.configuration, one.fold, one.minutes) for one in trainings] == [
        ("first", "0", pytest.approx(3.0)),
        ("second", "0", pytest.approx(3.0)),
    ]
    full = share_out(made.plan, ("0", "1"), ("second",), "full", 6.0)
    assert [(one.configuration, one.fold, one.minutes) for one in full] == [
        ("first", "full", pytest.approx(3.0)),
        ("second", "full", pytest.approx(3.0)),
    ]
    found = replace(second, inputs=(replace(second.crops()[0], trained_on="out_of_fold"),))
    made = planned(with_steps("first", 100), found)
    full = share_out(made.plan, ("0", "1"), ("second",), "full", 6.0)
    assert [(one.configuration, one.fold) for one in full] == [("first", "0"), ("first", "1"), ("second", "full")]
    assert sum(one.minutes or 0 for one in full) == pytest.approx(6.0)


def test_each_training_of_an_ensemble_is_done_once() -> None:
    first = with_steps("first", 100)
    others = [with_steps(name, 100, initial=Initial(configuration="first")) for name in ("a", "b")]
    trainings = list_trainings(planned(first, *others, ensemble=("a", "b")), "0", 9.0)
    assert [one.configuration for one in trainings] == ["first", "a", "b"]
    assert [one.minutes for one in trainings] == [pytest.approx(3.0)] * 3


def test_only_trainings_whose_masks_are_used_are_validated() -> None:
    first, given = with_steps("first", 100), Initial(configuration="first")
    second = with_steps("second", 100, initial=given)
    third = with_steps("third", 100, initial=given, inputs=(MaskOf(configuration="second"),))
    trainings = list_trainings(planned(first, second, third), "0", None)
    assert {(one.configuration, one.fold): one.validated for one in trainings} == {
        ("first", "0"): False,
        ("first", "1"): False,
        ("second", "0"): True,
        ("second", "1"): True,
        ("third", "0"): True,
    }
    both = with_steps("both", 100, initial=given, inputs=(CropTo(configuration="first", margin_mm=1.0),))
    for made in (planned(first, both), planned(first, second, ensemble=("first", "second"))):
        assert all(one.validated for one in list_trainings(made, "0", None))


def test_a_stage_that_only_gives_weights_is_validated_once_its_masks_are_asked_for(tmp_path: Path) -> None:
    tiny = write_tiny(tmp_path)
    plan, workspace = plan_stages(tiny), tiny.workspace
    trainings, asked = (share_out(plan, ("0", "1", "2", "3"), (name,), "0", None) for name in (SECOND, FIRST))
    assert not are_finished(workspace, plan, trainings, SilentProgress())
    run_trainings(workspace, plan, trainings, SilentProgress())
    first, second = (stage(tiny, name) for name in (FIRST, SECOND))
    assert (statuses(first, second), first.validation.metrics.exists()) == (["trained", "finished"], False)
    assert are_finished(workspace, plan, trainings, SilentProgress())
    written = [fold.weights.stat().st_mtime_ns for fold in (first, second)]
    run_trainings(workspace, plan, trainings, SilentProgress())
    assert statuses(first, second) == ["trained", "finished"]
    assert not are_finished(workspace, plan, asked, SilentProgress())
    run_trainings(workspace, plan, asked, SilentProgress())
    assert (statuses(first, second), first.validation.metrics.exists()) == (["finished", "finished"], True)
    assert are_finished(workspace, plan, asked, SilentProgress())
    assert are_finished(workspace, plan, trainings, SilentProgress())
    assert [fold.weights.stat().st_mtime_ns for fold in (first, second)] == written


def test_a_finished_fold_that_started_from_weights_that_have_changed_since_is_named(tmp_path: Path) -> None:
    tiny = write_tiny(tmp_path)
    plan, workspace, listening = plan_stages(tiny), tiny.workspace, Listening()
    trainings = share_out(plan, ("0", "1", "2", "3"), (SECOND,), "0", None)
    run_trainings(workspace, plan, trainings, SilentProgress())
    assert are_finished(workspace, plan, trainings, listening)
    assert listening.messages == []
    train_fold(workspace, "0", TrainingOptions(configuration=FIRST, iterations=4), SilentProgress())
    assert are_finished(workspace, plan, trainings, listening)
    (message,) = listening.messages
    assert "started from weights of first, fold 0 that have changed since" in message


def statuses(*folds: FoldFolder) -> list[str | None]:
    return [record.status if record else None for record in map(read_record, folds)]


def test_an_unknown_fold_is_named_with_those_that_there_are() -> None:
    with pytest.raises(PlanError, match=r"no fold '7'\. Expected one of 0, 1\."):
        list_trainings(planned(with_steps("first", 100)), "7", None)


@pytest.mark.parametrize("fold", ["5", "x", "-1", "00", "full"])
def test_what_can_be_no_fold_is_refused_before_a_data_set_is_read(fold: str, tmp_path: Path) -> None:
    setting = Setting(workspace=Workspace(root=tmp_path / "ws"), data=tmp_path / "none")
    with pytest.raises(PlanError, match=rf"no fold '{fold}'\. Expected one of 0, 1, 2, 3, 4, or `all`\."):
        run_folds("nnunet", fold, setting, TimeLimit(), SilentProgress())
    assert not (tmp_path / "ws").exists()


def write_record(workspace: Workspace, configuration: str, **changes: object) -> None:
    folder = workspace.fold(PLAN.name, configuration, "0")
    folder.root.mkdir(parents=True, exist_ok=True)
    values: dict[str, object] = {
        "status": "finished",
        "fold": "0",
        "configuration": configuration,
        "train_cases": (),
        "validation_cases": (),
        "iterations": 300,
        "seconds": 120.0,
        "max_minutes": None,
        "planned_iterations": 300,
        "device": "cpu",
        "autocast": "float32",
        "versions": (),
    }
    write_json(folder.record, TrainingRecord(**(values | changes)))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("changes", "iterations"),
    [({}, None), ({"planned_iterations": 40, "iterations": 40}, 40), ({"max_minutes": 2.0, "iterations": 40}, None)],
    ids=["as planned", "fewer steps", "a time"],
)
def test_what_is_trained_is_asked_for_no_more_than_it_was_where_it_is_to_stay(
    changes: dict[str, object], iterations: int | None, tmp_path: Path
) -> None:
    workspace = Workspace(root=tmp_path)
    made = planned(with_steps("first", 300), with_steps("second", 100, initial=Initial(configuration="first")))
    write_record(workspace, "first", **changes)
    write_record(workspace, "second", status="training")
    first, second = choose_trainings(workspace, made, "0", TimeLimit(minutes=10.0, keeps_trained=True))
    assert (first.options(PLAN).max_minutes, first.options(PLAN).iterations) == (None, iterations)
    assert first.describe() == "first, fold 0: trained already"
    assert (second.minutes, second.kept) == (pytest.approx(2.5), False)
    longer = choose_trainings(workspace, made, "0", TimeLimit(minutes=10.0))
    assert [one.minutes for one in longer] == [pytest.approx(7.5), pytest.approx(2.5)]
