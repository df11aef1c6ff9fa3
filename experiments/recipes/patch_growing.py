"""Progressive growing of patch size (PGPS, Fischer 2024 and 2025) on the default planner's plan, and on nnU-Net's."""

from __future__ import annotations

from dataclasses import replace
from functools import partial

from dataset_fingerprints.fingerprint import DatasetFingerprint
from dataset_fingerprints.geometry import show_lengths
from experiments.recipes.recipe import Figure, Recipe
from planners.choices import Choice
from planners.plan import Configuration, Decision, Plan
from planners.planner import PlanRequest
from planners.presets import PLANNERS
from planners.sizing.growth import list_sizes
from planners.time_budget import steps_within

EFFICIENCY = Choice(name="progressive", options={"batch": "same"})
PERFORMANCE = Choice(name="progressive", options={"batch": "filled"})
# "replicate standard nnUNet setting (batchsize=2 -> oversampling=0.5)": their trainer.
FOREGROUND_SHARE = 0.5
# Decisions of the planner that do not hold any more.
CHANGED = ("training.iterations", "foreground_share")


def plan_growing(fingerprint: DatasetFingerprint, request: PlanRequest, *, planner: str, growth: Choice) -> Plan:
    """Return a planner's plan in which every configuration's patches grow during its training."""
    plan = PLANNERS[planner].plan(fingerprint, request)
    configurations = tuple(_grow(entry, plan, growth) for entry in plan.configurations)
    kept = tuple(entry for entry in plan.decisions if not entry.field.endswith(CHANGED))
    growing = Decision(
        field="training.growth",
        value=f"{growth.name}, {growth.options['batch']} batch",
        rule="Patches grow from the smallest that the network takes to the planned one, each size for as many steps "
        "(Fischer 2024); half of the patches hold foreground.",
        evidence="; ".join(map(_describe, configurations)),
        change="--set training.growth=none",
    )
    return replace(plan, configurations=configurations, decisions=(*kept, growing))


def _describe(configuration: Configuration) -> str:
    smallest, steps = list_sizes(configuration)[0], configuration.training.iterations
    size = f"{smallest.batch_size} of {show_lengths(smallest.network_patch())} voxels"
    return f"{configuration.name} begins with {size}, in {steps:,} steps"


def _grow(configuration: Configuration, plan: Plan, growth: Choice) -> Configuration:
    sampling, training = configuration.sampling, replace(configuration.training, growth=growth)
    patches = Choice(
        name=sampling.patches.name, options={**sampling.patches.options, "foreground_share": FOREGROUND_SHARE}
    )
    grown = replace(configuration, sampling=replace(sampling, patches=patches), training=training)
    steps = steps_within(grown, plan)
    return grown if steps is None else replace(grown, training=replace(training, iterations=steps))


CITATION = (
    "Fischer SM, Felsner L, Osuala R, Kiechle J, Lang DM, Peeken JC, Schnabel JA (2024). Progressive Growing of Patch "
    "Size: Resource-Efficient Curriculum Learning for Dense Prediction Tasks. MICCAI, arXiv:2407.07853. Fischer SM et "
    "al. (2025). Progressive Growing of Patch Size: Curriculum Learning for Accelerated and Improved Medical Image "
    "Segmentation. arXiv:2510.23241. Rule: github.com/compai-lab/2024-miccai-fischer, nnUNetTrainer_PGPS and _PGPS+."
)
DATA = "the ten tasks of the Medical Segmentation Decathlon (2024); fifteen 3D tasks (2025)."
NOT_STATED = (
    "batch size of the performance mode beside a planned batch of more than two patches: grown from the planned batch "
    "as from theirs of two",
    "several configurations in one plan: all of them grow",
)
DEVIATIONS = (
    "Steps, not epochs, are divided evenly among the sizes.",
    "The first axis, which starts twice as long, is the first of the canonical ones; theirs is nnU-Net's first, the "
    "one of the largest spacing.",
    "Their trainer adds what is left after a division of the epochs by the sizes to the last size; here the sizes' "
    "numbers of steps differ by one at most.",
)

PATCH_GROWING = Recipe(
    name="patch_growing",
    title="The default plan with patches that grow during the training (Fischer 2024), with the planned batch.",
    citation=CITATION,
    data=DATA,
    make=partial(plan_growing, planner="default", growth=EFFICIENCY),
    published=(
        Figure(of="efficiency mode, 15 tasks", measure="Dice", value="equal to a constant patch's"),
        Figure(of="efficiency mode, 15 tasks", measure="training time beside a constant patch", value="44 %"),
        Figure(of="10 tasks of the Decathlon (2024)", measure="tasks with a better Dice", value="7 of 10"),
        Figure(of="10 tasks of the Decathlon (2024)", measure="training time beside a constant patch", value="50 %"),
    ),
    not_stated=NOT_STATED,
    deviations=(
        *DEVIATIONS,
        "The default planner's patch, batch, network, loss and optimiser in place of nnU-Net's; on a CPU small ones.",
    ),
)
PATCH_GROWING_FILLED = replace(
    PATCH_GROWING,
    name="patch_growing_filled",
    title="The default plan with patches that grow and batches that fill what small ones leave (Fischer 2025).",
    make=partial(plan_growing, planner="default", growth=PERFORMANCE),
    published=(
        Figure(of="performance mode, 15 tasks", measure="relative gain in mean Dice", value="1.28 %"),
        Figure(of="performance mode, 15 tasks", measure="training time beside a constant patch", value="89 %"),
    ),
)
PATCH_GROWING_NNUNET = replace(
    PATCH_GROWING,
    name="patch_growing_nnunet",
    title="nnU-Net's default plan with patches that grow during the training (Fischer 2024), with the planned batch.",
    make=partial(plan_growing, planner="nnunet", growth=EFFICIENCY),
    deviations=DEVIATIONS,
    memory_gb=8.0,
)
