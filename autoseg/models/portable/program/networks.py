"""Probabilities of scans: sliding windows, the way back to the scan's grid, ensembles and cascades."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy import special

from autoseg.models.portable.program.files import Array, Heads, Json
from autoseg.models.portable.program.scans import Scan, bounding_box, choose_shape
from autoseg.preprocessing.resampling import resampling_matrix
from dataset_fingerprints.geometry import Box, Triple, canonical_grid, enclose, make_box

# Products of lengths and ratios that should be whole numbers may lie this far beside them.
ROUNDING_SHARE = 1e-9
# Values of one slab of probabilities, and bytes of logits from which these are held in half precision.
SLAB_VALUES, LARGE_BYTES = 4_000_000, 1 << 31
HIGHEST_HALF = 6e4
# Logits of tiles that are left out.
CERTAIN = 20.0


@dataclass(frozen=True)
class Window:
    """Settings of a sliding window.

    Attributes:
        configuration: of the network, as a run holds it.
        outputs: of the network.
        exclusive: whether they compete, with background first.
        mirror: whether flips are averaged.
    """

    configuration: Json
    outputs: int
    exclusive: bool
    mirror: bool

    def tile(self) -> list[int]:
        """Return the shape of what the network looks at in one piece."""
        edges = self.configuration["prediction"].get("tile_shape") or self.configuration["patch_shape"]
        return [1 if axis == self.configuration["slice_axis"] else edge for axis, edge in enumerate(edges)]

    def flips(self) -> list[tuple[int, ...]]:
        """Return the axes of (channel, x, y, z) to flip, in every combination, none first."""
        axes = [1 + axis for axis in sorted(self.configuration["prediction"]["mirror_axes"])] if self.mirror else []
        return [chosen for count in range(len(axes) + 1) for chosen in itertools.combinations(axes, count)]


def predict_logits(network: Any, image: Array, window: Window, body: Array | None) -> Array:
    """Return (output, x, y, z) the mean logits of a network (an onnxruntime session) over tiles and flips.

    Tiles without any body are left out; what no other tile sees is background.

    Args:
        network: to run.
        image: (channel, x, y, z), preprocessed.
        window: how.
        body: (x, y, z) of any resolution, False where the image is background; None where that is not looked at.
    """
    patch, how = window.tile(), window.configuration["prediction"]
    padded, inside = pad(image, patch)
    if padded is not image:
        body = None
    weights, shape = gaussian_weights(patch, how["gaussian_sigma_share"]), padded.shape[1:]
    total, weight = np.zeros((window.outputs, *shape), dtype=np.float32), np.zeros(shape, dtype=np.float32)
    for start in tile_positions(shape, patch, how["step_share"]):
        if body is None or see_body(body, start, patch, shape).any():
            place = cut_at(start, patch)
            total[(slice(None), *place)] += run_flipped(network, cut_seen(padded, start, window), window) * weights
            weight[place] += weights
    unseen = weight == 0
    weight[unseen] = 1
    total /= weight
    total[:, unseen] = -CERTAIN
    if window.exclusive:
        total[0, unseen] = CERTAIN
    return total[(slice(None), *inside)]


def pad(image: Array, patch: Sequence[int]) -> tuple[Array, tuple[slice, ...]]:
    """Return an image (channel, x, y, z), zeros around it where it is smaller than a patch, and its place there."""
    margins = [max(0, edge - length) for edge, length in zip(patch, image.shape[1:], strict=True)]
    sides = [(margin // 2, margin - margin // 2) for margin in margins]
    inside = cut_at([before for before, _ in sides], image.shape[1:])
    return np.pad(image, [(0, 0), *sides]) if any(margins) else image, inside


def cut_at(start: Sequence[int], lengths: Sequence[int]) -> tuple[slice, ...]:
    """Return the box of some lengths from a voxel on."""
    return tuple(slice(first, first + length) for first, length in zip(start, lengths, strict=True))


def cut_seen(image: Array, start: Sequence[int], window: Window) -> Array:
    """Return what a network sees of a tile: its channels, then those of each slice beside it that a 2D one sees.

    Beyond the image, its outermost slice is seen again.
    """
    axis, beside = window.configuration["slice_axis"], window.configuration.get("neighbours", 0)
    seen = []
    for offset in sorted(range(-beside, beside + 1), key=lambda offset: (abs(offset), offset)):
        place = list(start)
        if offset:
            place[axis] = min(max(place[axis] + offset, 0), image.shape[1 + axis] - 1)
        seen.append(image[(slice(None), *cut_at(place, window.tile()))])
    return seen[0] if len(seen) == 1 else np.concatenate(seen)


def run_flipped(network: Any, tile: Array, window: Window) -> Array:
    """Return a network's mean logits (output, x, y, z) of a tile over flips."""
    flips, axis = window.flips(), window.configuration["slice_axis"]
    total = run(network, tile, axis)
    for flip in flips[1:]:
        total = total + np.flip(run(network, np.flip(tile, flip), axis), flip)
    result: Array = total / np.float32(len(flips))
    return result


def run(network: Any, tile: Array, slice_axis: int) -> Array:
    """Return a network's logits (output, x, y, z) of a tile; a 2D one, with an axis from 0 on, does not see that.

    Behind the ends of a tile that is smaller than what the network takes there are zeros.
    """
    seen = tile if slice_axis < 0 else tile.squeeze(1 + slice_axis)
    lengths, (_, _, *taken) = seen.shape[1:], network.get_inputs()[0].shape
    seen = np.pad(seen, [(0, 0), *((0, goal - length) for goal, length in zip(taken, lengths, strict=True))])
    (logits,) = network.run(None, {"image": np.ascontiguousarray(seen[None], dtype=np.float32)})
    inside: Array = logits[(0, slice(None), *cut_at([0] * len(lengths), lengths))]
    return inside if slice_axis < 0 else np.expand_dims(inside, 1 + slice_axis)


def see_body(body: Array, start: Sequence[int], patch: Sequence[int], shape: Sequence[int]) -> Array:
    """Return the part of a body that a tile sees, with a voxel of margin: interpolation spreads the body so far."""
    axes = zip(start, patch, body.shape, shape, strict=True)
    x, y, z = (
        slice(max(0, first * own // length - 1), -(-(first + edge) * own // length) + 1)
        for first, edge, own, length in axes
    )
    part: Array = body[x, y, z]
    return part


def tile_positions(shape: Sequence[int], patch: Sequence[int], step_share: float) -> Iterator[tuple[int, ...]]:
    """Return the starts of all tiles: evenly spread, at most `step_share` of a tile apart."""
    axes = []
    for length, edge in zip(shape, patch, strict=True):
        count = math.ceil((length - edge) / max(1.0, edge * step_share)) + 1
        axes.append([round(float(start)) for start in np.linspace(0, length - edge, count)])
    return itertools.product(*axes)


def gaussian_weights(patch: Sequence[int], sigma_share: float) -> Array:
    """Return (x, y, z) weights that fall off from the patch's centre."""
    weights = np.ones(tuple(patch))
    for axis, edge in enumerate(patch):
        distance = (np.arange(edge) - (edge - 1) / 2) / (sigma_share * edge)
        weights *= np.exp(-0.5 * distance**2).reshape([-1 if other == axis else 1 for other in range(3)])
    result: Array = np.maximum(weights / weights.max(), 1e-4).astype(np.float32)
    return result


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
    # Whole layers are computed, whatever of them is wanted.
    thickness = max(1, SLAB_VALUES // (math.prod(probabilities.box.shape()[1:]) * outputs))
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
    matrices = [None if length == goal else way_back(length, goal, seen, rows) for length, goal, seen, rows in axes]
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


def find_box(probabilities: Probabilities, crop: Json, heads: Heads) -> Box | None:
    """Return the box of the canonical grid around what has at least a probability; None where nothing has.

    Args:
        probabilities: of the scan.
        crop: with the threshold, and the names of the labels that count where not all do.
        heads: what the outputs stand for.
    """
    found, outputs = [], heads.count()
    named = [heads.names.index(name) for name in crop.get("labels", ())]
    places = [place + heads.exclusive for place in named or range(len(heads.targets))]
    for slab, values in slabs_of(probabilities, probabilities.box, outputs):
        mask: Array = np.any(values[places] >= crop["threshold"], axis=0)
        if mask.any():
            found.append(bounding_box(mask).moved(slab.start))
    return enclose(found) if found else None


def crop_to_centre(box: Box, centre: Triple | None, scan: Scan, shape: Triple) -> Box:
    """Return the part of a box of a preprocessed array that lies around the centre of the scan's own grid.

    Args:
        box: to look at.
        centre: the shape of the part; None for all of the box.
        scan: that was preprocessed.
        shape: of the array.
    """
    if centre is None:
        return box
    ratio = np.divide(shape, scan.box.shape())
    whole = np.multiply(canonical_grid(scan.source_grid).shape, ratio)
    start = np.floor((whole - centre) / 2 + ROUNDING_SHARE) - np.round(np.multiply(scan.box.start, ratio))
    return make_box(start, start + centre).overlap(box) or box


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
            start, stop = (
                np.maximum(np.subtract(box.start, margins), 0),
                np.minimum(np.add(box.stop, margins), grid.shape),
            )
            both = inside.overlap(make_box(start, stop))
            if both is None:
                return make_box((0, 0, 0), shape)
            inside = both
    ratio, within = np.divide(shape, scan.box.shape()), inside.relative_to(scan.box)
    start = np.floor(np.multiply(within.start, ratio) + ROUNDING_SHARE)
    return make_box(start, np.ceil(np.multiply(within.stop, ratio) - ROUNDING_SHARE))
