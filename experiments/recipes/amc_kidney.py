"""Kidneys at Asan Medical Center: a 3D U-Net finds the box around them, another one the five structures in it."""

from __future__ import annotations

from dataclasses import replace

from dataset_fingerprints.fingerprint import DatasetFingerprint
from experiments.recipes.building import (
    coarsen,
    count_training_cases,
    find_volumes,
    keep_changes,
    make_unet,
    merge_labels,
    normalize_alike,
    train_by_adam,
)
from experiments.recipes.recipe import Figure, Recipe
from planners.choices import Choice, choose
from planners.plan import Configuration, Plan
from planners.planner import PlanRequest
from planners.presets import PLANNERS
from planners.stage_inputs import CropTo

NAME = "amc_kidney_cascade"
LOCATE, SEGMENT = "locate", "segment"
EPOCHS = 300
COARSE_MM, MARGIN_MM = 3.0, 10.0
# In voxels: 405x405x243 mm of the coarse ones, and all of a kidney's box in fine ones.
COARSE_INPUT, FINE_INPUT = (135, 135, 81), (108, 108, 108)
NETWORK = replace(make_unet((32, 64, 128, 256), axes=3, stride=3), downsampling="pool")
# Noise is in every patch.
AUGMENTATION = keep_changes("rotation", "scaling", "noise", noise_probability=1.0)


def make(fingerprint: DatasetFingerprint, request: PlanRequest) -> Plan:
    """Return the plan: `locate` finds all labels as one, `segment` tells them apart in the box around them.

    Raises:
        PlanError: scans are single slices.
    """
    plan = PLANNERS["default"].plan(fingerprint, request)
    fine = _configure(find_volumes(plan), EPOCHS * count_training_cases(fingerprint))
    locate = replace(
        fine,
        name=LOCATE,
        targets=merge_labels(plan),
        preprocessing=replace(coarsen(fine.preprocessing, COARSE_MM), coarse_axis=-1),
        patch_shape=COARSE_INPUT,
    )
    segment = replace(fine, name=SEGMENT, inputs=(CropTo(configuration=LOCATE, margin_mm=MARGIN_MM),))
    return replace(plan, configurations=(locate, segment), default_configuration=SEGMENT, decisions=())


def _configure(basis: Configuration, steps: int) -> Configuration:
    return replace(
        basis,
        preprocessing=normalize_alike(basis.preprocessing, Choice(name="zscore")),
        patch_shape=FINE_INPUT,
        batch_size=1,
        network=choose("unet", NETWORK),
        sampling=replace(basis.sampling, augmentations=(AUGMENTATION,)),
        training=train_by_adam(basis.training, Choice(name="dice"), steps=steps, lr=1e-5, weight_decay=5e-4),
    )


AMC_KIDNEY = Recipe(
    name=NAME,
    title="Kidneys located by a 3D U-Net, then five structures in their box by another one.",
    citation="Thesis on segmentation by deep learning, Asan Medical Center, 2020 or later, sections 3.4, 4.1 and 4.2",
    data="CT in the cortical phase of 36 patients, slices of 1 to 1.25 mm. 50 kidneys, 30 of them with a carcinoma,"
    " none with cysts or stones: artery, vein, ureter, parenchyma with medulla, carcinoma.",
    make=make,
    published=(
        Figure(of="Table 4.1, internal, five structures", measure="DSC", value="0.71±0.21", n=10),
        Figure(of="parenchyma; carcinoma", measure="DSC", value="highest; lowest"),
        Figure(of="cascade beside one 3D U-Net; beside nnU-Net", measure="DSC", value="higher; higher"),
        Figure(of="validation against test, last stage", measure="difference of DSC", value="6.17 (%, as it seems)"),
        Figure(of="prediction", measure="time per case", value="less than 1 s"),
    ),
    not_stated=(
        "levels, features, convolutions: four levels of two, 32 to 256 features, as long as 3x3x3 pooling divides them",
        "stride of the 3x3x3 pooling: 3, which Keras takes where none is given",
        "norm and activation: instance norm, leaky ReLU",
        f"resolution of the first network: {COARSE_MM:g} mm, whose input of 135x135x81 voxels holds an abdomen",
        "input of the second network: 108x108x108 voxels of the size planned for the data set",
        f"margin of the box: {MARGIN_MM:g} mm; threshold: 0.5; boxes of training cases: around the reference",
        "what the first network learns: all five structures as one",
        "weights of the structures in the Dice loss: equal; background does not count",
        "deviation of the noise: up to 0.1 of a scan's, in every patch; ranges of rotation and resizing: nnU-Net's",
        "schedule: a constant rate; gradients clipped as elsewhere here; the last weights are kept",
        "how a box is predicted: tiles of the network's input that overlap by half, with flips",
    ),
    deviations=(
        "Scans are flipped at random in place of all kidneys to the right side: scans are not cut into kidneys, and one"
        " box lies around both where both are labelled.",
        "Momentum of 0.9: Adam's first moment, which is all that it can mean there.",
        "300 epochs, as of 40 or 50 kidneys; the first stage of labelling took 150. An epoch is a pass over a fold's"
        " training cases; folds take the place of 40 kidneys to train and 10 to test.",
        "PyTorch, in 16-bit numbers where the device has them, in place of Keras 2.2.4.",
    ),
    memory_gb=11.0,
)
