"""Plans for a given time per fold."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dataset_fingerprints.errors import PlanError
from dataset_fingerprints.fingerprint import DatasetFingerprint
from dataset_fingerprints.publications import expand, read_published
from dataset_fingerprints.sizes import GIB
from planners import PLANNERS, PlanRequest, check_plan, make_plan
from planners.machine import MachineProfile
from planners.networks.memory_decisions import predict_configuration
from planners.plan import Configuration, Plan
from planners.sizing.budgets import PLANNED_SHARE
from planners.time_budget import (
    ENOUGH,
    FEWEST_STEPS,
    LEAST_STEPS,
    LONG_STEPS,
    SMALLEST,
    STEPPING_SHARE,
    choose_default,
    predict_step,
)
from tests.synthetic.configurations import unet_of
from tests.synthetic.machines import BFLOAT16_CPU, GPU

BRAIN = expand(read_published("atlas_cropped_1mm"))
# Of 112x112x73 voxels, of which a plan without a time sees two fifths at once.
COARSE = expand(read_published("isles_2mm"))
FAST = replace(GPU, multiplications_per_second=4e12)
SLOW = replace(BFLOAT16_CPU, multiplications_per_second=2e10)


def plan_for(
    max_hours: float | None,
    machine: MachineProfile = FAST,
    memory_gb: float = 24.0,
    planner: str = "default",
    fingerprint: DatasetFingerprint = BRAIN,
) -> Plan:
    request = PlanRequest(planner=planner, machine=machine, memory_gb=memory_gb, max_hours=max_hours)
    plan = make_plan(fingerprint, request)
    check_plan(plan)
    return plan


def fullres(plan: Plan) -> Configuration:
    return next(entry for entry in plan.configurations if entry.name == "3d_fullres")


def step_seconds(plan: Plan, configuration: Configuration) -> float:
    return predict_step(configuration, plan.input_channels(configuration), plan.scheme.heads().count(), plan.machine)


@given(
    st.floats(min_value=0.02, max_value=200.0), st.sampled_from([FAST, SLOW]), st.sampled_from(["default", "nnunet"])
)
def test_predicted_steps_fit_into_the_time_and_the_memory(
    max_hours: float, machine: MachineProfile, planner: str
) -> None:
    plan = plan_for(max_hours, machine, planner=planner)
    assert plan.max_hours == max_hours
    for configuration in plan.configurations:
        spent = configuration.training.iterations * step_seconds(plan, configuration)
        assert spent <= STEPPING_SHARE * max_hours * 3600 or configuration.training.iterations == 1
        if planner == "default" and not configuration.inputs:
            memory = predict_configuration(plan, configuration).total()
            assert memory <= PLANNED_SHARE * plan.memory_gb * GIB


def test_a_long_time_trains_as_without_a_budget_but_for_the_steps() -> None:
    free, long = plan_for(None), plan_for(30.0)
    assert fullres(long).patch_shape == fullres(free).patch_shape
    assert fullres(long).training.optimizer.name == "sgd"
    assert LONG_STEPS <= fullres(long).training.iterations < 250_000
    assert fullres(plan_for(5000.0)).training.iterations == 250_000


def test_a_short_time_takes_smaller_steps_and_adamw() -> None:
    free, short = fullres(plan_for(None)), fullres(plan_for(0.1))
    assert math.prod(short.patch_shape) < math.prod(free.patch_shape)
    assert short.batch_size == 2
    assert LEAST_STEPS <= short.training.iterations < LONG_STEPS
    assert (short.training.optimizer.name, short.training.schedule.name) == ("adamw", "cosine")


def test_the_shorter_the_time_the_cheaper_the_step() -> None:
    costs = [step_seconds(plan, fullres(plan)) for plan in map(plan_for, (0.1, 0.3, 1.0, 3.0, 30.0))]
    assert costs == sorted(costs)


def test_where_volumes_leave_too_few_steps_slices_are_the_default() -> None:
    plan = plan_for(0.01, SLOW, planner="nnunet-resenc-m")
    steps = {entry.name: entry.training.iterations for entry in plan.configurations}
    slower = {**steps, "2d": FEWEST_STEPS, "3d_fullres": FEWEST_STEPS - 1, "3d_lowres": FEWEST_STEPS - 1}
    assert choose_default(slower, "3d_fullres")[0] == "2d"
    assert choose_default({**slower, "3d_fullres": FEWEST_STEPS}, "2d")[0] == "3d_fullres"
    assert choose_default({**slower, "2d": FEWEST_STEPS - 1}, "3d_fullres")[0] == "3d_fullres"
    (decision,) = (entry for entry in plan.decisions if entry.field == "default_configuration")
    assert decision.value == plan.default_configuration


def test_seconds_get_the_cheapest_steps_there_are() -> None:
    plan = fullres(plan_for(0.002, SLOW))
    network = unet_of(plan)
    assert (network.features[:2], network.encoder_blocks[0], plan.batch_size) == ((8, 32), 1, 1)


def is_thin(plan: Configuration) -> bool:
    return unet_of(plan).encoder_blocks[0] == 1


def test_patches_get_smaller_then_thin_then_single_and_smaller_again() -> None:
    plans = [fullres(plan_for(hours, SLOW, fingerprint=COARSE)) for hours in (10.0, 0.5, 0.3, 0.1, 0.01)]
    voxels = [math.prod(plan.patch_shape) for plan in plans]
    assert voxels[0] > voxels[1] == voxels[2] == voxels[3] > voxels[4] >= SMALLEST
    assert [is_thin(plan) for plan in plans] == [False, False, True, True, True]
    assert [plan.batch_size for plan in plans] == [2, 2, 2, 1, 1]


@given(st.floats(min_value=0.005, max_value=20.0))
def test_a_patch_sees_enough_while_there_is_time_for_enough_steps(hours: float) -> None:
    plan = fullres(plan_for(hours, SLOW, fingerprint=COARSE))
    voxels = math.prod(plan.patch_shape)
    # A patch is cut to the divisors of its network: a little less than was wished for.
    if voxels < 0.8 * ENOUGH:
        assert (is_thin(plan), plan.batch_size) == (True, 1)
        # A patch that sees enough would have left too few steps.
        assert plan.training.iterations * voxels < FEWEST_STEPS * ENOUGH * 1.2


def test_a_small_body_needs_no_larger_patch() -> None:
    hippocampus = expand(read_published("msd_hippocampus"))
    patches = [fullres(plan_for(hours, SLOW, fingerprint=hippocampus)).patch_shape for hours in (0.1, 0.01)]
    assert [math.prod(patch) for patch in patches] == [32 * 40 * 32, 32 * 40 * 32]


@pytest.mark.parametrize("planner", [name for name in PLANNERS.own() if name != "default"])
def test_nnunets_planners_only_change_the_number_of_steps(planner: str) -> None:
    free, short = (plan_for(max_hours, planner=planner) for max_hours in (None, 1.0))
    assert fullres(short).training.iterations < fullres(free).training.iterations
    restored = [
        replace(entry, training=replace(entry.training, iterations=other.training.iterations))
        for entry, other in zip(short.configurations, free.configurations, strict=True)
    ]
    assert restored == list(free.configurations)
    rules = [entry.rule for entry in short.decisions if entry.field.endswith(".training.iterations")]
    assert len(rules) == len(short.configurations)
    assert not any("AdamW" in rule for rule in rules)


def test_every_configuration_says_how_its_steps_came_about() -> None:
    plan = plan_for(2.0)
    fields = [decision.field for decision in plan.decisions]
    assert "training.iterations" not in fields
    for configuration in plan.configurations:
        (reason,) = (entry for entry in plan.decisions if entry.field == f"{configuration.name}.training.iterations")
        assert reason.value.startswith(f"{configuration.training.iterations:,} with ")
        assert "2 h per fold" in reason.evidence


def test_a_machine_of_unknown_speed_gets_the_plan_without_a_budget_and_says_so() -> None:
    unknown = replace(FAST, multiplications_per_second=None)
    plan = plan_for(2.0, unknown)
    assert [entry.training.iterations for entry in plan.configurations] == [250_000] * len(plan.configurations)
    (reason,) = (entry for entry in plan.decisions if entry.field == "max_hours")
    assert "`train` holds to the clock" in reason.change
    # Of 8 GiB every byte counts: what another optimiser would remember takes patches off a batch.
    timed, free = (plan_for(max_hours, unknown, memory_gb=8.0) for max_hours in (2.0, None))
    assert timed.configurations == free.configurations


@pytest.mark.parametrize("max_hours", [0.0, -1.0, math.nan])
def test_no_time_makes_no_plan(max_hours: float) -> None:
    with pytest.raises(PlanError, match="Expected more than 0"):
        plan_for(max_hours)
