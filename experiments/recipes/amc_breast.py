"""Tissues of the breast at Asan Medical Center: halves of MRI scans, prone, supine, one after the other, and pooled."""

from __future__ import annotations

from dataclasses import replace
from functools import partial

from dataset_fingerprints.fingerprint import DatasetFingerprint
from experiments.recipes.building import (
    AXIAL,
    find_volumes,
    keep_changes,
    make_unet,
    normalize_alike,
    train_by_adam,
)
from experiments.recipes.recipe import Figure, Recipe
from planners.choices import Choice, choose
from planners.halves import Halves
from planners.order import find_configuration
from planners.plan import Configuration, Plan
from planners.planner import PlanRequest
from planners.presets import PLANNERS
from planners.stage_inputs import Initial
from planners.subsets import CasesWhere

NAME, COLUMN = "amc_breast", "posture"
PRONE, SUPINE, TRANSFERRED, POOLED = "prone", "supine", "prone_to_supine", "pooled"
# The left breast is mirrored to the right's side: of canonical axes, the first half along x is the left one.
HALVES = Halves(axis=0, mirrored="first")
SLICE, VOLUME, LEVELS, STEPS = (256, 512, 1), (128, 256, 64), 5, 25_000
AUGMENTATION = keep_changes("rotation", "scaling", "noise")
TISSUES = {
    "lungs and heart": "0.987±0.003",
    "muscles and bones": "0.966±0.011",
    "parenchyma with cancer": "0.870±0.085",
    "skin and fat": "0.956±0.016",
}
BEST = tuple(Figure(of=f"prone, {tissue}", measure="DSC", value=value) for tissue, value in TISSUES.items())
SUMMARY = (
    Figure(of="2D against 3D U-Net", measure="difference, %", value="1.1"),
    Figure(of="U-Net beside nnU-Net; pooled beside one posture", measure="DSC", value="higher; lower"),
    Figure(of="parenchyma with cancer, all models", measure="DSC", value="about 0.80"),
    Figure(of="Table 4.1, all tissues", measure="DSC", value="0.95±0.08", n=29),
    Figure(
        of="cited, Dalmis: 3D U-Net; 2D U-Nets; atlas; sheetness", measure="DSC", value="0.933; 0.944; 0.863; 0.848"
    ),
    Figure(of="cited, Milenkovic: Gabor filter", measure="DSC", value="0.96"),
)
NOT_STATED = (
    "levels and features: five of two convolutions, 64 to 1024 in 2D and 32 to 512 in 3D, with pooling",
    "norm and activation: instance norm, leaky ReLU",
    "patch in 3D: 128x256x64 voxels, half a side's width and height; batch: 8 slices, or 1 volume",
    "optimiser, rate and steps: Adam, 1e-4 throughout, 25,000; the last weights are kept",
    "ranges of rotation, scaling and noise, and which flips: nnU-Net's, along all axes that are seen, beside the left"
    " breast's to the right, which is all that Table 4.1 means by flips",
    "random crops: patches at random places, where a half is larger than the network's input",
    "layers that the transfer keeps, and its rate: all weights are taken over and go on at the same rate",
    "division into training and test: five folds by patient, both scans of one in the same",
    "postprocessing, and how a slice is predicted: out-of-fold masks decide; tiles of the input with flips",
    "which HD, and tests of all three figures: `experiment matrix --metric dice --metric iou --metric hausdorff_mm`",
)
DEVIATIONS = (
    "Scans are resampled to one voxel size, the data set's median: the source trains on 512x512 pixels as they are, of"
    " 0.9 mm (prone) and 0.742 mm (supine).",
    "Prone scans are not flipped vertically: in canonical axes, which follow from the header, the front of the chest"
    " lies on one side in both postures.",
    "Four tissues and background are learned together, as the section lists them; it also says four labels with"
    " background. What is learned are the labels of the data set.",
    "Breasts are 116, two of each of 58 scans, as section 3.3 counts them; chapter 5 has 116 tumours.",
    "PyTorch in place of Keras, whose generators of data the source names.",
    "nnU-Net's post-processing is chosen on out-of-fold masks by an interval, and its preprocessing is autoseg's.",
)


def make(fingerprint: DatasetFingerprint, request: PlanRequest, planner: str, axes: int) -> Plan:
    """Return the plan: a configuration for each regime, on halves of scans; a table of cases says their posture.

    Raises:
        PlanError: scans are single slices, where the networks are of volumes.
    """
    plan = PLANNERS[planner].plan(fingerprint, replace(request, halves=HALVES))
    basis = find_volumes(plan) if axes == 3 else find_configuration(plan.configurations, "2d", NAME)
    basis = basis if planner == "nnunet" else _use_unet(basis, axes)
    prone, supine = (
        replace(basis, name=posture, only_cases=CasesWhere(column=COLUMN, value=posture)) for posture in (PRONE, SUPINE)
    )
    transferred = replace(supine, name=TRANSFERRED, initial=Initial(configuration=PRONE))
    return replace(
        plan,
        configurations=(prone, supine, transferred, replace(basis, name=POOLED)),
        default_configuration=PRONE,
        folds="by_subject",
        decisions=(),
    )


def _use_unet(basis: Configuration, axes: int) -> Configuration:
    flat = axes == 2
    return replace(
        basis,
        slice_axis=AXIAL if flat else -1,
        patch_shape=SLICE if flat else VOLUME,
        batch_size=8 if flat else 1,
        network=_make_unet(axes, 64 if flat else 32),
        preprocessing=normalize_alike(basis.preprocessing, Choice(name="zscore")),
        sampling=replace(basis.sampling, augmentations=(AUGMENTATION,)),
        training=train_by_adam(basis.training, Choice(name="dice"), steps=STEPS, lr=1e-4),
        prediction=replace(basis.prediction, mirror_axes=tuple(range(axes))),
    )


def _make_unet(axes: int, features: int) -> Choice:
    unet = make_unet([features * 2**level for level in range(LEVELS)], axes=axes)
    return choose("unet", replace(unet, downsampling="pool"))


def _publish(name: str, title: str, planner: str, axes: int, *figures: Figure) -> Recipe:
    return Recipe(
        name=name,
        title=f"{title} on halves of breast MRI, one mirrored: prone, supine, prone to supine, and pooled.",
        citation="Thesis on segmentation by deep learning, Asan Medical Center, 2020 or later, sections 3.3 and 4.1",
        data="58 MRI scans of 29 patients, prone (THRIVE) and supine (mDixon): 116 breasts, four tissues.",
        make=partial(make, planner=planner, axes=axes),
        published=figures,
        not_stated=NOT_STATED,
        deviations=DEVIATIONS,
    )


AMC_BREAST = _publish(NAME, "2D U-Net", "default", 2, *BEST, *SUMMARY)
AMC_BREAST_3D = _publish(f"{NAME}_3d", "3D U-Net", "default", 3)
AMC_BREAST_NNUNET_2D = _publish(f"{NAME}_nnunet_2d", "nnU-Net in 2D", "nnunet", 2)
AMC_BREAST_NNUNET_3D = _publish(f"{NAME}_nnunet_3d", "nnU-Net in 3D", "nnunet", 3)
