"""What a person is told to do next, and which training runs beside a planning."""

from __future__ import annotations

import shlex
from dataclasses import replace
from pathlib import Path

import pytest

from autoseg.pipeline.folds.jobs import TrainingOptions
from autoseg.pipeline.next_steps import name_predict, name_report, name_train
from autoseg.pipeline.plans.at_work import find_running
from autoseg.pipeline.plans.first_training import describe_first_training
from autoseg.pipeline.plans.reading import read_plan
from autoseg.pipeline.written import advise_after
from autoseg.workspace.locks import locked
from dataset_fingerprints.files.jsonfiles import write_json
from planners.stage_inputs import Initial
from tests.synthetic.commands import run
from tests.synthetic.tiny import CONFIGURATION, Tiny


def test_the_command_that_planning_ends_with_is_the_one_that_works(
    finished: Tiny, monkeypatch: pytest.MonkeyPatch
) -> None:
    plan, splits = read_plan(finished.workspace, "default")
    monkeypatch.chdir(finished.root)
    described, following = describe_first_training(finished.workspace, plan, splits)
    assert f"trains {CONFIGURATION} by default: 2 steps, roughly" in described
    command = following.removeprefix("Next: ").removesuffix(".").strip("`")
    assert command == "autoseg train 0 -w ws"
    assert run(monkeypatch, *shlex.split(command)[1:]) == 0
    timed, _ = describe_first_training(finished.workspace, replace(plan, max_hours=0.25), splits)
    assert "2 steps, or as many as fit into the 15 min per fold that were planned for." in timed


def test_commands_name_what_is_not_found_by_itself(finished: Tiny, monkeypatch: pytest.MonkeyPatch) -> None:
    plan, _ = read_plan(finished.workspace, "default")
    workspace = finished.workspace
    monkeypatch.chdir("/")
    place = Path(workspace.root).relative_to("/")
    assert name_train(workspace, plan, "all") == f"`autoseg train all -w {place}`"
    other = replace(plan, name="mine")
    assert name_train(workspace, other, "0", configuration="2d") == f"`autoseg train 0 -c 2d --plan mine -w {place}`"
    assert name_predict(workspace, plan, "0") == f"`autoseg predict SCANS -o MASKS -w {place}`"
    # Beside fold 0, a model of all cases is used only by its name.
    assert name_predict(workspace, plan, "full") == f"`autoseg predict SCANS -o MASKS -f full -w {place}`"


def test_a_training_ends_with_the_commands_that_segment_and_report(
    finished: Tiny, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(finished.root)
    following, page, *_ = advise_after(finished.workspace, "0", TrainingOptions())
    assert following == "Next, segment new scans: `autoseg predict SCANS -o MASKS -w ws`."
    assert page == "All of it on one page for a browser: `autoseg report -w ws`."
    plan, _ = read_plan(finished.workspace, "default")
    assert name_report(finished.workspace, plan, "2d") == "`autoseg report -c 2d -w ws`"
    assert run(monkeypatch, *shlex.split(page.partition("`")[2].partition("`")[0])[1:]) == 0
    assert finished.workspace.root.joinpath("report.html").is_file()


def test_an_ensemble_names_what_else_is_to_be_trained(tiny: Tiny, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tiny.root)
    plan, splits = read_plan(tiny.workspace, "default")
    both = replace(plan, ensemble=("2d", CONFIGURATION))
    write_json(tiny.workspace.plan("default"), both)
    *_, others = describe_first_training(tiny.workspace, both, splits)
    after = tuple(
        replace(one, initial=Initial(configuration="2d")) if one.name == CONFIGURATION else one
        for one in both.configurations
    )
    following = describe_first_training(tiny.workspace, replace(both, configurations=after), splits)[1]
    assert following == "Next: `autoseg train 0 --with-previous -w ws`."
    assert others == f"Plan default predicts with 2d, {CONFIGURATION} together: then `autoseg train 0 -c 2d -w ws`."
    lacking, following, *_ = advise_after(tiny.workspace, "0", TrainingOptions())
    assert lacking.endswith("Left out until trained: 2d (`autoseg train 0 -c 2d -w ws`).")
    assert following == f"Next, segment new scans: `autoseg predict SCANS -o MASKS -c {CONFIGURATION} -w ws`."
    assert name_predict(tiny.workspace, both, "0") == "`autoseg predict SCANS -o MASKS -w ws`"


def test_a_training_is_seen_while_it_runs(tiny: Tiny) -> None:
    assert find_running(tiny.workspace) == ()
    with locked(tiny.fold(0).root, "fold 0"):
        assert [folder.root for folder in find_running(tiny.workspace)] == [tiny.fold(0).root]
    assert find_running(tiny.workspace) == ()
