"""A crop cascade of the default planner's networks: a coarse one finds a box, a fine one looks at what is in it."""

from __future__ import annotations

from dataclasses import replace

from dataset_fingerprints.fingerprint import DatasetFingerprint
from dataset_fingerprints.geometry import show_spacing
from experiments.recipes.building import FULL, coarsen, find_volumes, merge_labels
from experiments.recipes.recipe import Figure, Recipe
from planners.plan import Configuration, Decision, Plan
from planners.planner import PlanRequest
from planners.presets import PLANNERS
from planners.stage_inputs import CropTo

NAME = "box_cascade"
LOCATE, REFINE = "locate", "refine"
LOW = "3d_lowres"
MARGIN_MM, THRESHOLD = 20.0, 0.1
# Where the default planner sees no need of a low resolution.
COARSER = 2.0


def make(fingerprint: DatasetFingerprint, request: PlanRequest) -> Plan:
    """Return the plan: `locate` finds all labels as one on coarse voxels, `refine` is the default in their box.

    Raises:
        PlanError: scans are single slices.
    """
    # Of a time, each of the two networks gets half.
    hours = None if request.max_hours is None else request.max_hours / 2
    plan = PLANNERS["default"].plan(fingerprint, replace(request, max_hours=hours))
    fine = find_volumes(plan)
    low = next((one for one in plan.configurations if one.name == LOW), _coarsen(fine))
    locate = replace(low, name=LOCATE, targets=merge_labels(plan))
    crop = CropTo(configuration=LOCATE, margin_mm=MARGIN_MM, threshold=THRESHOLD)
    refine = replace(fine, name=REFINE, inputs=(crop,))
    return replace(
        plan,
        configurations=(locate, refine),
        default_configuration=REFINE,
        decisions=(*_keep(plan), _explain(locate)),
    )


def _coarsen(fine: Configuration) -> Configuration:
    finest = min(fine.preprocessing.spacing_mm)
    return replace(fine, preprocessing=coarsen(fine.preprocessing, COARSER * finest))


def _keep(plan: Plan) -> tuple[Decision, ...]:
    """Return the decisions that hold for the cascade, by its names; which network is the default is none of them."""
    names = {FULL: REFINE, LOW: LOCATE}
    planned = {one.name for one in plan.configurations}
    kept = []
    for one in plan.decisions:
        first, dot, rest = one.field.partition(".")
        if first not in ("configurations", "default_configuration") and (first in names or first not in planned):
            kept.append(replace(one, field=f"{names.get(first, first)}{dot}{rest}"))
    return tuple(kept)


def _explain(locate: Configuration) -> Decision:
    return Decision(
        field=f"{REFINE}.inputs",
        value=f"the box of {LOCATE} and {MARGIN_MM:g} mm around it",
        rule="What is small in a large scan is looked for on coarse voxels, then segmented in the box around it.",
        evidence=f"{LOCATE} has voxels of {show_spacing(locate.preprocessing.spacing_mm)} mm; a voxel counts from a "
        f"probability of {THRESHOLD:g}",
        change="--planner default",
    )


BOX_CASCADE = Recipe(
    name=NAME,
    title="The default plan as a crop cascade: a coarse network finds the box that the fine one looks at.",
    citation="Thesis on segmentation by deep learning, Asan Medical Center, 2020 or later, section 4.1: a large image"
    " with a small target asks for a cascade, of which it says, without figures, that it was better for kidneys than"
    " one network",
    data="CT of 862 patients with lesions of the pancreas (section 3.5), kidneys of 36 patients (section 3.4).",
    make=make,
    published=(
        Figure(of="pancreas; focal lesions in it, by a cascade", measure="DSC", value="more than 90 %; about 60 %"),
        Figure(of="kidneys: cascade beside one 3D U-Net", measure="DSC", value="higher"),
    ),
    not_stated=(
        "networks, loss and optimiser of the general rule: those of the default planner",
        f"resolution of the first network: the default planner's low one, or voxels whose edges are all at least"
        f" {COARSER:g} times the finest",
        f"margin and threshold of the box: {MARGIN_MM:g} mm, {THRESHOLD:g}; in training the reference's box",
        "what the first network learns, and boxes: all labels as one; one box around all that it found",
    ),
)
