"""Pancreas at Asan Medical Center: a 3D U-Net with squeeze and excitation finds its box, 2D networks what is in it."""

from __future__ import annotations

from dataclasses import replace

from dataset_fingerprints.fingerprint import DatasetFingerprint
from experiments.recipes.building import (
    coarsen,
    find_axial_slices,
    find_volumes,
    keep_changes,
    make_unet,
    name_labels,
    normalize_alike,
    refuse_regions,
    train_by_adam,
)
from experiments.recipes.recipe import Figure, Recipe
from planners.choices import Choice, choose
from planners.plan import Configuration, Plan
from planners.planner import PlanRequest
from planners.presets import PLANNERS
from planners.stage_inputs import CropTo

NAME = "amc_pancreas_cascade"
LOCATE, REFINE = "locate", "refine_"
STEPS = 25_000
MARGIN_MM, COARSE_MM = 20.0, 3.0
COARSE_INPUT, SLICE, SLICES = (128, 128, 64), 256, 16
LOCATOR = replace(make_unet((32, 64, 128, 256, 320), axes=3), attention="squeeze_excitation")
REFINER = make_unet((32, 64, 128, 256, 512), axes=2)
AUGMENTATION = keep_changes("rotation", "scaling")
ORGAN = ("pancreas", "parenchyma")


def make(fingerprint: DatasetFingerprint, request: PlanRequest) -> Plan:
    """Return the plan: `locate` finds the pancreas; in its box one network per label, and one of the whole organ.

    Raises:
        PlanError: scans are single slices, or labels overlap.
    """
    refuse_regions(fingerprint)
    plan = PLANNERS["default"].plan(fingerprint, request)
    names, groups = name_labels(plan.scheme.labels), list_groups(plan)
    locate = _locate(find_volumes(plan), groups[0])
    slices = _refine(find_axial_slices(plan, fingerprint))
    refined = (replace(slices, name=REFINE + names[group[0]], targets=(group,)) for group in groups)
    configurations = (locate, *refined)
    return replace(plan, configurations=configurations, default_configuration=configurations[1].name, decisions=())


def list_groups(plan: Plan) -> tuple[tuple[int, ...], ...]:
    """Return the labels of the whole organ, its own first, and of every lesion.

    The organ is the label of the shortest name that says so: `pancreas` of that and `pancreas tumour`; else the first.
    """
    labels = plan.scheme.labels
    named = [one for one in labels if any(word in one.name.lower() for word in ORGAN)]
    organ = min(named, key=lambda one: len(one.name), default=labels[0])
    lesions = tuple(one.value for one in labels if one != organ)
    return ((organ.value, *lesions), *((value,) for value in lesions))


def _locate(basis: Configuration, organ: tuple[int, ...]) -> Configuration:
    configured = _configure(basis)
    return replace(
        configured,
        name=LOCATE,
        targets=(organ,),
        preprocessing=coarsen(configured.preprocessing, COARSE_MM),
        patch_shape=COARSE_INPUT,
        batch_size=1,
        network=choose("unet", LOCATOR),
    )


def _refine(basis: Configuration) -> Configuration:
    return replace(
        _configure(basis),
        inputs=(CropTo(configuration=LOCATE, margin_mm=MARGIN_MM),),
        patch_shape=(SLICE, SLICE, 1),
        batch_size=SLICES,
        network=choose("unet", REFINER),
        prediction=replace(basis.prediction, mirror_axes=(0, 1)),
    )


def _configure(basis: Configuration) -> Configuration:
    return replace(
        basis,
        preprocessing=normalize_alike(basis.preprocessing, Choice(name="zscore")),
        sampling=replace(basis.sampling, augmentations=(AUGMENTATION,)),
        training=train_by_adam(basis.training, Choice(name="dice_focal"), steps=STEPS, lr=1e-4, falling=True),
    )


AMC_PANCREAS = Recipe(
    name=NAME,
    title="Pancreas located by a 3D SE-U-Net, then refined by 2D networks, one per lesion.",
    citation="Thesis on segmentation by deep learning, Asan Medical Center, 2020 or later, sections 3.5, 4.1 and 5",
    data="CT in the portal phase of 862 patients, 360 with solid, 142 with cystic lesions; slices 5 mm apart, 3 to 6 mm"
    " in Table 4.1.",
    make=make,
    published=(
        Figure(of="pancreas", measure="DSC", value="more than 90 %"),
        Figure(of="focal lesions", measure="DSC", value="about 60 %"),
        Figure(of="Table 4.1, internal", measure="DSC", value="0.76±0.13"),
        Figure(of="Table 4.1, external (KHUH; which column it stands in is unsure)", measure="DSC", value="0.71±0.21"),
        Figure(of="cystic beside solid lesions; NET among solid ones", measure="DSC", value="higher; lowest"),
    ),
    not_stated=(
        "split of the patients, epochs: folds; 25,000 steps for each network",
        f"resolution and input of the first network: {COARSE_MM:g} mm or coarser, 128x128x64 voxels, one in a batch",
        f"input of the 2D networks: axial slices of {SLICE}x{SLICE} voxels as planned, {SLICES} in a batch",
        "levels, features, norm: five levels of two convolutions from 32 features, instance norm",
        f"margin of the box: {MARGIN_MM:g} mm; threshold: 0.5; boxes of training cases: around the reference",
        "what the 2D models of each lesion are: a network per label in the pancreas's box, and one of the whole organ;"
        " lesions are written over it",
        "which network has which of the two losses of Table 4.1: each has the sum of both, weights 1 and 1, gamma 2",
        "window of intensities: none; mean and standard deviation of the scan, as Table 4.1 says",
        "reduction of squeeze and excitation, and where it is: 16, at the end of every level of the first network",
        "how a box is predicted: tiles of the networks' inputs that overlap by half, with flips",
        "optimiser: Adam at 1e-4, falling; the last weights are kept",
        "ranges of rotation and resizing: nnU-Net's",
    ),
    deviations=(
        "Solid and cystic lesions are told apart where the data set labels them so; NET by a table of cases.",
        "The first network segments the pancreas, and its box follows: the source's regresses where the pancreas is.",
        "Folds are of one data set: score the external one (KHUH) with `experiment matrix --data`.",
    ),
    ensemble=(f"{REFINE}*",),
)
