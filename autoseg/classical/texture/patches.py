"""Patches of which a person said the class: their voxels, the scale of grey values, and their features."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from autoseg.classical.texture.features import measure_textures
from autoseg.classical.texture.options import TextureOptions
from autoseg.classical.texture.windows import Image

# Of the voxels of all patches: what lies beyond is cut off half a range further.
_PERCENTILES = (0.5, 99.5)
_BEYOND = 0.5


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class PatchVoxels:
    """The surroundings of one patch, as far as its features depend on them.

    Attributes:
        voxels: (x, y) of the slice, the patch's middle in the middle.
        inside: (x, y), those that count.
    """

    voxels: NDArray[np.float32]
    inside: NDArray[np.bool_]


@dataclass(frozen=True, kw_only=True, slots=True)
class GreyScale:
    """Intensities that become 0 and 1."""

    low: float
    high: float

    def apply(self, voxels: NDArray[np.float32]) -> Image:
        """Return grey values, cut off where they lie far beyond 0 and 1."""
        scaled = (voxels.astype(np.float64) - self.low) / (self.high - self.low)
        return np.clip(scaled, -_BEYOND, 1 + _BEYOND)


def find_scale(patches: Sequence[PatchVoxels]) -> GreyScale:
    """Return the scale on which nearly all voxels of the patches lie between 0 and 1."""
    every = np.concatenate([patch.voxels[patch.inside] for patch in patches])
    low, high = (float(value) for value in np.percentile(every, _PERCENTILES))
    return GreyScale(low=low, high=high if high > low else low + 1.0)


def measure_patches(patches: Sequence[PatchVoxels], scale: GreyScale, options: TextureOptions) -> NDArray[np.float64]:
    """Return (patch, feature)."""
    rows = []
    for patch in patches:
        middle = slice(options.reach(), options.reach() + 1)
        found = measure_textures(scale.apply(patch.voxels), patch.inside, (middle, middle), options)
        rows.append([float(values[0, 0]) for values in found.values()])
    return np.array(rows)


def cut_patch(
    voxels: NDArray[np.float32], inside: NDArray[np.bool_], middle: tuple[int, int], options: TextureOptions
) -> PatchVoxels:
    """Return the surroundings of a voxel of a slice; beyond the slice nothing counts.

    Args:
        voxels: (x, y).
        inside: (x, y).
        middle: the voxel.
        options: of the textures.
    """
    reach = options.reach()
    starts = [place - reach for place in middle]
    padded = np.zeros((2 * reach + 1,) * 2, dtype=np.float32)
    counted = np.zeros(padded.shape, dtype=bool)
    taken = tuple(
        slice(max(start, 0), min(start + len(padded), length))
        for start, length in zip(starts, voxels.shape, strict=True)
    )
    placed = tuple(slice(one.start - start, one.stop - start) for one, start in zip(taken, starts, strict=True))
    padded[placed], counted[placed] = voxels[taken], inside[taken]
    return PatchVoxels(voxels=padded, inside=counted)
