"""The planners that promise nnU-Net's own plans."""

from __future__ import annotations

import pytest

from planners import PLANNERS, PlanRequest, choose_machine, make_plan
from planners.plan import Configuration, Plan
from planners.stage_inputs import MaskOf
from tests.planners.published import MEMORY_GB, PUBLISHED, Published
from tests.synthetic.configurations import unet_of
from tests.synthetic.fingerprints import SyntheticCase, make_fingerprint, repeat_case
from tests.synthetic.machines import CPU, GPU

by_row = pytest.mark.parametrize("row", PUBLISHED, ids=lambda row: row.name)
by_planner = pytest.mark.parametrize("planner", MEMORY_GB)


def plan_published(row: Published, planner: str) -> Plan:
    return make_plan(row.fingerprint(), PlanRequest(planner=planner, machine=GPU, memory_gb=MEMORY_GB[planner]))


def configuration(plan: Plan, name: str) -> Configuration:
    return next(entry for entry in plan.configurations if entry.name == name)


@by_row
@by_planner
def test_patch_and_batch_of_volumes_are_nnunets(row: Published, planner: str) -> None:
    patch, batch_size = row.volumes[list(MEMORY_GB).index(planner)]
    fullres = configuration(plan_published(row, planner), "3d_fullres")
    assert (fullres.patch_shape[::-1], fullres.batch_size) == (patch, batch_size)


@by_row
def test_patch_and_batch_of_slices_are_nnunets(row: Published) -> None:
    slices = configuration(plan_published(row, "nnunet"), "2d")
    assert (slices.patch_shape[1::-1], slices.batch_size) == row.slices


@by_row
@by_planner
def test_low_resolution_and_cascade_are_planned_where_nnunet_plans_them(row: Published, planner: str) -> None:
    plan = plan_published(row, planner)
    low = planner in row.low_resolution
    names = ("2d", "3d_fullres", "3d_lowres", "3d_cascade_fullres") if low else ("2d", "3d_fullres")
    assert tuple(entry.name for entry in plan.configurations) == names
    decided = {entry.field: entry.value for entry in plan.decisions if entry.field.startswith("configurations.")}
    assert decided["configurations.3d_lowres"] == ("planned" if low else "not planned")
    assert decided["configurations.3d_cascade_fullres"] == ("planned" if low else "not planned")


def test_a_low_resolution_that_would_hardly_be_lower_says_how_little() -> None:
    plan = plan_published(PUBLISHED[0], "nnunet")
    (reason,) = (entry for entry in plan.decisions if entry.field == "configurations.3d_lowres")
    assert "covers 24.2%" in reason.evidence
    assert "1.1 times fewer voxels (at least 2 asked)" in reason.evidence


def test_the_cascade_is_the_full_resolution_after_the_low_one() -> None:
    plan = plan_published(PUBLISHED[-1], "nnunet")
    fullres, lowres, cascade = (configuration(plan, f"3d_{name}") for name in ("fullres", "lowres", "cascade_fullres"))
    assert cascade.inputs == (MaskOf(configuration="3d_lowres"),)
    assert fullres.inputs == lowres.inputs == ()
    assert (cascade.patch_shape, cascade.network, cascade.preprocessing) == (
        fullres.patch_shape,
        fullres.network,
        fullres.preprocessing,
    )
    assert lowres.preprocessing.spacing_mm[0] == pytest.approx(0.8 * 1.03**22)
    assert lowres.patch_shape == (160, 192, 80)


def test_the_low_resolution_makes_fine_axes_coarser_first() -> None:
    case = SyntheticCase(body_shape=(900, 900, 120), spacing_mm=(0.5, 0.5, 5.0))
    plan = make_plan(make_fingerprint([case] * 30), PlanRequest(planner="nnunet", machine=GPU, memory_gb=8.0))
    x, y, z = configuration(plan, "3d_lowres").preprocessing.spacing_mm
    assert (x, y) == (pytest.approx(0.5 * 1.03**42), x)
    assert z == 5.0


def test_dice_is_pooled_over_the_batch_where_nnunet_does() -> None:
    def pooled(plan: Plan) -> dict[str, object]:
        return {entry.name: entry.training.loss.options["batch_dice"] for entry in plan.configurations}

    assert pooled(plan_published(PUBLISHED[0], "nnunet")) == {"2d": True, "3d_fullres": False}
    assert pooled(plan_published(PUBLISHED[-1], "nnunet")) == {
        "2d": True,
        "3d_fullres": True,
        "3d_lowres": False,
        "3d_cascade_fullres": True,
    }
    slices = make_fingerprint(repeat_case(30, SyntheticCase(body_shape=(300, 200, 1))))
    assert pooled(make_plan(slices, PlanRequest(planner="nnunet", machine=GPU, memory_gb=8.0))) == {"2d": True}


@by_planner
def test_residual_planners_name_residual_networks(planner: str) -> None:
    fullres = configuration(plan_published(PUBLISHED[0], planner), "3d_fullres")
    residual = planner != "nnunet"
    network = unet_of(fullres)
    assert (network.block, network.norm) == ("residual" if residual else "plain", "instance")
    assert network.encoder_blocks == ((1, 3, 4, 6, 6, 6) if residual else (2,) * 6)
    assert network.decoder_blocks == ((1,) * 5 if residual else (2,) * 5)


def test_acdc_with_its_three_labels_has_one_slice_less() -> None:
    """The head counts as well: 57 with up to two labels beside the background, 56 with three."""
    row = PUBLISHED[4]
    case = SyntheticCase(body_shape=row.shape[::-1], spacing_mm=row.spacing_mm[::-1])
    fingerprint = make_fingerprint(repeat_case(row.cases, case), labels=3)
    plan = make_plan(fingerprint, PlanRequest(planner="nnunet", machine=GPU, memory_gb=8.0))
    assert configuration(plan, "2d").batch_size == 56


@by_planner
def test_without_a_named_memory_a_planner_takes_the_one_it_was_made_for(planner: str) -> None:
    assert choose_machine(CPU, planner, None) == (CPU, MEMORY_GB[planner])
    assert choose_machine(GPU, planner, 40.0) == (GPU, 40.0)


def test_nnunets_planners_are_all_in_this_table() -> None:
    assert set(PLANNERS.own()) == {"default", *MEMORY_GB}
