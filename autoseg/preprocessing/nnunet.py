"""nnU-Net's way from a scan to the array that its networks see, and back (`planners.nnunet_rules.NnunetRules`).

Everything is computed in canonical axes. Which file axis is which only matters where a rule counts along the axes of
the file, and where the nearest of two slices is chosen that are equally near.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from autoseg.preprocessing.resampling import Kind, resample, resampling_matrix
from dataset_fingerprints.geometry import (
    Grid,
    Reorientation,
    Triple,
    TripleFloat,
    canonical_grid,
    find_reorientation,
)
from dataset_fingerprints.measuring.scans import Scan
from dataset_fingerprints.reading.body import bounding_box, connected_to_border
from planners.nnunet_rules import NnunetRules
from planners.plan import Preprocessing

Kinds = tuple[Kind, Kind, Kind]
AS_THEY_ARE = Reorientation(axes=(0, 1, 2), flips=(False, False, False))
# Intensities are divided by no less, whatever their unit.
LEAST_DIVISOR = 1e-8
# Lengths of an affine's columns that are equal in the header differ by less, relative to the longest.
_ROUNDING = 1e-5
# Shares of a voxel that differ by less are equal.
_EQUAL = 1e-6


@dataclass(frozen=True, kw_only=True, slots=True)
class Steps:
    """Resampling of one scan, along canonical axes.

    Attributes:
        shape: of the network's array.
        images: interpolation of images.
        coarse: the axis that images are resampled along afterwards, from slice to slice, or -1.
        logits: interpolation of logits on their way back; another axis may be their coarse one.
        nearest: the same, by the nearest voxel along every axis.
    """

    shape: Triple
    images: Kinds
    coarse: int
    logits: Kinds
    nearest: Kinds


def find_turn(source_grid: Grid, rules: NnunetRules) -> Reorientation:
    """Return the change from the axes that a network sees a scan along to canonical ones."""
    return find_reorientation(source_grid) if rules.axes == "stored" else AS_THEY_ARE


def crop_to_nonzero(scan: Scan) -> Scan:
    """Return a scan cropped to what is not 0 in every channel; holes in it count as not 0."""
    if scan.around and not any(scan.around):
        return scan  # it was cropped in the same way
    voxels, labels = _expand(scan.voxels, scan, scan.around), scan.labels
    tissue = ~connected_to_border((voxels == 0).all(axis=0))
    box = bounding_box(tissue)
    if labels is not None:
        labels = np.ascontiguousarray(_expand(labels[None], scan, (0,))[0][box.slices()])
    return replace(
        scan,
        voxels=np.ascontiguousarray(voxels[(slice(None), *box.slices())]),
        labels=labels,
        body=np.ascontiguousarray(tissue[box.slices()]),
        box=box,
    )


def _expand(inside: NDArray[np.generic], scan: Scan, around: Sequence[float]) -> NDArray[np.generic]:
    """Return arrays (channel, x, y, z) on the scan's whole canonical grid."""
    shape = scan.canonical_shape()
    if scan.box.shape() == shape:
        return inside
    whole = np.empty((len(inside), *shape), dtype=inside.dtype)
    for channel, value in zip(whole, around, strict=True):
        channel[:] = value
    whole[(slice(None), *scan.box.slices())] = inside
    return whole


def choose_steps(shape: Triple, source_grid: Grid, preprocessing: Preprocessing) -> Steps:
    """Return how a crop of a scan is resampled.

    Args:
        shape: of the crop in the canonical grid.
        source_grid: of the scan's file.
        preprocessing: with nnU-Net's rules.
    """
    rules = preprocessing.nnunet
    assert rules is not None
    turn = find_turn(source_grid, rules)
    own = _in_header(canonical_grid(source_grid).spacing_mm())
    kept = (True, True, True) if rules.images == "none" else tuple(axis == rules.kept_axis for axis in turn.axes)
    wanted = [preprocessing.spacing_mm[axis] for axis in turn.axes]
    x, y, z = (have if keep else want for have, want, keep in zip(own, wanted, kept, strict=True))
    target = (x, y, z)
    x_length, y_length, z_length = (
        max(1, round(have / want * length)) for have, want, length in zip(own, target, shape, strict=True)
    )
    coarse = _find_coarse_axis(own, target, rules)
    return Steps(
        shape=(x_length, y_length, z_length),
        images=_list_kinds("linear" if rules.images == "linear" else "spline", coarse, turn),
        coarse=coarse,
        logits=_list_kinds("linear", _find_coarse_axis(target, own, rules), turn),
        nearest=_list_nearest(turn),
    )


def _in_header(spacing_mm: TripleFloat) -> TripleFloat:
    """Return a spacing as headers of NIfTI hold it, in single precision: shapes are rounded, and it decides on ties."""
    x, y, z = (float(np.float32(length)) for length in spacing_mm)
    return (x, y, z)


def _find_coarse_axis(current: TripleFloat, target: TripleFloat, rules: NnunetRules) -> int:
    """Return the one axis that is longest, of the first of the two spacings that is far from even; -1 without any."""
    if rules.coarse == "never":
        return -1
    uneven = [one for one in (current, target) if max(one) / min(one) > rules.threshold]
    spacing = current if rules.coarse == "always" else next(iter(uneven), None)
    if spacing is None:
        return -1
    longest = [axis for axis, length in enumerate(spacing) if length > max(spacing) * (1 - _ROUNDING)]
    return longest[0] if len(longest) == 1 else -1


def _list_kinds(kind: Kind, coarse: int, turn: Reorientation) -> Kinds:
    x, y, z = (near if axis == coarse else kind for axis, near in enumerate(_list_nearest(turn)))
    return (x, y, z)


def _list_nearest(turn: Reorientation) -> Kinds:
    forward: tuple[Kind, Kind] = ("nearest", "nearest_back")
    x, y, z = (forward[flip] for flip in turn.flips)
    return (x, y, z)


def resample_images(voxels: NDArray[np.float32], steps: Steps) -> NDArray[np.float32]:
    """Return images (channel, x, y, z) resampled; none gets values beyond its own, or beyond those of its slices."""
    if voxels.shape[1:] == steps.shape:
        return voxels
    return np.stack([_resample_image(channel, steps) for channel in voxels])


def _resample_image(channel: NDArray[np.float32], steps: Steps) -> NDArray[np.float32]:
    if steps.coarse < 0:
        return np.clip(resample(channel, steps.shape, steps.images), channel.min(), channel.max())
    x, y, z = (channel.shape[axis] if axis == steps.coarse else steps.shape[axis] for axis in range(3))
    others = tuple(axis for axis in range(3) if axis != steps.coarse)
    lowest, highest = channel.min(axis=others, keepdims=True), channel.max(axis=others, keepdims=True)
    slices = np.clip(resample(channel, (x, y, z), steps.images), lowest, highest)
    return resample(slices, steps.shape, steps.images)


def resample_mask(
    indices: NDArray[np.uint8], steps: Steps, tissue: NDArray[np.bool_] | None = None
) -> NDArray[np.uint8]:
    """Return label indices (x, y, z) resampled: a voxel gets the label with the largest share of it.

    Of equal shares the nearest voxel's label wins if it has one of them, else the smallest one. Background outside of
    the tissue and inside of it count as two labels.

    Args:
        indices: of the crop.
        steps: of the scan.
        tissue: (x, y, z) of the crop, False where every channel is 0; None for everywhere.
    """
    if indices.shape == steps.shape:
        return indices
    x, y, z = ("linear" if kind == "spline" else kind for kind in steps.images)
    # One more than the index; 0 for background outside of the tissue.
    kinds = indices.astype(np.int16) + 1
    if tissue is not None:
        kinds[(indices == 0) & ~tissue] = 0
    nearest = _take_nearest(kinds, steps)
    best = np.full(steps.shape, -1, dtype=np.float32)
    winner, leads = np.zeros(steps.shape, dtype=np.int16), np.zeros(steps.shape, dtype=bool)
    for kind in np.unique(kinds):
        share = resample((kinds == kind).astype(np.float32), steps.shape, (x, y, z))
        better, is_nearest = share > best + _EQUAL, nearest == kind
        leads = np.where(better, is_nearest, leads | (is_nearest & (share >= best - _EQUAL)))
        winner[better] = kind
        np.maximum(best, share, out=best)
    winner[leads] = nearest[leads]
    return np.maximum(winner - 1, 0).astype(np.uint8)


def _take_nearest(array: NDArray[np.int16], steps: Steps) -> NDArray[np.int16]:
    places = []
    for length, target, kind in zip(array.shape, steps.shape, steps.nearest, strict=True):
        matrix = resampling_matrix(length, target, kind)
        places.append(np.arange(length) if length == target else matrix.indices)
    nearest: NDArray[np.int16] = array[np.ix_(*places)]
    return nearest
