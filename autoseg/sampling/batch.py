"""A training batch: drawn on the host in one place, made on the device in another."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import torch

from autoseg.sampling.augmentation import Augmenter
from autoseg.sampling.cases import TrainingCase
from autoseg.sampling.intensity import Intensity, apply_intensity
from autoseg.sampling.patches import Patch, PatchGeometry, sample_patches
from autoseg.sampling.shown_masks import MaskVariation, apply_variations, sample_variation
from autoseg.sampling.spatial import Spatial, apply_spatial, find_box
from autoseg.sampling.voxels import Cutout


@dataclass(frozen=True, kw_only=True, slots=True)
class SampleParameters:
    """Everything that one sample of a batch follows from."""

    patch: Patch
    spatial: Spatial
    intensity: Intensity
    mask: MaskVariation


@dataclass(frozen=True, kw_only=True, slots=True)
class BatchParameters:
    """Everything that a batch follows from, the cases given."""

    samples: tuple[SampleParameters, ...]


def sample_batch(
    rng: np.random.Generator,
    cases: Sequence[TrainingCase],
    geometry: PatchGeometry,
    augmentation: Augmenter,
) -> BatchParameters:
    """Draw a batch. The places of the patches come first, so that they do not depend on the augmentation."""
    channels = cases[0].voxels.channels
    samples = []
    for patch in sample_patches(rng, cases, geometry):
        spatial, intensity = augmentation.sample(rng, geometry, channels)
        previous, variation = cases[patch.case].previous, MaskVariation()
        if previous is not None:
            variation = sample_variation(rng, previous, patch.start, geometry.patch_shape, augmentation.mask_ranges())
        samples.append(SampleParameters(patch=patch, spatial=spatial, intensity=intensity, mask=variation))
    return BatchParameters(samples=tuple(samples))


def cut_sample(sample: SampleParameters, cases: Sequence[TrainingCase], geometry: PatchGeometry) -> Cutout:
    """Read what one sample is made from; the cases and the geometry are those it was drawn for."""
    return cases[sample.patch.case].cut(*find_box(sample.patch, sample.spatial, geometry.patch_shape))


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Batch:
    """What a training step sees.

    Attributes:
        images: (batch, channel, *axes) float32, where the axes are those the network sees, in ascending order.
        labels: (batch, *axes) uint8 label indices.
        targets: what else a loss compares with, by name; each has the batch as its first axis.
    """

    images: torch.Tensor
    labels: torch.Tensor
    targets: Mapping[str, torch.Tensor] = field(default_factory=dict)


@torch.no_grad()
def apply_batch(
    parameters: BatchParameters, cutouts: Sequence[Cutout], geometry: PatchGeometry, device: torch.device
) -> Batch:
    """Make the tensors of a batch; the host never waits for the device. Call it outside of autocast.

    Args:
        parameters: from `sample_batch` with the same geometry; all of it or some of its samples.
        cutouts: from `cut_sample`, one per sample.
        geometry: of the batch.
        device: where the tensors are made.

    Returns:
        The batch; masks of another configuration are channels behind those of the images.
    """
    places = [(sample.patch, sample.spatial) for sample in parameters.samples]
    images, maps = apply_spatial(places, [cutout.to(device) for cutout in cutouts], geometry, device)
    labels = maps[:, 0].to(torch.uint8)
    masks = None
    previous = [cutout.previous for cutout in cutouts if cutout.previous]
    if previous:
        masks = apply_variations(maps[:, 1], previous, [sample.mask for sample in parameters.samples])
    if geometry.slice_axis >= 0:
        images, labels = images.squeeze(2 + geometry.slice_axis), labels.squeeze(1 + geometry.slice_axis)
        masks = None if masks is None else masks.squeeze(2 + geometry.slice_axis)
    apply_intensity(images, [sample.intensity for sample in parameters.samples])
    return Batch(images=images if masks is None else torch.cat([images, masks], dim=1), labels=labels)
