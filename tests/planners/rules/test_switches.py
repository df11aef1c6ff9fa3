"""The rules that look at lesions: what each changes, and where it leaves a plan alone."""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from dataset_fingerprints.errors import PlanError
from dataset_fingerprints.fingerprint import DatasetFingerprint
from planners import PLANNERS, PlanRequest, check_plan, make_plan
from planners.machine import MachineProfile
from planners.plan import Configuration, Plan
from planners.rules.lesion_facts import describe_lesions, explain_rules
from planners.rules.spacing import refine_spacing
from planners.rules.switches import LESION_RULES, RULES, choose_rules
from tests.synthetic.configurations import unet_of
from tests.synthetic.fingerprints import SyntheticCase, make_fingerprint, make_quantiles, repeat_case
from tests.synthetic.machines import CPU, GPU

by_rule = pytest.mark.parametrize("name", LESION_RULES)


def brains(
    volumes_mm3: tuple[float, ...] = (8.0, 8.0, 2000.0),
    thinnest_mm: float = 1.0,
    longest_mm: float = 130.0,
    share: float = 0.004,
) -> DatasetFingerprint:
    """Brains of 1 mm, a third of them finer, with small, thin, long and uneven lesions unless said otherwise."""
    fine = SyntheticCase(body_shape=(260, 330, 260), spacing_mm=(0.6, 0.6, 0.6), volume_mm3=volumes_mm3[0])
    coarse = SyntheticCase(body_shape=(150, 190, 150), volume_mm3=volumes_mm3[-1])
    fingerprint = make_fingerprint(repeat_case(10, fine) + repeat_case(20, coarse))
    label = replace(
        fingerprint.labels[0],
        voxel_share=share,
        lesion_volume_mm3=make_quantiles(volumes_mm3),
        lesion_extent_mm=make_quantiles([longest_mm]),
        lesion_thinnest_mm=make_quantiles([thinnest_mm]),
    )
    return replace(fingerprint, labels=(label,))


LARGE = brains(volumes_mm3=(40_000.0, 50_000.0), thinnest_mm=20.0, longest_mm=20.0, share=0.1)


def plan_with(
    fingerprint: DatasetFingerprint, *switches: str, machine: MachineProfile = GPU, memory_gb: float = 24.0
) -> Plan:
    plan = make_plan(fingerprint, PlanRequest(machine=machine, memory_gb=memory_gb, switches=switches))
    check_plan(plan)
    return plan


def fullres(plan: Plan) -> Configuration:
    return next(entry for entry in plan.configurations if entry.name == "3d_fullres")


@by_rule
def test_a_rule_is_on_by_default_only_if_it_was_tested(name: str) -> None:
    assert name not in PLANNERS["default"].rules or RULES[name].tested
    assert all(name not in PLANNERS[planner].rules for planner in PLANNERS.own() if planner != "default")


@by_rule
@pytest.mark.parametrize(("machine", "memory_gb"), [(CPU, 8.0), (GPU, 24.0)], ids=["cpu", "gpu"])
def test_a_rule_leaves_large_lesions_alone(name: str, machine: MachineProfile, memory_gb: float) -> None:
    on, off = (plan_with(LARGE, f"{name}={state}", machine=machine, memory_gb=memory_gb) for state in ("on", "off"))
    assert on.configurations == off.configurations


@by_rule
def test_a_rule_changes_a_plan_for_small_lesions(name: str) -> None:
    on, off = (plan_with(brains(), f"{name}={state}", machine=CPU, memory_gb=8.0) for state in ("on", "off"))
    # On a CPU patches are so small a part of a brain that a low resolution is planned without the rule as well.
    assert on.configurations != off.configurations or name == "lesion_context"
    assert (name in on.rules, name in off.rules) == (True, False)


@by_rule
def test_every_rule_is_explained_whether_on_or_off(name: str) -> None:
    for state in ("on", "off"):
        (reason,) = (
            entry for entry in plan_with(brains(), f"{name}={state}").decisions if entry.field == f"rules.{name}"
        )
        assert reason.value == state + ("" if RULES[name].tested else " (untested)")
        assert reason.change == f"--rule {name}={'off' if state == 'on' else 'on'}"
        assert not reason.evidence.startswith(("not measured", ";"))
        assert reason.evidence.endswith(RULES[name].effect)


@by_rule
def test_the_effect_of_a_tested_rule_is_in_the_log(name: str) -> None:
    log = (Path(__file__).parents[3] / "experiments" / "LOG.md").read_text(encoding="utf-8")
    headings = [line.partition(" ")[2] for line in log.splitlines() if line.startswith("## ")]
    assert bool(RULES[name].effect) == bool(RULES[name].tested)
    assert not RULES[name].tested or any(heading.endswith(RULES[name].tested) for heading in headings)


def test_a_fingerprint_without_lesion_statistics_leaves_rules_nothing_to_do() -> None:
    bare = make_fingerprint(repeat_case(5, SyntheticCase(body_shape=(50, 60, 50), volume_mm3=0.0)))
    facts = describe_lesions(bare)
    assert (facts.thinnest_mm, facts.small_diameter_mm, facts.longest_mm, facts.volume_span) == (None,) * 4
    assert facts.context_mm() == 0.0
    assert not facts.small((1.0, 1.0, 1.0))
    evidence = [entry.evidence for entry in explain_rules((), facts, (1.0, 1.0, 1.0))]
    assert not any(words.startswith(";") for words in evidence)


def test_thin_lesions_get_voxels_of_half_their_thickness_where_scans_are_that_fine() -> None:
    assert fullres(plan_with(brains(), "fine_spacing=on")).preprocessing.spacing_mm == (0.6, 0.6, 0.6)
    thick = brains(thinnest_mm=1.6)
    assert fullres(plan_with(thick, "fine_spacing=on")).preprocessing.spacing_mm == (0.8, 0.8, 0.8)


def test_refined_voxels_are_never_coarser_than_before() -> None:
    spacings = np.array([[0.5, 0.5, 1.0]] * 5 + [[1.0, 1.0, 1.0]] * 15)
    assert refine_spacing((1.0, 1.0, 1.0), spacings, 2.0) == (1.0, 1.0, 1.0)
    assert refine_spacing((1.0, 1.0, 1.0), spacings, 0.7) == (0.7, 0.7, 1.0)


def test_small_lesions_get_a_convolution_more_at_full_resolution_and_the_memory_counts_it() -> None:
    on, off = (
        fullres(plan_with(brains(), f"full_resolution_capacity={state}", memory_gb=8.0)) for state in ("on", "off")
    )
    assert (unet_of(on).encoder_blocks[0], unet_of(on).decoder_blocks[0]) == (3, 3)
    assert (unet_of(off).encoder_blocks[0], unet_of(off).decoder_blocks[0]) == (2, 2)
    assert unet_of(on).encoder_blocks[1:] == (2,) * (len(unet_of(on).encoder_blocks) - 1)
    assert math.prod(on.patch_shape) < math.prod(off.patch_shape)


def test_lesions_longer_than_the_patch_ask_for_a_low_resolution() -> None:
    """At 8 GB a patch covers nearly half of these brains, but its shortest edge is 112 mm."""
    names = [
        [entry.name for entry in plan_with(brains(), f"lesion_context={state}", memory_gb=8.0).configurations]
        for state in ("off", "on")
    ]
    assert names == [["2d", "3d_fullres"], ["2d", "3d_fullres", "3d_lowres", "3d_cascade_fullres"]]


def test_uneven_lesions_are_drawn_one_by_one_and_rare_ones_pool_their_dice() -> None:
    on = fullres(plan_with(brains(), "balanced_lesions=on", "pooled_dice=on", "foreground_only=on"))
    assert on.sampling.patches.options["lesion_balance"] == 1.0
    assert on.training.loss.options["batch_dice"] is True
    assert (
        on.sampling.patches.options["foreground_share"] == 0.5
    )  # a training of hours sees enough background and lesions
    short = fullres(plan_with(brains(), "foreground_only=on", machine=CPU, memory_gb=8.0))
    assert short.sampling.patches.options["foreground_share"] == 1.0


def test_a_rule_that_is_switched_on_counts_more_than_what_the_planner_does_by_itself() -> None:
    request = PlanRequest(planner="nnunet", machine=GPU, memory_gb=8.0, switches=("pooled_dice=on",))
    plan = make_plan(brains(), request)
    assert {entry.training.loss.options["batch_dice"] for entry in plan.configurations} == {True}


def test_the_last_switch_counts_and_unknown_ones_are_refused() -> None:
    assert choose_rules(("pooled_dice",), ["fine_spacing=on", "pooled_dice=off"]) == ("fine_spacing",)
    assert choose_rules((), ["fine_spacing=on", "fine_spacing=off"]) == ()
    with pytest.raises(PlanError, match=r"There is no rule 'fine_spacings'\. Did you mean 'fine_spacing'"):
        choose_rules((), ["fine_spacings=on"])
    with pytest.raises(PlanError, match="expected fine_spacing=on or fine_spacing=off"):
        choose_rules((), ["fine_spacing"])
