from __future__ import annotations

import math
from dataclasses import replace

import pytest

from dataset_fingerprints.errors import PlanError
from planners import PlanRequest, check_plan, make_plan
from planners.choices import resolve
from planners.editing.step_down import repeat_steps, step_down
from planners.networks.memory_decisions import predict_configuration
from planners.parts import NETWORKS
from planners.plan import Configuration, Plan
from tests.synthetic.fingerprints import SyntheticCase, make_fingerprint, repeat_case
from tests.synthetic.machines import GPU


@pytest.fixture(scope="module")
def plan() -> Plan:
    case = SyntheticCase(body_shape=(150, 190, 150), spacing_mm=(1.0, 1.0, 1.0))
    return make_plan(make_fingerprint(repeat_case(30, case)), PlanRequest(machine=GPU, memory_gb=8.0))


def entry(plan: Plan, name: str) -> Configuration:
    return next(configuration for configuration in plan.configurations if configuration.name == name)


def all_sizes(configuration: Configuration) -> list[Configuration]:
    sizes = [configuration]
    while True:
        try:
            sizes.append(step_down(sizes[-1], "no memory", 8.0)[0])
        except PlanError:
            return sizes


@pytest.mark.parametrize("name", ["2d", "3d_fullres"])
def test_every_step_needs_less_memory_and_fits_the_same_weights(plan: Plan, name: str) -> None:
    planned = entry(plan, name)
    sizes = all_sizes(planned)
    needed = [predict_configuration(plan, size).total() for size in sizes]
    assert len(sizes) > 5
    assert needed == sorted(set(needed), reverse=True)
    for size in sizes:
        check_plan(replace(plan, configurations=(size,), default_configuration=name))
        assert size.network == planned.network
    assert sizes[-1].batch_size == 1
    assert math.prod(sizes[-1].patch_shape) < math.prod(planned.patch_shape)


def test_the_batch_shrinks_before_the_patch(plan: Plan) -> None:
    sizes = all_sizes(replace(entry(plan, "2d"), batch_size=20))
    assert [size.batch_size for size in sizes][:10] == [20, 20, 15, 11, 8, 6, 4, 3, 2, 2]
    patches = [size.patch_shape for size in sizes]
    assert len(set(patches[:9])) == 1
    assert patches[9] != patches[8]


def test_feature_maps_are_computed_again_before_anything_shrinks_unless_batch_norms_forbid(plan: Plan) -> None:
    before = entry(plan, "3d_fullres")
    (first, *others) = all_sizes(before)[1:]
    assert first == replace(before, training=replace(before.training, recomputed=True))
    assert all(size.training.recomputed for size in others)
    normed = replace(before, network=replace(before.network, options={**before.network.options, "norm": "batch"}))
    assert not any(size.training.recomputed for size in all_sizes(normed))


def test_a_step_is_a_record_of_both_sizes_and_of_what_failed(plan: Plan) -> None:
    before = entry(plan, "3d_fullres")
    smaller, step = step_down(before, "no memory on the GPU", 8.0)
    assert step.evidence == "no memory on the GPU"
    assert (step.before.recomputed, step.after.recomputed) == (False, True)
    assert step.before.patch_shape == step.after.patch_shape == before.patch_shape
    patch = "x".join(map(str, before.patch_shape))
    assert step.before.describe() == f"a batch of {before.batch_size} patches of {patch}"
    _, next_step = step_down(smaller, "still none", 8.0)
    assert next_step.before == step.after
    assert math.prod(next_step.after.patch_shape) < math.prod(before.patch_shape)


def test_another_fold_repeats_the_steps_only_from_the_size_they_began_at(plan: Plan) -> None:
    before = entry(plan, "3d_fullres")
    once, first = step_down(before, "no memory", 8.0)
    twice, second = step_down(once, "still none: really", 8.0)
    assert repeat_steps(before, (first, second), 8.0) == (twice, (first, second))
    begun_elsewhere = replace(before, batch_size=7)
    assert repeat_steps(begun_elsewhere, (first, second), 8.0) == (begun_elsewhere, ())


def test_the_smallest_size_says_what_to_do(plan: Plan) -> None:
    with pytest.raises(PlanError, match=r"single patch of .* voxels .*--gpu-memory-gb"):
        step_down(all_sizes(entry(plan, "3d_fullres"))[-1], "no memory", 8.0)


def test_a_patch_that_the_strides_do_not_divide_steps_down_to_their_multiples(plan: Plan) -> None:
    before = entry(plan, "3d_fullres")
    divisor = resolve(before.network, NETWORKS, "network").divisors()[1]
    uneven = (4 * divisor, 5 * divisor + 1, 4 * divisor)
    training = replace(before.training, recomputed=True)
    sizes = all_sizes(replace(before, patch_shape=uneven, batch_size=2, training=training))
    assert [size.patch_shape[1] for size in sizes[:3]] == [5 * divisor + 1, 5 * divisor, 4 * divisor]
    needed = [predict_configuration(plan, size).total() for size in sizes]
    assert needed == sorted(set(needed), reverse=True)
