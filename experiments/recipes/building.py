"""What several recipes make of a planner's plan: where networks look, how they are built, trained and augmented."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from dataset_fingerprints.dataset import Label
from dataset_fingerprints.errors import PlanError
from dataset_fingerprints.files.jsonfiles import JsonValue
from dataset_fingerprints.fingerprint import DatasetFingerprint
from dataset_fingerprints.names import name_folder
from planners.choices import Choice
from planners.order import find_configuration
from planners.parts.networks import UNetOptions
from planners.plan import FOLDS, Configuration, Plan, Preprocessing, Training

AXIAL, FULL = 2, "3d_fullres"
# Changes of nnU-Net's augmentation beside flips.
CHANGES = (
    *("rotation", "scaling", "noise", "blur", "brightness", "contrast", "low_resolution"),
    *("inverted_gamma", "gamma"),
)


def find_volumes(plan: Plan) -> Configuration:
    """Return a plan's configuration of 3D patches at full resolution.

    Raises:
        PlanError: every scan is a single slice.
    """
    for one in plan.configurations:
        if one.name == FULL:
            return one
    raise PlanError(
        f"{plan.dataset}: has no volumes, only single slices, and {plan.planner} is for volumes. Expected scans in 3D: "
        "take another recipe."
    )


def find_axial_slices(plan: Plan, fingerprint: DatasetFingerprint) -> Configuration:
    """Return a plan's configuration of 2D patches, sliced from below to above whatever the voxels' size.

    Raises:
        PlanError: scans are single slices that are not axial.
    """
    if any(1 in case.shape[:AXIAL] for case in fingerprint.cases):
        raise PlanError(f"{plan.dataset}: has slices that are not axial. {plan.planner} is for axial ones.")
    return replace(find_configuration(plan.configurations, "2d", f"plan {plan.name}"), slice_axis=AXIAL)


def refuse_regions(fingerprint: DatasetFingerprint) -> None:
    """Make sure that labels do not overlap.

    Raises:
        PlanError: they are regions.
    """
    if fingerprint.scheme.regions:
        raise PlanError(f"{fingerprint.name}: has regions. Expected labels, of which a voxel has one at most.")


def merge_labels(plan: Plan) -> tuple[tuple[int, ...], ...]:
    """Return the targets of a configuration that learns all labels as one; regions overlap already and stay."""
    return () if plan.scheme.regions else (plan.scheme.values(),)


def name_labels(labels: Sequence[Label]) -> dict[int, str]:
    """Return names for configurations by their label's value: its name, or the value where names would be alike."""
    names = {label.value: name_folder(label.name, f"label_{label.value}") for label in labels}
    spelled = [name.casefold() for name in names.values()]
    numbered = {value: f"label_{value}" for value in names}
    chosen = {value: name if spelled.count(name.casefold()) == 1 else numbered[value] for value, name in names.items()}
    # One may be called by another one's number.
    return chosen if len({name.casefold() for name in chosen.values()}) == len(chosen) else numbered


def count_training_cases(fingerprint: DatasetFingerprint) -> int:
    """Return how many cases a fold of the cross-validation trains on; all, where there is none."""
    cases = len(fingerprint.cases)
    return max(1, cases - cases // min(FOLDS, cases))


def coarsen(preprocessing: Preprocessing, least_mm: float) -> Preprocessing:
    """Return the preprocessing with voxels of at least this edge along every axis."""
    x, y, z = (max(least_mm, length) for length in preprocessing.spacing_mm)
    return replace(preprocessing, spacing_mm=(x, y, z))


def normalize_alike(preprocessing: Preprocessing, choice: Choice) -> Preprocessing:
    """Return the preprocessing with one normalisation for all channels."""
    return replace(preprocessing, normalization=(choice,) * len(preprocessing.normalization))


def choose_stripe(channel: str) -> Choice:
    """Return WhiteStripe with bias correction: at the largest peak of T2-weighted and FLAIR channels, else the last."""
    dark = any(word in channel.lower() for word in ("t2", "flair"))
    return Choice(name="white_stripe", options={"peak": "largest" if dark else "last", "bias_correction": True})


def make_unet(features: Sequence[int], axes: int, stride: int = 2) -> UNetOptions:
    """Return a U-Net of two convolutions per level, and without deep supervision (Ronneberger 2015).

    Args:
        features: per level, finest first.
        axes: of its images, 2 or 3.
        stride: from one level to the next, along every axis.
    """
    levels = len(features)
    return UNetOptions(
        features=tuple(features),
        kernels=((3,) * axes,) * levels,
        strides=((1,) * axes, *((stride,) * axes,) * (levels - 1)),
        encoder_blocks=(2,) * levels,
        decoder_blocks=(2,) * (levels - 1),
        deep_supervision=False,
    )


def keep_changes(*kept: str, **options: JsonValue) -> Choice:
    """Return nnU-Net's augmentation with flips and no other changes than these.

    Args:
        *kept: of `CHANGES`.
        **options: of the augmentation, in place of nnU-Net's.
    """
    assert set(kept) <= set(CHANGES)
    without = {f"{change}_probability": 0.0 for change in CHANGES if change not in kept}
    return Choice(name="standard", options={**without, **options})


def train_by_adam(
    training: Training, loss: Choice, *, steps: int, lr: float, weight_decay: float = 0.0, falling: bool = False
) -> Training:
    """Return a training by Adam, at a constant rate or one that falls to zero, that keeps its last weights."""
    return replace(
        training,
        loss=loss,
        optimizer=Choice(name="adam", options={"lr": lr, "weight_decay": weight_decay}),
        schedule=Choice(name="poly", options={"exponent": 0.9 if falling else 0.0}),
        weights=Choice(name="last"),
        iterations=steps,
    )
