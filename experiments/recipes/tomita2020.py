"""Tomita 2020: a 3D residual U-Net that learns on small sub-volumes, then goes on with large ones; on ATLAS R1.2."""

from __future__ import annotations

from dataclasses import replace
from functools import partial

from dataset_fingerprints.fingerprint import DatasetFingerprint
from experiments.recipes.building import count_training_cases, find_volumes
from experiments.recipes.recipe import Figure, Recipe
from planners.choices import Choice, choose
from planners.parts.networks import UNetOptions
from planners.plan import Configuration, Plan, Prediction, Sampling
from planners.planner import PlanRequest
from planners.presets import PLANNERS
from planners.stage_inputs import Initial

# In voxels of 1 mm: 24 % and 48 % of 197x233x189.
SMALL, LARGE = (128, 128, 128), (144, 172, 168)
# 32 convolutions, 3 means over halved maps, 14 sums of residual blocks and 3 concatenations: 52.
NETWORK = UNetOptions(
    features=(32, 64, 128, 256),
    kernels=((3, 3, 3),) * 4,
    strides=((1, 1, 1), *((2, 2, 2),) * 3),
    encoder_blocks=(1, 2, 2, 4),
    decoder_blocks=(1, 2, 2),
    block="residual",
    decoder_block="residual",
    stem=False,
    shortcut="padding",
    norm="group",
    groups=8,
    deep_supervision=False,
)
LOSS = Choice(name="dice_ce", options={"dice_weight": 0.9, "cross_entropy_weight": 0.1})
CENTRE = Prediction(step_share=0.5, mirror_axes=(), gaussian_sigma_share=0.125, centre_shape=LARGE, tile_shape=LARGE)
EPOCHS_IN, EPOCHS_OUT, CYCLE = 1200, 150, 50  # passes over the training cases


def plan_stages(
    fingerprint: DatasetFingerprint, request: PlanRequest, *, stages: tuple[str, ...], weights: Choice
) -> Plan:
    """Return the plan of some of the two stages, of which the last keeps its weights so; PlanError for slices."""
    plan = PLANNERS["default"].plan(fingerprint, request)
    basis, epoch = find_volumes(plan), count_training_cases(fingerprint)
    first = _configure(basis, "zoom_in", epoch * EPOCHS_IN, lr=1e-3, cycles=EPOCHS_IN // CYCLE)
    second = _configure(basis, "zoom_out", epoch * EPOCHS_OUT, lr=1e-4, cycles=EPOCHS_OUT // CYCLE)
    second = replace(second, patch_shape=LARGE, initial=Initial(configuration="zoom_in"))
    second = replace(second, training=replace(second.training, weights=weights))
    chosen = tuple(entry for entry in (first, second) if entry.name in stages)
    return replace(plan, configurations=chosen, default_configuration=chosen[-1].name, decisions=())


def _configure(basis: Configuration, name: str, steps: int, *, lr: float, cycles: int) -> Configuration:
    return replace(
        basis,
        name=name,
        preprocessing=replace(basis.preprocessing, spacing_mm=(1.0, 1.0, 1.0), coarse_axis=-1),
        patch_shape=SMALL,
        batch_size=1,
        network=choose("unet", NETWORK),
        sampling=Sampling(cases=Choice(name="uniform"), patches=Choice(name="anywhere"), augmentations=()),
        training=replace(
            basis.training,
            loss=LOSS,
            optimizer=Choice(name="adam", options={"lr": lr, "weight_decay": 1e-4}),
            schedule=Choice(name="cosine_restarts", options={"cycles": cycles, "growth": 1.0, "final_factor": 0.0}),
            weights=Choice(name="last"),
            iterations=steps,
            gradient_clip=1e12,
            mixed_precision=False,
        ),
        prediction=CENTRE,
    )


# Q1 to Q4 are quarters of the scans by the volume of their lesions; where text and tables differ, the tables.
_TABLE = """
scans         DSC            mDSC           HD_mm              ASSD_mm          TPR            Precision      microDSC
3D-ResU-Net   0.64_(.51-.76) 0.66_(.54-.76) 20.4_(10.0-33.3)   3.6_(1.7-6.2)    0.81_(.68-.90) 0.62_(.48-.74) 0.79
3D-ResU-Net-E 0.64_(.51-.76) 0.65_(.53-.77) 21.5_(10.0-33.9)   3.7_(1.6-6.3)    0.79_(.67-.89) 0.63_(.48-.75) -
3D-ResU-Net-F 0.60_(.47-.73) -              35.1_(20.4-51.3)   7.6_(3.7-12.3)   0.83_(.71-.91) 0.54_(.39-.67) 0.73
Q1            0.41_(.07-.78) -              23.4_(3.7-51.1)    4.9_(0.7-13.2)   0.74_(.30-.99) 0.39_(.01-.81) -
Q2            0.72_(.59-.82) -              18.0_(1.8-35.6)    3.8_(0.5-7.2)    0.78_(.64-.91) 0.71_(.53-.83) -
Q3            0.62_(.42-.80) -              26.1_(2.3-58.0)    4.1_(0.6-8.8)    0.82_(.53-.96) 0.60_(.39-.79) -
Q4            0.80_(.74-.84) -              13.6_(2.8-35.2)    1.8_(0.8-2.6)    0.87_(.79-.95) 0.75_(.64-.84) -
"""


def _read_figures(*rows: str) -> tuple[Figure, ...]:
    (_, *measures), *lines = ([word.replace("_", " ") for word in line.split()] for line in _TABLE.split("\n") if line)
    return tuple(
        Figure(of=name, measure=measure, value=value, n=31 if name.startswith("3D") else None)
        for name, *values in lines
        for measure, value in zip(measures, values, strict=True)
        if name in rows and value != "-"
    )


_OTHER = (
    Figure(of="3D-ResU-Net", measure="R2 of DSC on log10 voxels", value="0.34", n=31),
    Figure(of="3D-ResU-Net", measure="median DSC", value="0.78 (abstract), 0.75 (results)", n=31),
)
_CODE = "as in the authors' code"
TOMITA2020 = Recipe(
    name="tomita2020",
    title="Tomita 2020: a residual 3D U-Net, trained on 128x128x128 voxels, then on 144x172x168.",
    citation="Tomita N, Jiang S, Maeder ME, Hassanpour S. Automatic post-stroke lesion segmentation on MR images using "
    "3D residual convolutional neural network. NeuroImage: Clinical 2020; arXiv 1911.11209; code: "
    "github.com/BMIRDS/3dMRISegmentation.",
    data="ATLAS R1.2, the 239 scans in MNI space that are not defaced: 182 to train, 26 to develop, 31 to test.",
    make=partial(plan_stages, stages=("zoom_in", "zoom_out"), weights=Choice(name="last")),
    published=(*_read_figures("3D-ResU-Net", "Q1", "Q2", "Q3", "Q4"), *_OTHER),
    not_stated=(
        f"which 52 layers are counted: 32 convolutions, 3 halvings, 14 sums, 3 concatenations, {_CODE}",
        f"levels, features, blocks per level, groups, skips without projection: {_CODE}",
        f"batch size: 1, {_CODE}",
        f"weights of the loss: 0.1 BCE + 0.9 Dice, {_CODE}",
        f"weight decay of Adam: 1e-4, {_CODE}; gradients are not clipped, numbers are of single precision",
        f"cycles of the first stage: 50 epochs, down to 0, {_CODE}; of the second: 50, at whose ends its snapshots lie",
        "which sub-volumes: drawn evenly from the whole scan; augmentation: none beside",
        "intensities: each scan's own mean and deviation (the code divides by 255)",
        "threshold: 0.5",
    ),
    deviations=(
        "two competing outputs in place of one: the probability, BCE and Dice of the lesion are the same",
        "blocks are activated after their sum, and halve by strides and a mean, in place of maxima",
        "lengths that the strides do not divide are padded to 144x176x168; the code resizes feature maps",
        "cross-validation in place of one split; an epoch is one pass over the scans of a fold",
    ),
    memory_gb=24.0,
)
TOMITA2020_ZOOM_IN = replace(
    TOMITA2020,
    name="tomita2020_zoom_in",
    title="Tomita 2020 without its second stage: trained on 128x128x128 voxels only (3D-ResU-Net-F).",
    make=partial(plan_stages, stages=("zoom_in",), weights=Choice(name="last")),
    published=_read_figures("3D-ResU-Net-F"),
    memory_gb=12.0,
)
TOMITA2020_SNAPSHOTS = replace(
    TOMITA2020,
    name="tomita2020_snapshots",
    title="Tomita 2020 as the mean of three snapshots of its second stage (3D-ResU-Net-E).",
    make=partial(plan_stages, stages=("zoom_in", "zoom_out"), weights=Choice(name="snapshots", options={"count": 3})),
    published=_read_figures("3D-ResU-Net-E"),
)
