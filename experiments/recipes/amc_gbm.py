"""Glioblastoma at Asan Medical Center: an initial segmentation of eighths of a scan, then one of random crops."""

from __future__ import annotations

from dataclasses import replace
from functools import partial

from dataset_fingerprints.fingerprint import DatasetFingerprint
from dataset_fingerprints.names import counted
from experiments.recipes.building import choose_stripe, find_volumes, keep_changes, make_unet, train_by_adam
from experiments.recipes.recipe import Figure, Recipe
from planners.choices import Choice, choose
from planners.plan import Configuration, Plan
from planners.planner import PlanRequest
from planners.presets import PLANNERS
from planners.stage_inputs import Initial

NAME = "amc_gbm_initial_fine"
INPUT, STEPS = (176, 208, 96), 25_000
NETWORK = replace(make_unet((32, 64, 128, 256, 512), axes=3), attention="squeeze_excitation", dropout=0.05)
AUGMENTATION = keep_changes("rotation", "scaling")
# Table 3.1, by the number of crops: DSC, JSC, MSD and HD of the enhancing tumour, then of the tumour core.
TABLE = {
    1: "0.648±0.213 0.511±0.226 2.592±2.176 19.812±12.224 0.445±0.282 0.324±0.231 4.446±4.172 22.538±8.971",
    2: "0.707±0.158 0.567±0.181 1.942±1.325 27.700±18.736 0.641±0.262 0.517±0.258 2.517±2.236 17.402±4.541",
    4: "0.771±0.126 0.642±0.158 1.577±1.227 15.817±6.135 0.717±0.202 0.594±0.242 1.608±1.246 16.019±4.130",
    8: "0.823±0.104 0.711±0.140 1.105±0.787 15.802±10.010 0.778±0.150 0.658±0.198 1.363±0.927 15.933±4.155",
    16: "0.844±0.092 0.725±0.127 1.167±0.810 25.383±22.862 0.848±0.147 0.759±0.202 1.639±1.199 15.870±5.105",
    32: "0.804±0.095 0.675±0.194 1.181±0.912 22.473±17.766 0.811±0.147 0.707±0.231 1.884±1.207 15.991±4.753",
}
SCORED = [
    (label, measure) for label in ("enhancing tumour", "tumour core") for measure in ("DSC", "JSC", "MSD mm", "HD mm")
]
SUMMARY = (
    Figure(
        of="sub-volumes with tumour, initial phase", measure="precision, recall, DSC", value="more than 90 %", n=112
    ),
    Figure(of="Table 4.1, internal", measure="DSC", value="0.81±0.11"),
    Figure(of="Table 4.1, BraTS 2017", measure="DSC", value="0.79±0.18"),
)
NOT_STATED = (
    "features: 32 to 512 on five levels of two convolutions, with which it has the 23 of the U-Net in chapter 2",
    "norm and activation: instance norm, leaky ReLU",
    "reduction of squeeze and excitation, and where it is: 16, at the end of every level",
    "where spatial dropout is: at the end of every level, behind squeeze and excitation",
    "batch: 1; steps: 25,000 per phase for any number of crops (the source: with more crops, fewer and longer epochs)",
    "schedule: a constant rate; gradients clipped as elsewhere here; the last weights are kept",
    "ranges of rotation and resizing: nnU-Net's",
    "where in a crop its voxel of the mask lies: anywhere; enhancing tumour and core are drawn alike",
    "settings of bias correction: N4 as elsewhere here; of WhiteStripe: those of the R package (5 % to either side)",
    "how a whole scan is predicted: tiles of the network's input that overlap by half, with flips",
)
DEVIATIONS = (
    "Scans are not resized: 352x416x192 halved along each axis is eight boxes of 176x208x96. The source says that it"
    " avoided resizing, and that it resized 352x416x192, or 512x512x256, to this input. Voxels have the size planned"
    " for the data set; where boxes reach out of a scan, they are padded, and what lies beyond them is not trained on.",
    "Cross-entropy, as section 3.1 says; Table 4.1 says DSC.",
    "The initial phase trains the U-Net, as section 3.1 says of its network; elsewhere it is a conventional method.",
    "All channels are seen: section 3.1 has T1CE, Table 4.1 T1CE and FLAIR (whose largest peak is the stripe).",
    "Brains are not extracted, as Table 4.1 lists: bring scans of brains, and set normalization.options.brain_only.",
    "Validation by folds, where the source split 103 patients once: 75 for training, 14, 14.",
)


def make(fingerprint: DatasetFingerprint, request: PlanRequest, crops: int) -> Plan:
    """Return the plan: `initial` on eighths of a scan, then from its weights `fine` on random crops on the mask.

    Raises:
        PlanError: scans are single slices.
    """
    plan = PLANNERS["default"].plan(fingerprint, request)
    basis, stripes = find_volumes(plan), tuple(choose_stripe(channel) for channel in plan.channels)
    basis = replace(basis, preprocessing=replace(basis.preprocessing, normalization=stripes))
    initial = _configure(basis, "initial", Choice(name="grid", options={"parts": [2, 2, 2]}))
    fine = _configure(basis, "fine", Choice(name="crops_on_mask", options={"count": crops}))
    fine = replace(fine, initial=Initial(configuration="initial"))
    return replace(plan, configurations=(initial, fine), default_configuration="fine", decisions=())


def _configure(basis: Configuration, name: str, patches: Choice) -> Configuration:
    loss = Choice(name="cross_entropy")
    return replace(
        basis,
        name=name,
        patch_shape=INPUT,
        batch_size=1,
        network=choose("unet", NETWORK),
        sampling=replace(basis.sampling, patches=patches, augmentations=(AUGMENTATION,)),
        training=train_by_adam(basis.training, loss, steps=STEPS, lr=5e-5, weight_decay=1e-6),
    )


def _publish(crops: int, name: str) -> Recipe:
    scores = zip(SCORED, TABLE[crops].split(), strict=True)
    where = counted(crops, "crop")
    rows = [Figure(of=f"{label}, {where}", measure=what, value=value, n=14) for (label, what), value in scores]
    return Recipe(
        name=name,
        title=f"Glioblastoma found in eighths of a scan, then segmented in {counted(crops, 'random crop')} per case.",
        citation="Thesis on segmentation by deep learning, Asan Medical Center, 2020 or later, sections 3.1 and 4.1",
        data="T1-weighted scans with contrast agent of 103 patients with glioblastoma: enhancing tumour, tumour core.",
        make=partial(make, crops=crops),
        published=(*rows, *SUMMARY) if name == NAME else tuple(rows),
        not_stated=NOT_STATED,
        deviations=DEVIATIONS,
    )


# 16 crops were best. The others are of the source's table, too.
AMC_GBM = _publish(16, NAME)
CROPS_1, CROPS_2, CROPS_4, CROPS_8, CROPS_32 = (_publish(count, f"{NAME}_{count}") for count in (1, 2, 4, 8, 32))
