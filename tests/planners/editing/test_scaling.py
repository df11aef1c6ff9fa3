from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import pytest

from dataset_fingerprints.errors import PlanError
from dataset_fingerprints.files.jsonfiles import parse_json, to_json
from dataset_fingerprints.publications import expand, read_published
from planners import Choice, PlanRequest, explain_plan, make_plan, plan_as_json, resolve, set_values
from planners.editing.brief import Known, brief_sections
from planners.editing.scaling import scale_plan
from planners.networks.memory_decisions import predict_configuration
from planners.parts import NETWORKS
from planners.plan import Configuration, Plan
from tests.synthetic.machines import GPU


@pytest.fixture(scope="module", params=["nnunet", "nnunet-resenc-l", "default"])
def full(request: pytest.FixtureRequest) -> Plan:
    return make_plan(
        expand(read_published("atlas_r2_mni")), PlanRequest(planner=request.param, machine=GPU, memory_gb=24.0)
    )


def layers_of(plan: Plan, configuration: Configuration) -> list[tuple[int, int]]:
    """Return kernels' taps and what they read, layer by layer."""
    network = resolve(configuration.network, NETWORKS, "network")
    every = network.layers(plan.input_channels(configuration), 2, configuration.network_patch()).every()
    return [(layer.taps, layer.reads) for layer in every]


@pytest.mark.parametrize("factor", [2, 8, 3.5, 1024])
def test_a_scaled_plan_has_the_same_layers_and_is_smaller_in_all_else(full: Plan, factor: float) -> None:
    scaled = scale_plan(full, factor)
    for before, after in zip(full.configurations, scaled.configurations, strict=True):
        assert layers_of(full, before)[1:] == layers_of(scaled, after)[1:]
        assert math.prod(after.patch_shape) < math.prod(before.patch_shape)
        assert all(small <= large for small, large in zip(after.patch_shape, before.patch_shape, strict=True))
        assert after.batch_size == max(1, round(before.batch_size / factor))
        assert predict_configuration(scaled, after).total() < predict_configuration(full, before).total()
        unchanged = {"network": before.network, "patch_shape": before.patch_shape, "batch_size": before.batch_size}
        assert replace(after, **unchanged) == before


def test_a_scaled_patch_leaves_two_voxels_of_the_coarsest_map_and_slices_thin(full: Plan) -> None:
    for configuration in scale_plan(full, 1024).configurations:
        divisors = resolve(configuration.network, NETWORKS, "network").divisors()
        assert configuration.network_patch() == tuple(2 * divisor for divisor in divisors)
        if configuration.slice_axis >= 0:
            assert configuration.patch_shape[configuration.slice_axis] == 1


def test_every_changed_value_is_a_deviation_that_names_the_value_at_full_size(full: Plan) -> None:
    scaled = scale_plan(full, 4)
    reasons = {decision.field: decision for decision in scaled.decisions}
    for before, after in zip(full.configurations, scaled.configurations, strict=True):
        for field, was, now in (
            ("patch_shape", before.network_patch(), after.network_patch()),
            ("batch_size", (before.batch_size,), (after.batch_size,)),
        ):
            reason = reasons[f"{before.name}.{field}"]
            if was != now:
                assert reason.value == "x".join(map(str, now))
                assert f"at full size it is {'x'.join(map(str, was))}" in reason.evidence
                assert "deviation" in reason.rule
        assert "deviation" in reasons[f"{before.name}.network"].rule
    assert len(reasons) == len(scaled.decisions)
    assert reasons["scale"].value == "4"


def test_the_scale_is_kept_by_changes_written_and_shown(full: Plan) -> None:
    scaled = set_values(scale_plan(full, 8), ["training.iterations=3"])
    assert scaled.scale == 8
    assert parse_json(to_json(scaled).encode(), Plan, "plan.json") == scaled
    texts = [str(section) for section in (*explain_plan(scaled), *brief_sections(scaled, Known()))]
    assert sum("1/8 of full size: a deviation (--scale)" in text for text in texts) == 2
    assert plan_as_json(scaled)["scale"] == 8


def test_full_size_is_not_written_and_a_factor_of_1_changes_nothing(full: Plan) -> None:
    assert scale_plan(full, 1) is full
    assert '"scale"' not in to_json(full)
    assert "full size" not in "".join(map(str, (*explain_plan(full), *brief_sections(full, Known()))))


@pytest.mark.parametrize("factor", [0.5, 0, -8, math.nan, math.inf, 2000.0, True, "8"])
def test_a_factor_that_divides_nothing_is_refused(full: Plan, factor: float) -> None:
    with pytest.raises(PlanError, match=r"--scale is .*\. Expected 1 \(full size\) to 1024: .* such as 8\."):
        scale_plan(full, factor)


@dataclass(frozen=True, kw_only=True, slots=True)
class FixedOptions:
    """A network of another package, made before `--scale` was."""

    features: Sequence[int] = (8,)


def test_a_network_that_cannot_be_made_narrower_is_named(full: Plan, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(NETWORKS._own, "fixed", FixedOptions)
    first = replace(full.configurations[0], network=Choice(name="fixed"))
    with pytest.raises(PlanError, match=rf"{first.name}: the network fixed cannot be made narrower.*scaled\(factor\)"):
        scale_plan(replace(full, configurations=(first,)), 8)


def test_tiles_of_prediction_are_divided_as_patches_are_and_the_centre_stays() -> None:
    request = PlanRequest(planner="default", machine=GPU, memory_gb=24.0)
    plan = make_plan(expand(read_published("atlas_r2_mni")), request)
    names = ("prediction.tile_shape", "prediction.centre_shape", "patch_shape")
    plan = set_values(plan, [f"3d_fullres.{name}=[144,172,168]" for name in names])
    scaled = next(entry for entry in scale_plan(plan, 4).configurations if entry.name == "3d_fullres")
    assert scaled.prediction.tile_shape == scaled.patch_shape
    assert scaled.prediction.centre_shape == (144, 172, 168)


def test_a_patch_shorter_than_what_the_strides_divide_stays() -> None:
    plan = make_plan(expand(read_published("atlas_r2_mni")), PlanRequest(machine=GPU, memory_gb=24.0))
    plan = set_values(plan, ["3d_fullres.patch_shape=[12,64,64]"])
    divisors = resolve(plan.configurations[1].network, NETWORKS, "network").divisors()
    assert divisors[0] > 12
    scaled = next(entry for entry in scale_plan(plan, 4).configurations if entry.name == "3d_fullres")
    assert scaled.patch_shape[0] == 12
    assert all(0 < length <= 64 for length in scaled.patch_shape)
