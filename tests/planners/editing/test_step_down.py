from __future__ import annotations

import math
from dataclasses import replace

import pytest

from dataset_fingerprints.errors import PlanError
from planners import PlanRequest, check_plan, make_plan
from planners.editing.step_down import find_steps, repeat_steps, step_down
from planners.networks.memory_decisions import predict_configuration
from planners.plan import Configuration, Plan
from tests.synthetic.fingerprints import SyntheticCase, make_fingerprint, repeat_case
from tests.synthetic.machines import GPU


@pytest.fixture(params=["2d", "3d_fullres"])
def name(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def plan() -> Plan:
    case = SyntheticCase(body_shape=(150, 190, 150), spacing_mm=(1.0, 1.0, 1.0))
    return make_plan(make_fingerprint(repeat_case(30, case)), PlanRequest(machine=GPU, memory_gb=8.0))


def entry(plan: Plan, name: str) -> Configuration:
    return next(configuration for configuration in plan.configurations if configuration.name == name)


def all_steps(plan: Plan, name: str) -> list[Plan]:
    plans = [plan]
    while True:
        try:
            plans.append(step_down(plans[-1], name, "no room"))
        except PlanError:
            return plans


def test_every_step_needs_less_memory_and_fits_the_same_weights(plan: Plan, name: str) -> None:
    plans = all_steps(plan, name)
    needed = [predict_configuration(step, entry(step, name)).total() for step in plans]
    assert len(plans) > 5
    assert needed == sorted(set(needed), reverse=True)
    for step in plans:
        check_plan(step)
        assert entry(step, name).topology == entry(plan, name).topology
    assert entry(plans[-1], name).batch_size == 1
    assert math.prod(entry(plans[-1], name).patch_shape) < math.prod(entry(plan, name).patch_shape)


def test_the_batch_shrinks_before_the_patch(plan: Plan) -> None:
    large = replace(plan, configurations=(replace(entry(plan, "2d"), batch_size=20),))
    batches = [entry(step, "2d").batch_size for step in all_steps(large, "2d")]
    assert batches[:10] == [20, 20, 15, 11, 8, 6, 4, 3, 2, 2]
    patches = [entry(step, "2d").patch_shape for step in all_steps(large, "2d")]
    assert len(set(patches[:9])) == 1
    assert patches[9] != patches[8]


def test_feature_maps_are_computed_again_before_anything_shrinks_unless_batch_norms_forbid(plan: Plan) -> None:
    (first, *others) = all_steps(plan, "3d_fullres")[1:]
    before = entry(plan, "3d_fullres")
    assert entry(first, "3d_fullres") == replace(before, training=replace(before.training, recomputed=True))
    assert all(entry(step, "3d_fullres").training.recomputed for step in others)
    network = replace(before.network, options={**before.network.options, "norm": "batch"})
    normed = replace(plan, configurations=(replace(before, network=network),))
    assert not any(entry(step, "3d_fullres").training.recomputed for step in all_steps(normed, "3d_fullres"))


def test_other_configurations_stay_and_the_decision_tells_what_failed(plan: Plan) -> None:
    smaller = step_down(plan, "3d_fullres", "no room on the card")
    assert entry(smaller, "2d") == entry(plan, "2d")
    (step,) = find_steps(smaller)
    before = entry(plan, "3d_fullres")
    assert step.field == "3d_fullres.training.recomputed"
    assert [
        find_steps(step)[-1].field.removeprefix("3d_fullres.") for step in all_steps(smaller, "3d_fullres")[1:3]
    ] == [
        "patch_shape",
        "patch_shape",
    ]
    patch = "x".join(map(str, before.patch_shape))
    assert step.evidence == f"a batch of {before.batch_size} patches of {patch} was too much: no room on the card"


def test_another_fold_repeats_the_steps_only_from_the_size_they_began_at(plan: Plan) -> None:
    twice = step_down(step_down(plan, "3d_fullres", "no room"), "3d_fullres", "still none: really")
    assert repeat_steps(plan, "3d_fullres", find_steps(twice)) == twice
    begun_elsewhere = replace(plan, configurations=(replace(entry(plan, "3d_fullres"), batch_size=7),))
    assert repeat_steps(begun_elsewhere, "3d_fullres", find_steps(twice)) == begun_elsewhere


def test_the_smallest_size_says_what_to_do(plan: Plan) -> None:
    with pytest.raises(PlanError, match=r"single patch of .* voxels .*--gpu-memory-gb"):
        step_down(all_steps(plan, "3d_fullres")[-1], "3d_fullres", "no room")
