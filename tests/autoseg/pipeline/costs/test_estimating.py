"""Estimated hours and gigabytes against sums by hand."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest

from autoseg.pipeline.costs.estimating import START_SECONDS, Costs, Place, estimate_costs
from autoseg.pipeline.costs.sites import A100_STEP_MULTIPLICATIONS, SITES
from autoseg.pipeline.costs.small_part import ReadingRate
from autoseg.pipeline.folds.validation_time import FINAL_VOXEL_SECONDS
from autoseg.training.pace import Pace, StepCosts
from dataset_fingerprints.sizes import GIB
from planners.parts.networks.unet import UNetOptions
from planners.plan import Plan
from planners.planner import PlanRequest
from planners.presets import make_plan
from planners.time_budget import STEPPING_SHARE
from tests.synthetic.fingerprints import SyntheticCase, make_fingerprint, repeat_case
from tests.synthetic.machines import GPU

CASE = SyntheticCase(body_shape=(64, 64, 64))
SCANS = make_fingerprint(repeat_case(20, CASE), channels=("T1w", "FLAIR"))
VOXELS = 64**3
RATE = ReadingRate(seconds_per_voxel=1e-6, cores=2)


def plan_of(max_hours: float | None = None, speed: float | None = None) -> Plan:
    machine = replace(GPU, multiplications_per_second=speed)
    plan = make_plan(SCANS, PlanRequest(machine=machine, memory_gb=8.0, max_hours=max_hours))
    default = replace(
        next(one for one in plan.configurations if one.name == plan.default_configuration), patch_shape=(64, 64, 64)
    )
    default = replace(default, prediction=replace(default.prediction, mirror_axes=()))
    return replace(plan, configurations=(default,))


def place_of(plan: Plan, devices: int = 1, cores: int = 2, **speeds: object) -> Place:
    return Place(name="here", device="a card", devices=devices, cores=cores, plan=plan, reading=RATE, **speeds)  # type: ignore[arg-type]


def measured(step: float, tile: float, **values: object) -> Costs:
    plan = plan_of()
    paces = {plan.default_configuration: Pace(step_seconds=step, tile_seconds=tile, costs=StepCosts())}
    return estimate_costs(place_of(plan, paces=paces, **values), SCANS, 5)  # type: ignore[arg-type]


def test_reading_grows_with_voxels_and_channels_and_shrinks_with_cores() -> None:
    costs = estimate_costs(place_of(plan_of()), SCANS, 5)
    reading = 20 * 2 * VOXELS * 1e-6
    assert costs.planning_hours * 3600 == pytest.approx(START_SECONDS + reading)
    quicker = estimate_costs(place_of(plan_of(), cores=8), SCANS, 5)
    assert quicker.planning_hours * 3600 == pytest.approx(START_SECONDS + reading / 4)


def test_a_fold_is_its_steps_and_one_look_at_each_of_its_validation_cases() -> None:
    costs = measured(step=0.5, tile=0.1)
    steps = plan_of().configurations[0].training.iterations
    training = steps * 0.5 / STEPPING_SHARE
    validating = 4 * (0.1 + VOXELS * FINAL_VOXEL_SECONDS)  # a fifth of 20 cases, each one patch
    assert costs.fold_hours * 3600 == pytest.approx(START_SECONDS + training + validating)


@pytest.mark.parametrize(("devices", "rounds"), [(1, 5), (2, 3), (5, 1), (8, 1)])
def test_folds_are_trained_as_many_at_a_time_as_there_are_devices(devices: int, rounds: int) -> None:
    costs = measured(step=0.5, tile=0.1, devices=devices)
    assert costs.all_folds_hours == pytest.approx(rounds * costs.fold_hours)


def test_an_ensemble_reads_a_scan_once_and_looks_at_it_with_every_fold() -> None:
    costs = measured(step=0.5, tile=0.1)
    reading = 2 * VOXELS * 1e-6
    assert costs.scan_hours * 3600 == pytest.approx(START_SECONDS + reading + 0.1 + VOXELS * FINAL_VOXEL_SECONDS)
    assert costs.ensemble_hours * 3600 == pytest.approx(
        START_SECONDS + reading + 5 * (0.1 + VOXELS * FINAL_VOXEL_SECONDS)
    )


def test_trained_folds_say_more_than_steps_on_noise() -> None:
    plan = plan_of()
    name = plan.default_configuration
    paces = {name: Pace(step_seconds=100.0, tile_seconds=0.0, costs=StepCosts())}
    costs = estimate_costs(place_of(plan, paces=paces, seconds_per_step={name: 0.25}), SCANS, 5)
    training = plan.configurations[0].training.iterations * 0.25
    assert costs.fold_hours * 3600 == pytest.approx(START_SECONDS + training + 4 * VOXELS * FINAL_VOXEL_SECONDS)


def test_a_plan_for_a_time_takes_that_time() -> None:
    costs = estimate_costs(place_of(plan_of(max_hours=2.0, speed=1e12)), SCANS, 5)
    assert costs.fold_hours == 2.0
    assert costs.all_folds_hours == 10.0


def test_without_folds_one_model_is_trained_on_all_cases_and_nothing_is_validated() -> None:
    costs = estimate_costs(place_of(plan_of(speed=1e12)), SCANS, 0)
    assert costs.folds == 1
    assert costs.all_folds_hours == costs.fold_hours
    half_and_label = 2 * 2 + 1
    assert costs.cases_gb * GIB == pytest.approx(20 * VOXELS * half_and_label)
    five = estimate_costs(place_of(plan_of(speed=1e12)), SCANS, 5)
    assert five.cases_gb == pytest.approx(costs.cases_gb * 0.8)
    assert five.models_gb == pytest.approx(costs.models_gb * 5)


def test_a_single_division_is_taken_to_train_on_nearly_all_cases() -> None:
    whole, divided = (estimate_costs(place_of(plan_of(speed=1e12)), SCANS, folds) for folds in (0, 1))
    assert divided.cases_gb == whole.cases_gb > 0


def test_an_unknown_speed_makes_times_unknown_and_sizes_stay() -> None:
    costs = estimate_costs(place_of(plan_of()), SCANS, 5)
    assert math.isinf(costs.fold_hours)
    assert costs.device_gb > 0


def test_machines_elsewhere_are_cards_with_a_speed() -> None:
    for site in SITES:
        machine = site.machine()
        assert machine.device == "cuda"
        assert machine.multiplications_per_second == site.multiplications_per_second > 1e11


def test_a_step_of_the_published_training_is_that_of_nnunets_default_network() -> None:
    features = (32, 64, 128, 256, 320, 320)
    network = UNetOptions(
        features=features,
        kernels=((3, 3, 3),) * 6,
        strides=((1, 1, 1), *((2, 2, 2),) * 5),
        encoder_blocks=(2,) * 6,
        decoder_blocks=(2,) * 5,
    )
    patch = network.layers(1, 2, (128, 128, 128)).multiplications()
    assert pytest.approx(2 * patch, rel=1e-3) == A100_STEP_MULTIPLICATIONS
