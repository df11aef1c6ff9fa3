"""Rules of strategy: when each holds, what it changes of a plan, and what a plan says of it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

import pytest

from dataset_fingerprints.dataset import Label, LabelScheme, Region
from dataset_fingerprints.errors import PlanError
from dataset_fingerprints.fingerprint import DatasetFingerprint, PartSummary
from experiments.rivals import parse_side
from planners import PLANNERS, PlanRequest, check_plan, explain_plan, make_plan
from planners.choices import resolve
from planners.editing.brief import main_reasons
from planners.halves import Halves
from planners.networks.memory_decisions import predict_configuration
from planners.parts import LOSSES, NORMALIZATIONS, PATCHES
from planners.parts.losses import DiceCrossEntropyOptions, DiceFocalOptions
from planners.parts.patches import CropsOnMaskOptions
from planners.plan import Configuration, Decision, Plan
from planners.rules.rule import Rule
from planners.rules.spacing import choose_resolution
from planners.rules.strategies import STRATEGIES
from planners.rules.strategy_facts import CONDITIONS, StrategyFacts, describe_targets, find_nested
from planners.rules.switches import RULES
from planners.sizing.strategy_changes import CHANGES, weigh_labels
from planners.stage_inputs import CropTo
from tests.synthetic.configurations import unet_of
from tests.synthetic.fingerprints import SyntheticCase, make_fingerprint, make_quantiles, repeat_case
from tests.synthetic.machines import CPU, GPU

BY_KIND = {kind: [name for name, rule in STRATEGIES.items() if rule.kind == kind] for kind in ("switched", "advice")}
# Of 8 GiB a patch is a small part of it, so that a low resolution is planned; of brains it is not.
BODY = SyntheticCase(body_shape=(320, 320, 320), volume_mm3=4000.0)
BRAIN = SyntheticCase(body_shape=(150, 190, 150), volume_mm3=50_000.0)
SLAB = SyntheticCase(body_shape=(200, 200, 30), spacing_mm=(0.9, 0.9, 5.0), volume_mm3=50_000.0)


def scans(
    case: SyntheticCase = BRAIN,
    count: int = 80,
    labels: int = 1,
    channels: Sequence[str] = ("CT",),
    contrast: float = 3.0,
    **of_labels: object,
) -> DatasetFingerprint:
    """Return large labels that stand out, in many scans of thin slices, unless said otherwise."""
    fingerprint = make_fingerprint(repeat_case(count, case), labels=labels, channels=channels)
    known = {"lesion_volume_mm3": make_quantiles([50_000.0]), "voxel_share": 0.1, **of_labels}
    changed = tuple(
        replace(label, contrast=tuple(make_quantiles([contrast]) for _ in channels), **known)  # type: ignore[arg-type]
        for label in fingerprint.labels
    )
    return replace(fingerprint, labels=changed)


PLAIN = scans()


def shapes(length_mm: float, thickness_mm: float, count: int = 20) -> DatasetFingerprint:
    return scans(
        count=count,
        lesion_extent_mm=make_quantiles([length_mm]),
        lesion_thinnest_mm=make_quantiles([thickness_mm]),
    )


def with_shares(*shares: float, names: Sequence[str] = ()) -> DatasetFingerprint:
    fingerprint = scans(labels=len(shares))
    labels = tuple(replace(one, voxel_share=share) for one, share in zip(fingerprint.labels, shares, strict=True))
    if not names:
        return replace(fingerprint, labels=labels)
    named = tuple(Label(name=name, value=value) for value, name in enumerate(names, start=1))
    return replace(fingerprint, labels=labels, scheme=LabelScheme(labels=named))


def nested(inner_share: float) -> DatasetFingerprint:
    """Return a tumour in a kidney: two regions of which one lies within the other."""
    fingerprint = with_shares(0.1 - inner_share, inner_share)
    regions = (Region(name="kidney", values=(1, 2)), Region(name="tumour", values=(2,)))
    scheme = replace(fingerprint.scheme, regions=regions, region_export_order=(1, 2))
    return replace(fingerprint, scheme=scheme)


def parts(*names: str) -> tuple[PartSummary, ...]:
    nothing = make_quantiles([])
    row = (nothing, nothing, nothing)
    return tuple(
        PartSummary(
            name=name,
            cases=10,
            subjects=10,
            spacing_mm=row,
            shape=row,
            cases_without=0.0,
            volume_mm3=nothing,
            body_median=(nothing,),
        )
        for name in names
    )


# By rule: scans for which it holds, and such for which it does not.
EXAMPLES: dict[str, tuple[DatasetFingerprint, DatasetFingerprint]] = {
    "patch_level": (scans(labels=2, contrast=0.5), scans(labels=2, contrast=2.0)),
    "dice_focal": (scans(contrast=-0.5), PLAIN),
    "thick_slices_2d": (scans(SLAB), PLAIN),
    "tubes_2d": (shapes(100.0, 4.0), shapes(20.0, 10.0)),
    "crop_cascade": (scans(BODY, voxel_share=0.001), scans(BODY, voxel_share=0.2)),
    "bias_correction": (scans(channels=("T1w", "ADC")), scans(channels=("CT",))),
    "brain_extraction": (scans(replace(BRAIN, background=None), channels=("T1w",)), scans(channels=("T1w",))),
    "one_side": (scans(lesion_count=make_quantiles([2.0])), PLAIN),
    "separate_models": (replace(PLAIN, groups=parts("prone", "supine")), replace(PLAIN, groups=parts("prone"))),
    "external_loss": (PLAIN, replace(PLAIN, sites=parts("Seoul", "Busan"))),
    "class_weights": (with_shares(0.1, 0.004), with_shares(0.1, 0.05)),
    "parent_organ": (nested(0.01), nested(0.05)),
    "label_loop": (scans(count=20, labels=5), scans(labels=5)),
    "all_channels": (scans(channels=("ADC", "DWI")), PLAIN),
    "short_of_memory": (scans(BODY), PLAIN),
}


def plan_with(fingerprint: DatasetFingerprint, *switches: str, **changes: object) -> Plan:
    request = replace(PlanRequest(machine=GPU, memory_gb=8.0, switches=switches), **changes)  # type: ignore[arg-type]
    plan = make_plan(fingerprint, request)
    check_plan(plan)
    return plan


def on(name: str, **changes: object) -> tuple[Plan, Plan]:
    """Return plans with a rule and without it, of scans for which it holds."""
    plans = [plan_with(EXAMPLES[name][0], f"{name}={state}", **changes) for state in ("on", "off")]
    return plans[0], plans[1]


def fullres(plan: Plan) -> Configuration:
    return next(entry for entry in plan.configurations if entry.name == "3d_fullres")


def decision(plan: Plan, name: str) -> Decision:
    (found,) = (entry for entry in plan.decisions if entry.field == f"rules.{name}")
    return found


def facts_of(fingerprint: DatasetFingerprint) -> StrategyFacts:
    return describe_targets(fingerprint, choose_resolution(fingerprint)[0])


def test_every_rule_has_a_condition_and_every_switched_one_a_change() -> None:
    assert set(CONDITIONS) == set(STRATEGIES)
    assert set(CHANGES) == set(BY_KIND["switched"])
    assert set(STRATEGIES) <= set(RULES)


@pytest.mark.parametrize("rule", STRATEGIES.values(), ids=STRATEGIES)
def test_every_rule_names_its_evidence_and_what_speaks_against_it_and_claims_no_test(rule: Rule) -> None:
    assert all((rule.meaning, rule.outcome, rule.source, rule.against))
    assert not rule.tested


def test_none_is_on_by_default() -> None:
    assert all(not set(STRATEGIES) & set(planner.rules) for planner in map(PLANNERS.get, PLANNERS.own()))  # type: ignore[union-attr]


@pytest.mark.parametrize("name", EXAMPLES)
def test_it_holds_where_it_should_and_not_elsewhere(name: str) -> None:
    would, would_not = (decision(plan_with(fingerprint), name) for fingerprint in EXAMPLES[name])
    outcome = STRATEGIES[name].outcome
    expected = {
        "switched": (f"off (untested): would have {outcome}", "off (untested), not for this data set"),
        "advice": (f"advice: {outcome}", "advice, not for this data set"),
        "always": (f"in every plan: {outcome}", "in every plan, not for this data set"),
    }[STRATEGIES[name].kind]
    assert (would.value, would_not.value) == expected
    for one in (would, would_not):
        assert one.rule == STRATEGIES[name].meaning
        assert f"In its source: {STRATEGIES[name].source}. Against it: {STRATEGIES[name].against}" in one.evidence


@pytest.mark.parametrize("name", BY_KIND["switched"])
def test_off_it_changes_nothing_and_on_only_where_it_holds(name: str) -> None:
    if name in EXAMPLES:
        fits, other = EXAMPLES[name]
        left, right = (plan_with(other, *switches) for switches in ((f"{name}=on",), ()))
        assert left.configurations == right.configurations
        assert left.default_configuration == right.default_configuration
        assert decision(left, name).value == "on (untested), not for this data set"
    else:
        fits = PLAIN
    changed, same = plan_with(fits, f"{name}=on"), plan_with(fits, f"{name}=off")
    assert (changed.configurations, changed.default_configuration) != (same.configurations, same.default_configuration)
    assert (same.configurations, same.default_configuration) == (
        plan_with(fits).configurations,
        plan_with(fits).default_configuration,
    )
    assert decision(changed, name).value == f"on (untested): {STRATEGIES[name].outcome}"
    assert decision(changed, name).change == f"--rule {name}=off"
    assert decision(same, name).change == f"--rule {name}=on"
    assert changed.rules == (name,)


@pytest.mark.parametrize("name", [name for name in STRATEGIES if name not in BY_KIND["switched"]])
def test_what_the_planner_does_not_carry_out_cannot_be_switched(name: str) -> None:
    what = "advice that the planner cannot carry out" if name in BY_KIND["advice"] else "Every plan has it"
    with pytest.raises(PlanError, match=f"--rule {name}=on: cannot be switched. .*{what}"):
        plan_with(PLAIN, f"{name}=on")


def test_ambiguous_parts_of_a_target_are_trained_on_16_crops_that_hold_labels() -> None:
    plan, _ = on("patch_level")
    for configuration in plan.configurations:
        patches = resolve(configuration.sampling.patches, PATCHES, "patches")
        assert patches == CropsOnMaskOptions(count=16)
    fields = [entry.field for entry in plan.decisions]
    assert "sampling.patches" in fields
    assert "sampling.patches.options.foreground_share" not in fields, "what was said of other patches"


def test_a_single_faint_label_is_not_heterogeneous() -> None:
    assert facts_of(scans(contrast=0.5)).find("patch_level").holds is False


@pytest.mark.parametrize("planner", ["default", "nnunet"])
def test_faint_or_small_targets_get_dice_plus_focal(planner: str) -> None:
    plan, without = on("dice_focal", planner=planner)
    for configuration, before in zip(plan.configurations, without.configurations, strict=True):
        loss, other = (resolve(one.training.loss, LOSSES, "loss") for one in (configuration, before))
        assert isinstance(loss, DiceFocalOptions)
        assert isinstance(other, DiceCrossEntropyOptions)
        assert loss.batch_dice == other.batch_dice
    small = scans(lesion_volume_mm3=make_quantiles([30.0]))
    assert facts_of(small).find("dice_focal").holds is True


def test_squeeze_and_excitation_is_at_every_level_and_patches_are_sized_with_it() -> None:
    plan, without = (plan_with(PLAIN, *switches, memory_gb=6.0) for switches in (("squeeze_excitation=on",), ()))
    assert {unet_of(entry).attention for entry in plan.configurations} == {"squeeze_excitation"}
    assert {unet_of(entry).attention for entry in without.configurations} == {"none"}
    assert predict_configuration(plan, fullres(plan)).total() / 2**30 <= 6.0
    seen = [fullres(one).batch_size * fullres(one).patch_shape[0] for one in (plan, without)]
    assert seen[0] <= seen[1], "what it keeps in memory is taken off patch or batch"


def test_thick_slices_and_few_tubes_are_segmented_in_2d_by_default_and_3d_stays_planned() -> None:
    for name in ("thick_slices_2d", "tubes_2d"):
        plan, without = on(name)
        assert (plan.default_configuration, without.default_configuration) == ("2d", "3d_fullres")
        assert plan.configurations == without.configurations
        (found,) = (entry for entry in plan.decisions if entry.field == "default_configuration")
        assert found.value == "2d"
    assert facts_of(shapes(100.0, 4.0, count=200)).find("tubes_2d").holds is False, "not a small set"


def test_thin_slices_that_are_thicker_than_pixels_are_not_thick() -> None:
    assert facts_of(scans(replace(SLAB, spacing_mm=(0.5, 0.5, 2.0)))).find("thick_slices_2d").holds is False
    assert facts_of(scans(replace(SLAB, spacing_mm=(4.0, 4.0, 4.0)))).find("thick_slices_2d").holds is False


def test_a_tiny_target_in_a_large_image_is_cropped_to_what_the_low_resolution_finds() -> None:
    plan, without = on("crop_cascade")
    *others, cropped = plan.configurations
    assert tuple(others) == without.configurations
    assert cropped == replace(
        fullres(plan), name="3d_crop_fullres", inputs=(CropTo(configuration="3d_lowres", margin_mm=10.0),)
    )
    assert (plan.default_configuration, without.default_configuration) == ("3d_crop_fullres", "3d_fullres")
    assert (
        decision(plan_with(scans(voxel_share=0.001)), "crop_cascade").value == "off (untested), not for this data set"
    )


@pytest.mark.parametrize("hours", [5.0, 0.05])
def test_in_a_short_time_the_cropped_configuration_comes_first_too(hours: float) -> None:
    machine = replace(CPU, multiplications_per_second=1e11)
    for rule, default in (("crop_cascade", "3d_crop_fullres"), ("thick_slices_2d", "2d")):
        plan = plan_with(EXAMPLES[rule][0], f"{rule}=on", machine=machine, max_hours=hours)
        (found,) = (entry for entry in plan.decisions if entry.field == "default_configuration")
        assert plan.default_configuration == found.value == default
        assert {entry.training.iterations for entry in plan.configurations} != {250_000}


def test_mr_channels_are_corrected_and_maps_and_ct_are_not() -> None:
    plan, without = on("bias_correction")
    for entry, corrected in ((plan, [True, False]), (without, [False, False])):
        choices = [resolve(one, NORMALIZATIONS, "normalization") for one in fullres(entry).preprocessing.normalization]
        assert [choice.bias_correction for choice in choices] == corrected  # type: ignore[attr-defined]


def test_rare_labels_weigh_as_many_times_more_as_they_are_rarer_up_to_ten() -> None:
    """Labels of 10 %, 1 % and 0.4 % of the body: 1, 10 and, instead of 25, 10 times; background counts once."""
    assert weigh_labels((0.1, 0.05, 0.01, 0.004, 0.0)) == (1.0, 2.0, 10.0, 10.0, 10.0)
    plan, _ = on("class_weights")
    loss = resolve(fullres(plan).training.loss, LOSSES, "loss")
    assert isinstance(loss, DiceCrossEntropyOptions)
    assert loss.class_weights == (1.0, 1.0, 10.0)
    pooled = plan_with(EXAMPLES["class_weights"][0], "class_weights=on", planner="nnunet")
    assert all("class_weights" in entry.training.loss.options for entry in pooled.configurations)


def test_focal_loss_and_class_weights_exclude_each_other() -> None:
    faint = with_shares(0.1, 0.004)
    faint = replace(faint, labels=tuple(replace(one, contrast=(make_quantiles([0.2]),)) for one in faint.labels))
    with pytest.raises(PlanError, match="exclude each other: focal loss has no weights of classes"):
        plan_with(faint, "dice_focal=on", "class_weights=on")


def test_a_fine_structure_is_segmented_in_the_box_of_what_holds_it() -> None:
    plan, without = on("parent_organ")
    assert "3d_lowres" not in {entry.name for entry in without.configurations}
    cropped = plan.configurations[-1]
    assert cropped.inputs == (CropTo(configuration="3d_fullres", margin_mm=10.0),)
    assert plan.default_configuration == cropped.name == "3d_crop_fullres"


def test_organs_on_both_sides_are_learned_from_halves_for_which_patches_are_planned() -> None:
    plan, without = on("one_side")
    assert {entry.halves for entry in plan.configurations} == {Halves(axis=0, mirrored="first")}
    assert {entry.halves for entry in without.configurations} == {None}
    asked = plan_with(EXAMPLES["one_side"][0], halves=Halves())
    assert plan.configurations == asked.configurations, "as with --set halves={}"
    both = plan_with(EXAMPLES["one_side"][0], "one_side=on", halves=Halves(axis=2))
    assert {entry.halves for entry in both.configurations} == {Halves(axis=2)}, "a person's word counts"
    (said,) = (entry for entry in plan.decisions if entry.field == "halves")
    assert said.value == "left and right, the left one mirrored"


@pytest.mark.parametrize("names", [("left kidney", "right_kidney"), ("LeftLung", "RightLung"), ("hippo_l", "hippo_r")])
def test_labels_that_tell_sides_apart_have_to_be_joined_before_sides_are_made_one(names: tuple[str, ...]) -> None:
    found = facts_of(with_shares(0.1, 0.1, names=names)).find("one_side")
    assert found.holds is False
    assert found.evidence == f"labels that name a side ({', '.join(names)}) would have to be joined before"


def test_a_single_slice_has_no_halves() -> None:
    flat = scans(replace(BRAIN, body_shape=(150, 190, 1)), lesion_count=make_quantiles([2.0]))
    assert facts_of(flat).find("one_side").holds is False


def test_regions_nest_where_one_is_made_of_some_values_of_the_other() -> None:
    scheme = LabelScheme(
        labels=tuple(Label(name=str(value), value=value) for value in (1, 2, 3)),
        regions=(
            Region(name="whole", values=(1, 2, 3)),
            Region(name="core", values=(2, 3)),
            Region(name="x", values=(3,)),
        ),
        region_export_order=(1, 2, 3),
    )
    inner, outer, share = find_nested(scheme, {1: 0.04, 2: 0.03, 3: 0.01}) or ("", "", 0.0)
    assert (inner, outer, share) == ("x", "whole", pytest.approx(0.125))
    assert find_nested(LabelScheme(labels=scheme.labels), {1: 0.1, 2: 0.1, 3: 0.1}) is None


def test_what_was_not_measured_is_said_and_changes_nothing() -> None:
    bare = make_fingerprint(repeat_case(5, SyntheticCase(body_shape=(50, 60, 50), volume_mm3=0.0)), labels=2)
    bare = replace(bare, labels=tuple(replace(one, contrast=(make_quantiles([]),)) for one in bare.labels))
    plan = plan_with(bare, "patch_level=on", "dice_focal=on", "tubes_2d=on", "crop_cascade=on", "class_weights=on")
    assert plan.configurations == plan_with(bare).configurations
    for name in ("patch_level", "dice_focal", "tubes_2d"):
        assert decision(plan, name).value == "on (untested), not known of this data set"


def test_explain_lists_rules_that_are_off_but_would_have_changed_the_plan() -> None:
    row = main_reasons(plan_with(EXAMPLES["dice_focal"][0]))[-1]
    assert (row.what, row.value) == ("Rules that are off", "dice_focal, squeeze_excitation")
    assert "--rule NAME=on" in row.why
    rows = {row[1]: row for row in explain_plan(plan_with(PLAIN))[-1].rows}
    assert all(rows[f"rules.{name}"][0] == f"Rule {name}" for name in STRATEGIES)
    everything = plan_with(EXAMPLES["dice_focal"][0], "dice_focal=on", "squeeze_excitation=on")
    assert all(row.what != "Rules that are off" for row in main_reasons(everything))


@pytest.mark.parametrize("name", BY_KIND["switched"])
def test_a_contest_of_ways_to_plan_takes_each_as_one_side(name: str) -> None:
    side = parse_side(f"{name}=--rule {name}=on")
    assert (side.name, side.options) == (name, f"--rule {name}=on")


@pytest.mark.parametrize(
    "names", [("squeeze_excitation", "dice_focal", "crop_cascade"), tuple(BY_KIND["switched"][:8])]
)
@pytest.mark.parametrize("make", [lambda: EXAMPLES["crop_cascade"][0], lambda: scans(SLAB, labels=2, contrast=0.1)])
def test_several_rules_at_once_make_a_plan(names: tuple[str, ...], make: Callable[[], DatasetFingerprint]) -> None:
    plan = plan_with(make(), *(f"{name}=on" for name in names))
    assert set(plan.rules) == set(names)
