"""A training batch: drawn on the host in one place, made on the device in another."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch

from autoseg.sampling.augmentations import Augmenter, Cut, Patches, SampleView, build_augmenters
from autoseg.sampling.augmentations.mask_variation import MaskVariation, apply_variations
from autoseg.sampling.augmentations.spatial import apply_spatial, find_box
from autoseg.sampling.cases.training_case import TrainingCase
from autoseg.sampling.cases.voxels import Cutout
from autoseg.sampling.patches.case_choice import CaseChooser, build_case_chooser
from autoseg.sampling.patches.geometry import Patch, PatchGeometry
from autoseg.sampling.patches.neighbours import choose_slices, flatten_slices, join_channels
from autoseg.sampling.patches.placing import Placer, build_placer
from planners.plan import Configuration


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class BatchRules:
    """Rules by which batches are drawn and made.

    Attributes:
        chooser: draws the case of a patch.
        placer: draws where in it the patch lies.
        augmenters: vary it, one after the other.
        indices: those that the label maps of the cases hold.
    """

    geometry: PatchGeometry
    chooser: CaseChooser
    placer: Placer
    augmenters: tuple[Augmenter, ...]
    indices: frozenset[int]


def build_rules(configuration: Configuration, cases: Sequence[TrainingCase], seed: Sequence[int] = ()) -> BatchRules:
    """Build what a configuration draws its batches by.

    Args:
        configuration: what its plan says about patches and augmentation.
        cases: all training cases.
        seed: the plan's and the fold's, for places that are the same in the whole training.

    Raises:
        PlanError: its plan names a part that does not exist, or one that these cases cannot be drawn by.
    """
    sampling = configuration.sampling
    return BatchRules(
        geometry=make_geometry(configuration),
        chooser=build_case_chooser(sampling.cases, cases),
        placer=build_placer(sampling.patches, seed),
        augmenters=build_augmenters(sampling.augmentations),
        indices=frozenset((0, *(index for case in cases for index in case.labels))),
    )


def make_geometry(configuration: Configuration) -> PatchGeometry:
    """Return the shape of a configuration's planned batches."""
    return PatchGeometry(
        patch_shape=configuration.patch_shape,
        slice_axis=configuration.slice_axis,
        batch_size=configuration.batch_size,
        neighbours=configuration.neighbours,
    )


@dataclass(frozen=True, kw_only=True, slots=True)
class SampleParameters:
    """Parameters that determine one sample of a batch.

    Attributes:
        changes: what each augmentation does to the patch after it is cut.
    """

    patch: Patch
    cut: Cut
    changes: tuple[Any, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class BatchParameters:
    """Parameters that determine a batch, given the cases."""

    samples: tuple[SampleParameters, ...]


def sample_batch(rng: np.random.Generator, cases: Sequence[TrainingCase], rules: BatchRules) -> BatchParameters:
    """Draw a batch. The places of the patches come first, so that they do not depend on the augmentations."""
    patches = rules.placer.place(rng, cases, rules.chooser, rules.geometry)
    return BatchParameters(samples=tuple(_sample_variation(rng, patch, cases[patch.case], rules) for patch in patches))


def _sample_variation(
    rng: np.random.Generator, patch: Patch, case: TrainingCase, rules: BatchRules
) -> SampleParameters:
    view = SampleView(geometry=rules.geometry, channels=case.voxels.channels, start=patch.start, masks=case.masks)
    drawn = [augmenter.sample(rng, view) for augmenter in rules.augmenters]
    cuts = [one.cut for one in drawn if one.cut is not None]
    return SampleParameters(patch=patch, cut=cuts[0] if cuts else Cut(), changes=tuple(one.change for one in drawn))


def cut_sample(sample: SampleParameters, cases: Sequence[TrainingCase], geometry: PatchGeometry) -> Cutout:
    """Read what one sample is made from; the cases and the geometry are those it was drawn for."""
    seen = geometry.see(sample.patch)
    return cases[sample.patch.case].cut(*find_box(seen, sample.cut.spatial, geometry.seen_shape()))


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Batch:
    """Batch of one training step.

    Attributes:
        images: (batch, channel, *axes) float32, where the axes are those the network sees, in ascending order; all
            channels of the patch's own slice, then those of each slice beside it that the network sees.
        labels: (batch, *axes) uint8 label indices.
        targets: what else a loss compares with, by name; each has the batch as its first axis.
    """

    images: torch.Tensor
    labels: torch.Tensor
    targets: Mapping[str, torch.Tensor] = field(default_factory=dict)


@torch.no_grad()
def apply_batch(
    parameters: BatchParameters, cutouts: Sequence[Cutout], rules: BatchRules, device: torch.device
) -> Batch:
    """Make the tensors of a batch. Call it outside of autocast.

    The host never waits for the device, unless an augmentation works on the host.

    Args:
        parameters: from `sample_batch` with the same rules; all of it or some of its samples.
        cutouts: from `cut_sample`, one per sample.
        rules: that the batch was drawn by.
        device: where the tensors are made.

    Returns:
        The batch; masks of other configurations are channels behind those of the images.
    """
    patches = _cut_patches(parameters, cutouts, rules, device)
    for number, augmenter in enumerate(rules.augmenters):
        augmenter.apply(patches, [sample.changes[number] for sample in parameters.samples])
    return Batch(images=join_channels(patches), labels=patches.labels)


def _cut_patches(
    parameters: BatchParameters, cutouts: Sequence[Cutout], rules: BatchRules, device: torch.device
) -> Patches:
    geometry, drawn = rules.geometry, (parameters.samples, cutouts)
    places = [(sample.patch, sample.cut.spatial) for sample in parameters.samples]
    images, maps = apply_spatial(places, [cutout.to(device) for cutout in cutouts], geometry, device)
    labels, masks = maps[:, 0].to(torch.uint8), _show_masks(parameters, cutouts, maps[:, 1:])
    if geometry.slice_axis < 0:
        return Patches(images=images, labels=labels, masks=masks, indices=rules.indices)
    slices = [choose_slices(sample.patch, cutout, geometry) for sample, cutout in zip(*drawn, strict=True)]
    return Patches(
        images=flatten_slices(images, slices, geometry.slice_axis),
        labels=labels.select(1 + geometry.slice_axis, geometry.neighbours),
        masks=None if masks is None else flatten_slices(masks, slices, geometry.slice_axis),
        indices=rules.indices,
        slices=len(slices[0]),
    )


def _show_masks(
    parameters: BatchParameters, cutouts: Sequence[Cutout], components: torch.Tensor
) -> torch.Tensor | None:
    """Return the channels of all masks, mask by mask; components are (batch, mask, x, y, z)."""
    shown = []
    for number in range(components.shape[1]):
        variations = [
            sample.cut.masks[number] if sample.cut.masks else MaskVariation() for sample in parameters.samples
        ]
        shown.append(apply_variations(components[:, number], [cutout.masks[number] for cutout in cutouts], variations))
    return torch.cat(shown, dim=1) if shown else None
