"""What teams of ISLES'26 found to hold on ATLAS R3.0: a loss, a filter of components; and their best single network."""

from __future__ import annotations

from dataclasses import replace

from dataset_fingerprints.fingerprint import DatasetFingerprint
from experiments.recipes.recipe import Figure, Recipe
from planners.choices import Choice, choose, resolve
from planners.parts.networks import NETWORKS, UNetOptions, size_mednext
from planners.plan import Configuration, Plan, PostprocessingCandidates
from planners.planner import PlanRequest
from planners.presets import PLANNERS

# adinathdukre's grid, in mm3; 30 was taken.
SMALLEST_MM3 = (0.0, 10.0, 20.0, 30.0, 40.0, 80.0, 120.0)
# LeonickyLiu's: a component stays from 100 to 300 mm3, or from a peak of .60 to .65; masks begin at .35 to .425.
LARGE_MM3, PEAKS = (100.0, 200.0, 300.0), (0.6, 0.65)
THRESHOLDS = (0.35, 0.4, 0.425, 0.5)
TOPK = Choice(name="dice_topk", options={"hardest_fraction": 0.1})


def plan_topk_filter(fingerprint: DatasetFingerprint, request: PlanRequest) -> Plan:
    """Return the plan of nnU-Net's residual encoder M with Dice and TopK10, and the filters as candidates."""
    plan = PLANNERS["nnunet-resenc-m"].plan(fingerprint, request)
    configurations = tuple(map(_with_topk, plan.configurations))
    candidates = tuple(map(_with_filters, plan.postprocessing))
    # The planner's own candidates are not those that are tried.
    kept = tuple(entry for entry in plan.decisions if not entry.field.startswith("postprocessing."))
    return replace(plan, configurations=configurations, postprocessing=candidates, decisions=kept)


def _with_topk(configuration: Configuration) -> Configuration:
    pooled = configuration.training.loss.options.get("batch_dice", False)
    loss = replace(TOPK, options={**TOPK.options, "batch_dice": pooled})
    return replace(configuration, training=replace(configuration.training, loss=loss))


def _with_filters(candidates: PostprocessingCandidates) -> PostprocessingCandidates:
    # Labels that compete with each other have no threshold of their own.
    return replace(
        candidates,
        min_volumes_mm3=SMALLEST_MM3,
        large_volumes_mm3=LARGE_MM3,
        peaks=PEAKS,
        thresholds=THRESHOLDS if candidates.thresholds else (),
    )


# Of MedNeXt: as many as nnU-Net's plan has, but no more.
LEVELS = 5
# Their trainer: AdamW with this rate, and nnU-Net's weight decay.
ADAMW = Choice(name="adamw", options={"lr": 1e-3, "weight_decay": 3e-5})
# That nnU-Net plans its usual patch for, whatever the card: 128x128x128, two of them, on ATLAS.
REFERENCE_GB = 8.0


def plan_mednext(fingerprint: DatasetFingerprint, request: PlanRequest) -> Plan:
    """Return nnU-Net's plan with MedNeXt-S of kernel 3 in place of the U-Net, in its five finest levels."""
    plan = PLANNERS["nnunet"].plan(fingerprint, replace(request, memory_gb=REFERENCE_GB))
    configurations = tuple(map(_with_mednext, plan.configurations))
    kept = tuple(entry for entry in plan.decisions if not entry.field.endswith((".network", "training.iterations")))
    return replace(plan, memory_gb=request.memory_gb, configurations=configurations, decisions=kept)


def _with_mednext(configuration: Configuration) -> Configuration:
    unet = resolve(configuration.network, NETWORKS, "network")
    assert isinstance(unet, UNetOptions)
    strides = unet.strides[:LEVELS]
    network = size_mednext("S", [(3,) * len(strides[0])] * len(strides), strides)
    training = replace(configuration.training, optimizer=ADAMW)
    return replace(configuration, network=choose("mednext", network), training=training)


DATA = "ATLAS R3.0: 1,453 T1w scans of 55 sites, out of fold in a five-fold cross-validation."
AQ = "github.com/AQ-MedAI/antbrain-isles26-challenge (README)"

ISLES26_TOPK_FILTER = Recipe(
    name="isles26_topk_filter",
    title="nnU-Net's residual encoder M with Dice and TopK10, and filters of components by volume or confidence.",
    citation=(
        "Teams of ISLES'26 (2026): github.com/adinathdukre/isles26-voxels-or-millimetres (filter in mm3), "
        "github.com/LeonickyLiu/ISLES26_4_ensemble (Dice and TopK10; size or confidence)."
    ),
    data=DATA,
    make=plan_topk_filter,
    published=(
        Figure(of="ResEnc-M, 500 epochs, 30 mm3 filter", measure="Dice", value=".6565", n=1453),
        Figure(of="ResEnc-M, 500 epochs, 30 mm3 filter", measure="strict F1", value=".6097", n=1453),
        Figure(of="ResEnc-M, 30 mm3 filter against none", measure="F1", value=".590 against .533", n=1453),
        Figure(of="size or confidence against neither", measure="F1", value=".617 against .568", n=1453),
        Figure(of="ResEnc-M, TopK10 and two more losses, 20 checkpoints", measure="Dice", value=".6665", n=1453),
        Figure(of="two seeds of one training", measure="difference in Dice", value=".0043", n=1453),
    ),
    not_stated=(
        "epochs with Dice and TopK10 alone: nnU-Net's 1,000; the filter's figures are of 500",
        "which filter: all of the published grids are candidates, and out-of-fold masks decide (`autoseg select`)",
    ),
    deviations=(
        "One network per fold in place of their ensembles of 4 networks and 5 folds.",
        "Their losses MSL and ICI are left out: MSL did not hold in the other team's repetition.",
    ),
    memory_gb=REFERENCE_GB,
)
MEDNEXT_S = Recipe(
    name="mednext_s",
    title="MedNeXt-S with kernel 3 (Roy 2023) in nnU-Net's default plan: the best single network of ISLES'26.",
    citation=(
        "Roy S, Koehler G, Ulrich C, et al. (2023). MedNeXt: Transformer-driven Scaling of ConvNets for Medical Image "
        f"Segmentation. MICCAI, arXiv:2303.09975; on ATLAS: {AQ}."
    ),
    data=DATA,
    make=plan_mednext,
    published=(
        Figure(of="MedNeXt-S k3, 1,000 epochs", measure="Dice", value=".6613", n=1453),
        Figure(of="nnU-Net default, 1,000 epochs", measure="Dice", value=".6523", n=1453),
        Figure(of="MedNeXt-S k3", measure="F1 (any overlap)", value=".674", n=1453),
        Figure(of="MedNeXt-S k3", measure="absolute difference of lesion counts", value="1.88", n=1453),
        Figure(of="MedNeXt-S k3", measure="absolute volume difference, mL", value="5.22", n=1453),
    ),
    not_stated=(
        "voxel size, patch and batch on ATLAS: nnU-Net's; Roy 2023 takes 1 mm, 128x128x128 and 2",
        "optimiser on ATLAS: AdamW of rate 0.001 with polynomial decay, as in the trainers of Roy 2023",
        "initial weights: torch's own random ones",
    ),
    deviations=(
        "The team gives 10.5 million parameters. That is size B in Roy 2023 (table 1); size S has 5.6 million, and is "
        "what is planned here.",
        "Where nnU-Net halves some axes only, so does this network; Roy 2023 halves all of them.",
        "AdamW's epsilon is torch's 1e-8.",
    ),
)
