"""Dental CBCT at Asan Medical Center: a 3D U-Net per structure, that of the canal in the box of the mandible."""

from __future__ import annotations

from dataclasses import replace

from dataset_fingerprints.dataset import Label
from dataset_fingerprints.fingerprint import DatasetFingerprint
from experiments.recipes.building import (
    count_training_cases,
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
from planners.parts.normalizations import CtOptions
from planners.plan import Configuration, Plan
from planners.planner import PlanRequest
from planners.presets import PLANNERS
from planners.stage_inputs import CropTo

NAME = "amc_dental"
LEVEL, WIDTH = 450.0, 5000.0
EPOCHS, MARGIN_MM = 300, 5.0
INPUT = (128, 128, 128)
# A structure by a word of its label's name, and the one that it lies in.
CHILD, PARENT = "canal", "mandib"
NETWORK = replace(make_unet((32, 64, 128, 256, 320), axes=3), downsampling="pool")
AUGMENTATION = keep_changes("rotation", "scaling")
# Clipped to -2050 to 2950, which become 0 to 1.
WINDOW = CtOptions(lower=LEVEL - WIDTH / 2, upper=LEVEL + WIDTH / 2, mean=LEVEL - WIDTH / 2, sd=WIDTH)


def make(fingerprint: DatasetFingerprint, request: PlanRequest) -> Plan:
    """Return the plan: a configuration per label; that of a canal is cropped to what that of its mandible finds.

    Raises:
        PlanError: scans are single slices, or labels overlap.
    """
    refuse_regions(fingerprint)
    plan = PLANNERS["default"].plan(fingerprint, request)
    common = _configure(find_volumes(plan), EPOCHS * count_training_cases(fingerprint))
    labels, names = plan.scheme.labels, name_labels(plan.scheme.labels)
    parent = next((one for one in labels if PARENT in one.name.lower() and not _is_child(one)), None)
    children = tuple(one for one in labels if parent is not None and _is_child(one))
    configurations = []
    # What lies in another structure comes behind it, and is written over it.
    for label in sorted(labels, key=lambda one: one in children):
        inside = children if label == parent else ()
        one = replace(common, name=names[label.value], targets=((label.value, *(child.value for child in inside)),))
        if parent is not None and label in children:
            one = replace(one, inputs=(CropTo(configuration=names[parent.value], margin_mm=MARGIN_MM),))
        configurations.append(one)
    last = configurations[-1].name
    return replace(plan, configurations=tuple(configurations), default_configuration=last, decisions=())


def _is_child(label: Label) -> bool:
    return CHILD in label.name.lower()


def _configure(basis: Configuration, steps: int) -> Configuration:
    return replace(
        basis,
        preprocessing=normalize_alike(basis.preprocessing, choose("ct", WINDOW)),
        patch_shape=INPUT,
        batch_size=1,
        network=choose("unet", NETWORK),
        sampling=replace(basis.sampling, augmentations=(AUGMENTATION,)),
        training=train_by_adam(basis.training, Choice(name="dice"), steps=steps, lr=1e-4, falling=True),
    )


# As the text scrambles them: by JSC = DSC / (2 - DSC), 82.60 belongs to 70.47, 92.80 to 86.60, 90.00 to 82.00.
TABLE = {
    "hard tissue": ("82.60±.04 %", "70.47±.06 %", "0.35±0.29", "11.29±10.21"),
    "maxillary sinus": ("92.80±.01 %", "86.60±.01 %", "0.49±0.09", "3.21±2.56"),
    "mandible": ("90.00±.04 %", "82.00±.07 %", "0.89±0.66", "18.42±19.72"),
}
AMC_DENTAL = Recipe(
    name=NAME,
    title="Structures in dental CBCT, each by a 3D U-Net of its own, the mandibular canal in the mandible's box.",
    citation="Thesis on segmentation by deep learning, Asan Medical Center, 2020 or later, sections 3.6, 4.1 and 5",
    data="100 i-CAT scans (Table 4.1: 50) of 0.3 to 1 mm; training and validation: hard tissue 7 and 4, maxillary sinus"
    " and mandible 20 and 4 each, mandibular canal 40 and 15; test: 7.",
    make=make,
    published=(
        *(
            Figure(of=of, measure=measure, value=value, n=7)
            for of, values in TABLE.items()
            for measure, value in zip(("DSC", "JSC", "MSD mm", "HD mm"), values, strict=True)
        ),
        Figure(of="mandibular canal", measure="mean error mm", value="0.89±0.40", n=7),
        Figure(of="condyles, in the mandible", measure="segmentation", value="poor", n=7),
        Figure(of="Table 4.1, internal", measure="DSC", value="0.91±0.07"),
    ),
    not_stated=(
        "levels, features, norm, input: five levels of two convolutions from 32 features, max pooling, instance norm,"
        " 128x128x128 voxels of the size planned for the data set, one in a batch",
        "optimiser and length: Adam at 1e-4, falling, 300 passes over a fold's training cases; the last weights",
        "whether the canal's figure is of a cascade: open; Table 4.1 lists one beside the single network, and chapter 5"
        " says that the mandible's segmentation makes the canal easier to learn, so it is one here",
        f"how the canal is cut out of the mandible: its box and {MARGIN_MM:g} mm around it, in training as labelled",
        "what the window's ends become: 0 and 1",
        "whether the mandible holds its canal: it does; the canal is written over it",
        "which of the scrambled figures belong together: by JSC = DSC / (2 - DSC); MSD and HD in the order of the text",
        "ranges of rotation, and of the resizing that Table 4.1 lists: nnU-Net's",
        "how a scan or box is predicted: tiles of the networks' input that overlap by half, with flips",
    ),
    deviations=(
        "Mandibles and canals are flipped at random in place of all to the right side: scans are not cut into halves.",
        "Every structure is trained on all cases of a fold, whose labels hold all structures.",
        "Intensities are windowed, as section 3.6 says; Table 4.1 says mean and standard deviation.",
    ),
    ensemble=("*",),
)
