"""Crop of a preprocessed array that a stage looks at, where an earlier stage says what to crop to."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from autoseg.preprocessing.prepare import Record
from dataset_fingerprints.geometry import Box, Grid, Triple, canonical_grid, make_box
from planners.stage_inputs import CropTo

# Products of lengths and ratios that should be whole numbers may lie this far beside them.
_ROUNDING = 1e-9


@dataclass(frozen=True, kw_only=True, slots=True)
class Crop:
    """Crop of a preprocessed array that a network looks at.

    Attributes:
        box: on the preprocessed array.
        missed: the configurations that found nothing to crop to, so that their box is the whole scan.
    """

    box: Box
    missed: tuple[str, ...] = ()


def whole(record: Record) -> Box:
    """Return the box that is all of a preprocessed array."""
    return Box(start=(0, 0, 0), stop=record.shape)


def fit_crops(found: Sequence[tuple[CropTo, Box | None]], record: Record) -> Crop:
    """Return the overlap of all crops of a stage: the whole array without any.

    Boxes that do not meet count as not found.

    Args:
        found: the stage's crops, each with the box around what its configuration found, in the scan's canonical grid;
            None where it found nothing.
        record: of the scan's preprocessing for this stage.
    """
    missed = tuple(crop.configuration for crop, box in found if box is None)
    grid = canonical_grid(record.source_grid)
    inside: Box | None = record.box
    for crop, box in found:
        if box is not None and inside is not None:
            inside = inside.overlap(_grow(box, crop.margin_mm, grid))
    if inside is None:
        return Crop(box=whole(record), missed=tuple(crop.configuration for crop, _ in found))
    return Crop(box=_fit(inside, record), missed=missed)


def crop_to_centre(box: Box, shape: Triple | None, record: Record) -> Box:
    """Return the part of a box of the preprocessed array that lies around the centre of the scan.

    Args:
        box: on the preprocessed array.
        shape: of the part, in voxels of the preprocessed array; None for all of the box. What reaches out of the box is
            left out, and where nothing would be left, all of it is.
        record: of the scan's preprocessing; the centre is that of the scan's own grid, whatever was cropped from it.
    """
    if shape is None:
        return box
    ratio = np.divide(record.shape, record.box.shape())
    whole_shape = np.multiply(canonical_grid(record.source_grid).shape, ratio)
    start = np.floor((whole_shape - shape) / 2 + _ROUNDING) - np.round(np.multiply(record.box.start, ratio))
    return make_box(start, start + shape).overlap(box) or box


def centres_inside(box: Box, record: Record) -> Box:
    """Return the box of the scan's canonical grid whose voxel centres lie inside a box of the preprocessed array."""
    ratio = np.divide(record.box.shape(), record.shape)
    # Voxel j of the crop has its centre at (j + 0.5) / ratio of the array's voxel edges.
    start, stop = (np.ceil(np.multiply(edges, ratio) - 0.5 - _ROUNDING) for edges in (box.start, box.stop))
    return make_box(start, stop).moved(record.box.start)


def _grow(box: Box, margin_mm: float, grid: Grid) -> Box:
    """Return the box with a margin, in whole voxels of a canonical grid, as far as the grid goes."""
    margins = [math.ceil(margin_mm / spacing - _ROUNDING) for spacing in grid.spacing_mm()]
    return make_box(np.maximum(np.subtract(box.start, margins), 0), np.minimum(np.add(box.stop, margins), grid.shape))


def _fit(box: Box, record: Record) -> Box:
    """Return the voxels of the preprocessed array that a box of the canonical grid touches."""
    ratio = np.divide(record.shape, record.box.shape())
    inside = box.relative_to(record.box)
    return make_box(
        np.floor(np.multiply(inside.start, ratio) + _ROUNDING), np.ceil(np.multiply(inside.stop, ratio) - _ROUNDING)
    )
