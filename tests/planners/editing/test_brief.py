"""The first page of `explain`: what matters first, with hours, on a screen."""

from __future__ import annotations

from dataclasses import replace

import pytest

from planners import Plan, PlanRequest, make_plan
from planners.editing.brief import Known, brief_sections, expect_seconds, main_reasons
from planners.editing.scaling import scale_plan
from tests.synthetic.fingerprints import SyntheticCase, make_fingerprint, repeat_case
from tests.synthetic.machines import GPU


def make_example(speed: float | None = None) -> Plan:
    machine = replace(GPU, multiplications_per_second=speed)
    return make_plan(
        make_fingerprint(repeat_case(20, SyntheticCase(body_shape=(35, 50, 36)))),
        PlanRequest(machine=machine, memory_gb=8.0),
    )


def time_of(plan: Plan, known: Known) -> str:
    return dict(brief_sections(plan, known)[0].rows)["expected time"]


def test_configuration_patch_batch_spacing_memory_folds_and_time_come_first() -> None:
    plan, configurations = brief_sections(make_example(), Known(folds="5 of them", fold_count=5))
    assert [row[0] for row in plan.rows][2:6] == ["made for", "configuration", "folds", "expected time"]
    assert {row[0] for row in configurations.rows} > {
        "voxel size",
        "patch",
        "batch",
        "memory to train",
        "time per fold",
    }
    assert all(len(row) == len(configurations.columns) and all(row) for row in configurations.rows)


def test_an_ensemble_is_named_and_how_each_of_it_is_trained() -> None:
    plan = make_example()
    assert "predicts with" not in dict(brief_sections(plan, Known())[0].rows)
    names = tuple(entry.name for entry in plan.configurations)
    both = replace(plan, ensemble=names)
    said = f"{' and '.join(names)} together; each is trained by its own `autoseg train all -c NAME`"
    assert dict(brief_sections(both, Known())[0].rows)["predicts with"] == said


def test_a_memory_that_the_planner_brings_is_told_from_that_of_the_machine() -> None:
    plan = make_example()
    own = replace(plan, machine=replace(plan.machine, memory_gb=plan.memory_gb))
    assert dict(brief_sections(own, Known())[0].rows)["made for"].endswith(", 8 GiB")
    larger = replace(plan, machine=replace(plan.machine, memory_gb=80.0))
    assert dict(brief_sections(larger, Known())[0].rows)["made for"].endswith(
        ", 80 GiB; sized for 8 GiB, as the planner or --gpu-memory-gb says"
    )


def test_hours_are_said_where_the_speed_was_measured() -> None:
    unknown = make_example()
    assert "the speed of that machine was not measured" in time_of(unknown, Known())
    measured = make_example(1e12)
    (configuration,) = (entry for entry in measured.configurations if entry.name == measured.default_configuration)
    hours = expect_seconds(measured, configuration, Known()) / 3600
    assert hours == pytest.approx(expect_seconds(make_example(2e12), configuration, Known()) / 1800)
    said = time_of(measured, Known(fold_count=5))
    assert said.startswith("about ")
    assert said.endswith(" for all 5")
    steps = f"{configuration.training.iterations:,} steps"
    assert f"per fold on this machine for {steps}, as measured here" in said


def test_a_plan_that_was_made_smaller_has_no_time_before_folds_are_trained() -> None:
    smaller = scale_plan(make_example(1e12), 8)
    assert "small steps are not foreseen" in time_of(smaller, Known())
    trained = Known(seconds_per_step={smaller.default_configuration: 0.5})
    assert time_of(smaller, trained).startswith("about ")


def test_what_trained_folds_took_counts_more_than_a_prediction() -> None:
    plan = make_example(1e12)
    steps = plan.configurations[0].training.iterations
    known = Known(seconds_per_step={plan.default_configuration: 6 * 3600 / steps})
    said = f"about 6 h per fold on this machine for {steps:,} steps, as its trained folds took"
    assert time_of(plan, known) == said
    short = replace(plan, max_hours=0.25)
    assert time_of(short, known) == (
        f"15 min per fold, which it was planned for. All {steps:,} steps would take about 6 h on this machine, as its "
        "trained folds took: `autoseg train` makes as many as fit"
    )
    (times,) = (row for row in brief_sections(short, known)[1].rows if row[0] == "time per fold")
    assert "about 15 min" in times
    assert "planned for, 75 min for all 5. All" in time_of(short, replace(known, fold_count=5))
    assert time_of(replace(plan, max_hours=5.5), known) == said


def test_the_main_decisions_have_their_reasons() -> None:
    reasons = main_reasons(make_example())
    assert [reason.what for reason in reasons] == [
        "The machine that trains",
        "Voxel size of all scans after resampling",
        "What the network sees at once",
        "Patches per training step",
        "Length of a training, in steps",
        "Rules that are off",
    ]
    assert all(reason.value and reason.why for reason in reasons)
