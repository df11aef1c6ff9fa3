"""Where the patches of a batch lie, and how they are cut out of a case."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from types import EllipsisType

import numpy as np
import torch

from autoseg.sampling.cases import Coordinates, Lesions, TrainingCase
from dataset_fingerprints.geometry import Triple

Flips = tuple[bool, bool, bool]


@dataclass(frozen=True, kw_only=True, slots=True)
class PatchGeometry:
    """The shape of a batch and what its patches must hold.

    Attributes:
        patch_shape: (x, y, z) in voxels; 1 along the sliced axis.
        slice_axis: the axis that a 2D network does not see, or -1 in 3D.
        foreground_share: the share of the batch that must hold foreground; at least one patch where it is above 0.
        jitter_share: how far from the patch's centre, as a share of half its edge, the wanted voxel may lie: 0 is the
            centre, 1 is anywhere.
        lesion_balance: 0 draws every voxel of a label alike; up to 1, which draws every lesion alike.
    """

    patch_shape: Triple
    slice_axis: int
    batch_size: int
    foreground_share: float
    jitter_share: float
    lesion_balance: float = 0.0

    def forced_patches(self) -> int:
        """Return how many patches of a batch must hold foreground."""
        if self.foreground_share <= 0:
            return 0
        return max(1, round(self.batch_size * self.foreground_share))


@dataclass(frozen=True, kw_only=True, slots=True)
class Patch:
    """The place of one patch.

    Attributes:
        case: position in the sequence of training cases.
        start: the patch's first voxel; negative where the patch reaches out of the case.
        target: the position, from 1, of the label or region that the patch was placed on, or 0.
    """

    case: int
    start: Triple
    target: int


def sample_patches(
    rng: np.random.Generator, cases: Sequence[TrainingCase], geometry: PatchGeometry
) -> tuple[Patch, ...]:
    """Draw the places of a batch's patches; the last ones are those that must hold foreground.

    Those are drawn evenly over the cases that have foreground, then over the labels or regions of the case, then over
    the voxels of the one, or over its lesions where these are balanced. Where no case has any, they are drawn like the
    others: evenly over cases and places, or over the voxels that somebody labelled where a case has ignored ones.
    """
    with_foreground = [index for index, case in enumerate(cases) if any(map(len, case.foreground))]
    forced = geometry.forced_patches() if with_foreground else 0
    patches = [_sample_anywhere(rng, cases, geometry) for _ in range(geometry.batch_size - forced)]
    patches += [_sample_on_foreground(rng, cases, with_foreground, geometry) for _ in range(forced)]
    return tuple(patches)


def copy_box(source: torch.Tensor, start: Triple, flips: Flips, target: torch.Tensor) -> None:
    """Fill `target` with the box of `source` that begins at `start`; voxels outside of the source stay as they are.

    Args:
        source: (..., x, y, z).
        start: may be negative.
        flips: the axes along which the box is mirrored.
        target: (..., x, y, z), cast to its own type.
    """
    taken: list[slice | EllipsisType] = [...]
    filled: list[slice | EllipsisType] = [...]
    for axis, shift in enumerate(start):
        edge = target.shape[axis - 3]
        first, last = max(shift, 0), min(shift + edge, source.shape[axis - 3])
        if first >= last:
            return
        taken.append(slice(first, last))
        mirrored = (shift + edge - last, shift + edge - first)
        filled.append(slice(*mirrored) if flips[axis] else slice(first - shift, last - shift))
    box = source[tuple(taken)]
    axes = [axis - 3 for axis in range(3) if flips[axis]]
    target[tuple(filled)].copy_(box.flip(axes) if axes else box, non_blocking=True)


def _sample_anywhere(rng: np.random.Generator, cases: Sequence[TrainingCase], geometry: PatchGeometry) -> Patch:
    case = int(rng.integers(len(cases)))
    annotated = cases[case].annotated
    if annotated is not None and len(annotated):
        start = _sample_around(rng, annotated, cases[case], geometry)
        return Patch(case=case, start=start, target=0)
    bounds = _find_bounds(cases[case], geometry)
    x, y, z = (int(rng.integers(low, high + 1)) for low, high in bounds)
    return Patch(case=case, start=(x, y, z), target=0)


def _sample_on_foreground(
    rng: np.random.Generator, cases: Sequence[TrainingCase], candidates: Sequence[int], geometry: PatchGeometry
) -> Patch:
    case = candidates[int(rng.integers(len(candidates)))]
    foreground = cases[case].foreground
    present = [index for index, voxels in enumerate(foreground) if len(voxels)]
    chosen = present[int(rng.integers(len(present)))]
    voxels = foreground[chosen]
    if geometry.lesion_balance > 0:
        voxels = _choose_lesion(rng, cases[case].lesions[chosen], geometry.lesion_balance)
    start = _sample_around(rng, voxels, cases[case], geometry)
    return Patch(case=case, start=start, target=chosen + 1)


def _choose_lesion(rng: np.random.Generator, lesions: Lesions, balance: float) -> Coordinates:
    """Draw one lesion and return its voxels; the weight of n voxels is n ** (1 - balance)."""
    reached = np.cumsum(lesions.sizes.astype(np.float64) ** (1.0 - balance))
    return lesions.voxels[int(np.searchsorted(reached, rng.random() * reached[-1], side="right"))]


def _sample_around(
    rng: np.random.Generator, voxels: Coordinates, case: TrainingCase, geometry: PatchGeometry
) -> Triple:
    """Draw a patch that holds one of the voxels, and return its start."""
    voxel = voxels[rng.integers(len(voxels))]
    start = []
    for axis, (low, high) in enumerate(_find_bounds(case, geometry)):
        place = int(0.5 * geometry.patch_shape[axis] * (1 + geometry.jitter_share * rng.uniform(-1, 1)))
        start.append(min(max(int(voxel[axis]) - place, low), high))
    return (start[0], start[1], start[2])


def _find_bounds(case: TrainingCase, geometry: PatchGeometry) -> list[tuple[int, int]]:
    """Return the lowest and highest start per axis: inside the case, or centred on it where the patch is larger."""
    room = [length - edge for length, edge in zip(case.voxels.shape, geometry.patch_shape, strict=True)]
    return [(0, free) if free >= 0 else (free // 2, free // 2) for free in room]
