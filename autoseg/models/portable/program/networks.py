"""Probabilities of scans: sliding windows, the way back to the scan's grid, ensembles and cascades."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy import special

from autoseg.models.portable.program.files import Array, Json
from autoseg.models.portable.program.scans import Scan, bounding_box, choose_shape
from autoseg.preprocessing.resampling import resampling_matrix
from dataset_fingerprints.geometry import Box, Triple, canonical_grid, enclose, make_box

# Products of lengths and ratios that should be whole numbers may lie this far beside them.
ROUNDING_SHARE = 1e-9
# Values of one slab of probabilities, and bytes of logits from which these are held in half precision.
SLAB_VALUES, LARGE_BYTES = 4_000_000, 1 << 31
HIGHEST_HALF = 6e4


def predict_logits(network: Any, image: Array, configuration: Json, *, mirror: bool) -> Array:
    """Return (output, x, y, z) the mean logits of a network (an onnxruntime session) over tiles and flips.

    Args:
        network: to run.
        image: (channel, x, y, z), preprocessed.
        configuration: of the network, as a run holds it.
        mirror: whether flips are averaged.
    """
    patch, how = tuple(configuration["patch_shape"]), configuration["prediction"]
    margins = [max(0, edge - length) for edge, length in zip(patch, image.shape[1:], strict=True)]
    before = [margin // 2 for margin in margins]
    padded = np.pad(image, [(0, 0), *((low, all_ - low) for low, all_ in zip(before, margins, strict=True))])
    weights = gaussian_weights(patch, how["gaussian_sigma_share"])
    flips = flip_sets(how["mirror_axes"] if mirror else ())
    total: Array | None = None
    weight = np.zeros(padded.shape[1:], dtype=np.float32)
    for start in tile_positions(padded.shape[1:], patch, how["step_share"]):
        place = tuple(slice(first, first + edge) for first, edge in zip(start, patch, strict=True))
        tile = padded[(slice(None), *place)]
        logits = sum(np.flip(run(network, np.flip(tile, flip), configuration), flip) for flip in flips) / len(flips)
        if total is None:
            total = np.zeros((len(logits), *weight.shape), dtype=np.float32)
        total[(slice(None), *place)] += logits * weights
        weight[place] += weights
    assert total is not None
    total /= weight
    inside = (slice(low, low + length) for low, length in zip(before, image.shape[1:], strict=True))
    return total[(slice(None), *inside)]


def run(network: Any, tile: Array, configuration: Json) -> Array:
    """Return a network's logits (output, x, y, z) of a tile; a 2D one does not see the sliced axis."""
    axis = configuration["slice_axis"]
    seen = tile if axis < 0 else tile.squeeze(1 + axis)
    (logits,) = network.run(None, {"image": np.ascontiguousarray(seen[None], dtype=np.float32)})
    result: Array = logits[0] if axis < 0 else np.expand_dims(logits[0], 1 + axis)
    return result


def tile_positions(shape: Sequence[int], tile: Sequence[int], step_share: float) -> Iterator[tuple[int, ...]]:
    """Return the starts of all tiles: evenly spread, at most `step_share` of a tile apart."""
    axes = []
    for length, edge in zip(shape, tile, strict=True):
        count = math.ceil((length - edge) / max(1.0, edge * step_share)) + 1
        axes.append([round(float(start)) for start in np.linspace(0, length - edge, count)])
    return itertools.product(*axes)


def gaussian_weights(tile: Sequence[int], sigma_share: float) -> Array:
    """Return (x, y, z) weights that fall off from the tile's centre."""
    weights = np.ones(tuple(tile))
    for axis, edge in enumerate(tile):
        distance = (np.arange(edge) - (edge - 1) / 2) / (sigma_share * edge)
        weights *= np.exp(-0.5 * distance**2).reshape([-1 if other == axis else 1 for other in range(3)])
    return np.maximum(weights / weights.max(), 1e-4).astype(np.float32)


def flip_sets(axes: Sequence[int]) -> list[tuple[int, ...]]:
    """Return every combination of axes of (channel, x, y, z) to flip, none first."""
    moved = [1 + axis for axis in sorted(axes)]
    return [chosen for count in range(len(moved) + 1) for chosen in itertools.combinations(moved, count)]


@dataclass(frozen=True)
class Restored:
    """Probabilities on the scan's grid, computed from logits when they are read.

    Attributes:
        box: in the canonical grid; outside, everything is background.
        logits: (output, x, y, z) of what the network looked at.
        matrices: per axis (scan, logits); None for one that keeps its voxels.
        exclusive: whether outputs compete.
    """

    box: Box
    logits: Array
    matrices: Sequence[Array | None]
    exclusive: bool

    def read(self, box: Box) -> Array:
        """Return the probabilities (output, x, y, z) in any box of the canonical grid."""
        values = np.zeros((len(self.logits), *box.shape()), dtype=np.float32)
        values[0] = 1 if self.exclusive else 0
        both = self.box.overlap(box)
        if both is not None:
            x, y, z = both.relative_to(self.box).slices()
            place = both.relative_to(box).slices()
            values[(slice(None), *place)] = self._restore(x)[:, :, y, z]
        return values

    def _restore(self, layers: slice) -> Array:
        along_x, along_y, along_z = self.matrices
        if along_x is None:
            slab = self.logits[:, layers].astype(np.float32)
        else:
            rows = along_x[layers]
            used = np.flatnonzero(rows.any(axis=0))
            part = slice(int(used[0]), int(used[-1]) + 1)
            slab = np.tensordot(rows[:, part], self.logits[:, part].astype(np.float32), (1, 1)).swapaxes(0, 1)
        slab = slab if along_y is None else along_y @ slab
        slab = slab if along_z is None else slab @ along_z.T
        result: Array = special.softmax(slab, axis=0) if self.exclusive else special.expit(slab)
        return result


@dataclass(frozen=True)
class Mean:
    """Mean probabilities of several predictions of one scan."""

    box: Box
    parts: Sequence[Probabilities]

    def read(self, box: Box) -> Array:
        """Return the probabilities (output, x, y, z) in any box of the canonical grid."""
        first, *others = self.parts
        share = np.float32(1 / len(self.parts))
        total = first.read(box) * share
        for other in others:
            total += other.read(box) * share
        return total


Probabilities = Restored | Mean


def average(parts: Sequence[Probabilities]) -> Probabilities:
    """Return the mean of probabilities."""
    return parts[0] if len(parts) == 1 else Mean(box=enclose([part.box for part in parts]), parts=parts)


def slabs_of(probabilities: Probabilities, box: Box, outputs: int) -> Iterator[tuple[Box, Array]]:
    """Yield boxes that cover a box, and the probabilities in them."""
    (start, y, z), (stop, y_stop, z_stop) = box.start, box.stop
    thickness = max(1, SLAB_VALUES // ((y_stop - y) * (z_stop - z) * outputs))
    for first in range(start, stop, thickness):
        slab = make_box((first, y, z), (min(first + thickness, stop), y_stop, z_stop))
        yield slab, probabilities.read(slab)


def restore(logits: Array, crop: Box, scan: Scan, preprocessing: Json, *, exclusive: bool) -> Restored:
    """Return the probabilities that logits stand for.

    Args:
        logits: (output, x, y, z) inside the crop.
        crop: of the preprocessed array.
        scan: that was preprocessed.
        preprocessing: how.
        exclusive: whether outputs compete.
    """
    shape = choose_shape(scan, preprocessing)
    box = centres_inside(crop, scan, shape)
    within = box.relative_to(scan.box)
    axes = zip(shape, scan.box.shape(), crop.slices(), within.slices(), strict=True)
    matrices = [None if length == target else way_back(length, target, seen, rows) for length, target, seen, rows in axes]
    return Restored(box=box, logits=logits, matrices=matrices, exclusive=exclusive)


def way_back(length: int, target: int, columns: slice, rows: slice) -> Array:
    """Return the rows and columns of a crop; rows at its border weigh what is left of them up to 1."""
    matrix = resampling_matrix(length, target, "linear").toarray()[rows]
    inside = matrix[:, columns]
    left = inside.sum(axis=1, keepdims=True)
    return np.where(left < matrix.sum(axis=1, keepdims=True), inside / left, inside)


def centres_inside(crop: Box, scan: Scan, shape: Triple) -> Box:
    """Return the box of the canonical grid whose voxel centres lie inside a box of the preprocessed array."""
    ratio = np.divide(scan.box.shape(), shape)
    start, stop = (np.ceil(np.multiply(edge, ratio) - 0.5 - ROUNDING_SHARE) for edge in (crop.start, crop.stop))
    return make_box(start, stop).moved(scan.box.start)


def find_box(probabilities: Probabilities, threshold: float, exclusive: bool, outputs: int) -> Box | None:
    """Return the box of the canonical grid around what has at least a probability; None where nothing has."""
    found = []
    for slab, values in slabs_of(probabilities, probabilities.box, outputs):
        mask = (values[int(exclusive) :] >= threshold).any(axis=0)
        if mask.any():
            found.append(bounding_box(mask).moved(slab.start))
    return enclose(found) if found else None


def fit_crops(found: Sequence[tuple[float, Box | None]], scan: Scan, shape: Triple) -> Box:
    """Return the box of a preprocessed array that lies in all crops; all of it where there is none.

    Args:
        found: margins in mm, and boxes of the canonical grid; None for a stage that found nothing.
        scan: that was preprocessed.
        shape: of the array.
    """
    grid, inside = canonical_grid(scan.source_grid), scan.box
    for margin_mm, box in found:
        if box is not None:
            margins = [math.ceil(margin_mm / spacing - ROUNDING_SHARE) for spacing in grid.spacing_mm()]
            start, stop = np.maximum(np.subtract(box.start, margins), 0), np.minimum(np.add(box.stop, margins), grid.shape)
            both = inside.overlap(make_box(start, stop))
            if both is None:
                return make_box((0, 0, 0), shape)
            inside = both
    ratio, within = np.divide(shape, scan.box.shape()), inside.relative_to(scan.box)
    start = np.floor(np.multiply(within.start, ratio) + ROUNDING_SHARE)
    return make_box(start, np.ceil(np.multiply(within.stop, ratio) - ROUNDING_SHARE))
