"""Interface of augmentations: `sample` draws the change of a sample, `apply` changes a batch by what was drawn."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

import numpy as np
import torch

from autoseg.sampling.augmentations.mask_variation import MaskVariation
from autoseg.sampling.augmentations.spatial import Spatial
from autoseg.sampling.cases.shown_masks import ShownMask
from autoseg.sampling.patches.geometry import PatchGeometry
from dataset_fingerprints.geometry import Triple


@dataclass(frozen=True, kw_only=True, slots=True)
class SampleView:
    """View of a sample that an augmentation may look at when it draws.

    Attributes:
        geometry: of the batch.
        channels: of the image.
        start: the patch's first voxel in its case.
        masks: of the case, of other configurations.
    """

    geometry: PatchGeometry
    channels: int
    start: Triple
    masks: tuple[ShownMask, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class Cut:
    """Parameters by which one patch is cut out of its case.

    Attributes:
        spatial: how it is turned, scaled and mirrored.
        masks: how each of the case's masks is varied; empty where all stay.
    """

    spatial: Spatial = field(default_factory=Spatial)
    masks: tuple[MaskVariation, ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class Drawn:
    """Parameters that an augmentation drew for one sample.

    Attributes:
        cut: None where it does not say how patches are cut; of a plan's list only one augmentation does.
        change: what happens to the patch after it is cut; a value of the augmentation's own.
    """

    cut: Cut | None = None
    change: Any = None


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Patches:
    """The patches of a batch, cut; augmentations change the tensors in place.

    Attributes:
        images: (batch, channel, *axes) float32, where the axes are those the network sees, in ascending order.
        labels: (batch, *axes) uint8 label indices.
        masks: (batch, channel, *axes) float32, 0 or 1: a channel per label or region of every mask of another
            configuration; None without any.
        indices: those that a label map may hold.
        slices: that the network sees; images and masks hold all channels of the first, then those of the next one.
    """

    images: torch.Tensor
    labels: torch.Tensor
    masks: torch.Tensor | None
    indices: frozenset[int]
    slices: int = 1


class Augmenter(Protocol):
    """Augmentation of samples in two halves: drawing parameters, and applying them."""

    def sample(self, rng: np.random.Generator, view: SampleView) -> Drawn:
        """Draw everything that happens to one sample."""
        ...

    def apply(self, patches: Patches, changes: Sequence[Any]) -> None:
        """Change patches in place.

        Args:
            patches: all or some of a batch; no patch depends on the others.
            changes: what was drawn for each.
        """
        ...


class NoAugmenter:
    """Augmenter that leaves patches as they are."""

    def sample(self, rng: np.random.Generator, view: SampleView) -> Drawn:
        """Draw nothing."""
        return Drawn()

    def apply(self, patches: Patches, changes: Sequence[Any]) -> None:
        """Change nothing."""
