"""The coarser voxel size of the configurations that see more of the body at once."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from planners.rules.spacing import SPACING_DIGITS, Resolution
from planners.sizing.batches import Size

# A patch that covers less of the median body than this asks for a low resolution (Isensee 2021).
COVERED_SHARE = 0.25
SPACING_STEP = 1.03
# Axes this many times finer than the coarsest are made coarser first.
FINER_RATIO = 2.0
# A low resolution with more than half of the voxels is not worth a network of its own.
FEWER_VOXELS = 2.0

# From (spacing in mm, median shape, voxels of the data set), all in the order of the sizing rules, to a size.
SizeAt = Callable[[tuple[float, ...], tuple[float, ...], float], Size]


@dataclass(frozen=True, kw_only=True, slots=True)
class Wish:
    """Extent that a patch should cover.

    Attributes:
        most_voxels: that no patch exceeds, at any resolution; saves sizing where none can cover enough.
        context_mm: the edge that a patch should have along every axis, as far as the body is that long.
    """

    most_voxels: float
    context_mm: float

    def fulfilled(
        self, patch_shape: Sequence[int], spacing_mm: Sequence[float], voxels: float, body_mm: Sequence[float]
    ) -> bool:
        """Return whether patches of voxels of this size cover enough of a body of this many such voxels."""
        edges = zip(patch_shape, spacing_mm, body_mm, strict=True)
        long_enough = all(length * size >= min(self.context_mm, body) for length, size, body in edges)
        return math.prod(patch_shape) / voxels >= COVERED_SHARE and long_enough


@dataclass(frozen=True, kw_only=True, slots=True)
class LowResolution:
    """Result of the search for a low resolution.

    Attributes:
        covered: the share of the median body that the full resolution's patch covers.
        fewer: how many times fewer voxels the low resolution has; 1 where none was looked for.
        resolution: the low one; the full one where none was looked for.
        size: of the low one's patch and network, or None where there is no point in one.
    """

    covered: float
    fewer: float
    resolution: Resolution
    size: Size | None


def choose_low_resolution(
    full: Resolution, patch_shape: tuple[int, ...], wish: Wish, cases: int, size_at: SizeAt
) -> LowResolution:
    """Make voxels coarser by 3 % at a time until a patch covers a quarter of the body (Isensee 2021).

    Args:
        full: the full resolution.
        patch_shape: at the full resolution, in the order of the sizing rules.
        wish: what a patch should cover.
        cases: in the data set.
        size_at: sizes patch and network at a voxel size.
    """
    axes = full.anchor_axes()
    fine = tuple(full.spacing_mm[axis] for axis in axes)
    median = tuple(full.median_shape[axis] for axis in axes)
    body_mm = tuple(length * edge for length, edge in zip(median, fine, strict=True))
    voxels = math.prod(median)
    covered = math.prod(patch_shape) / voxels
    spacing, shape, size = fine, median, None
    while not wish.fulfilled(patch_shape, spacing, voxels, body_mm):
        spacing = _coarsen(spacing)
        exact = [length * old / new for length, old, new in zip(median, fine, spacing, strict=True)]
        voxels = math.prod(exact)
        if wish.most_voxels / voxels < COVERED_SHARE:
            continue
        shape = tuple(float(max(1, round(length))) for length in exact)
        size = size_at(spacing, shape, voxels * cases)
        patch_shape = size.patch_shape
    fewer = math.prod(median) / voxels
    return LowResolution(
        covered=covered,
        fewer=fewer,
        resolution=_at_spacing(full, spacing, shape),
        size=size if fewer >= FEWER_VOXELS else None,
    )


def _coarsen(spacing: tuple[float, ...]) -> tuple[float, ...]:
    coarsest = max(spacing)
    finer = [coarsest / length > FINER_RATIO for length in spacing]
    return tuple(
        length * SPACING_STEP if fine or not any(finer) else length for length, fine in zip(spacing, finer, strict=True)
    )


def _at_spacing(full: Resolution, spacing: tuple[float, ...], shape: tuple[float, ...]) -> Resolution:
    """Return the resolution with other voxels; `spacing` and `shape` are in the order of the sizing rules."""
    by_axis = dict(zip(full.anchor_axes(), zip(spacing, shape, strict=True), strict=True))
    x, y, z = (by_axis[axis] for axis in range(3))
    return replace(
        full,
        spacing_mm=(round(x[0], SPACING_DIGITS), round(y[0], SPACING_DIGITS), round(z[0], SPACING_DIGITS)),
        median_shape=(x[1], y[1], z[1]),
    )
