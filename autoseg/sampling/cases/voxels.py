"""Voxels of training cases in memory or on disk, and the boxes that are cut out of them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Protocol

import numpy as np
import torch
from numpy.typing import NDArray

from autoseg.sampling.cases.shown_masks import ShownMask
from dataset_fingerprints.geometry import Box, Triple

HALF_PRECISION_LIMIT = 2048.0


class CaseVoxels(Protocol):
    """The arrays of one case, wherever they are."""

    @property
    def shape(self) -> Triple:
        """Voxels along x, y and z."""
        ...

    @property
    def channels(self) -> int:
        """Channels of the image."""
        ...

    @property
    def device(self) -> torch.device | None:
        """Device that holds the arrays, or None if every box is read from a disk."""
        ...

    def read_box(self, box: Box) -> tuple[torch.Tensor, tuple[torch.Tensor, ...]]:
        """Return (channel, x, y, z) image and the maps (x, y, z) inside a box that lies in the case.

        The first map holds label indices, uint8; each further one the numbers of a shown mask's components, int16.
        """
        ...


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class ResidentVoxels:
    """Arrays on the training device or in RAM.

    Attributes:
        image: (channel, x, y, z) float16 or float32.
        maps: (x, y, z) each, on the same device; see `CaseVoxels.read_box`.
    """

    image: torch.Tensor
    maps: tuple[torch.Tensor, ...]

    @property
    def shape(self) -> Triple:
        """Voxels along x, y and z."""
        x, y, z = self.maps[0].shape
        return (x, y, z)

    @property
    def channels(self) -> int:
        """Channels of the image."""
        return int(self.image.shape[0])

    @property
    def device(self) -> torch.device:
        """Device that holds the arrays."""
        return self.image.device

    def read_box(self, box: Box) -> tuple[torch.Tensor, tuple[torch.Tensor, ...]]:
        """Return views of image and maps."""
        slices = box.slices()
        return self.image[(..., *slices)], tuple(values[slices] for values in self.maps)


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Cutout:
    """Voxels that a patch is made from.

    Attributes:
        image: (channel, x, y, z), the overlap of the wanted box with the case; without any, the voxels nearest to it.
        maps: (x, y, z) each, of the same voxels; see `CaseVoxels.read_box`.
        start: the first of them in the case.
        labels: the indices above 0 that the case has.
        masks: of the case, one for each map behind the first.
    """

    image: torch.Tensor
    maps: tuple[torch.Tensor, ...]
    start: Triple
    labels: tuple[int, ...]
    masks: tuple[ShownMask, ...]

    def to(self, device: torch.device) -> Cutout:
        """Return the cutout on a device, without waiting where it is pinned."""
        return self._change(lambda values: values.to(device, non_blocking=True))

    def pin(self) -> Cutout:
        """Return a copy in page-locked memory, from which a GPU fetches without the host waiting."""
        return self._change(lambda values: values.contiguous().pin_memory())

    def _change(self, change: Callable[[torch.Tensor], torch.Tensor]) -> Cutout:
        return replace(self, image=change(self.image), maps=tuple(change(values) for values in self.maps))


def hold_voxels(
    image: NDArray[np.floating],
    label: NDArray[np.integer],
    device: torch.device,
    components: Sequence[NDArray[np.int16]] = (),
) -> ResidentVoxels:
    """Put a preprocessed case on the device, its image in half precision where the values allow it.

    Args:
        image: (channel, x, y, z), normalised.
        label: (x, y, z) label indices.
        device: where the case is kept.
        components: (x, y, z) each, from `split_mask`, of the masks that the network sees.
    """
    # Half precision is exact for integers up to its limit and has a relative error of 0.05 % elsewhere.
    small = bool(np.abs(image).max(initial=0.0) <= HALF_PRECISION_LIMIT)
    pixels = np.ascontiguousarray(image, dtype=np.float16 if small else np.float32)
    maps = [np.ascontiguousarray(label, dtype=np.uint8), *map(np.ascontiguousarray, components)]
    return ResidentVoxels(
        image=torch.from_numpy(pixels).to(device), maps=tuple(torch.from_numpy(values).to(device) for values in maps)
    )
