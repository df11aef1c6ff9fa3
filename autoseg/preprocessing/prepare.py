"""Preprocessing of a scan to the array that a network sees, and the way back for labels on that array."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from autoseg.preprocessing.intensities import normalize
from autoseg.preprocessing.labels import resample_labels
from autoseg.preprocessing.nnunet import (
    AS_THEY_ARE,
    LEAST_DIVISOR,
    Kinds,
    choose_steps,
    crop_to_nonzero,
    find_turn,
    resample_images,
)
from autoseg.preprocessing.resampling import Kind, resample, target_shape
from autoseg.preprocessing.sizes import refuse_beyond_memory
from dataset_fingerprints.geometry import Box, Grid, Reorientation, Triple, canonical_grid
from dataset_fingerprints.measuring.scans import Scan
from planners.plan import Preprocessing


@dataclass(frozen=True, kw_only=True, slots=True)
class Record:
    """Record of a scan's preprocessing, from which it can be undone.

    Attributes:
        box: the crop in the canonical grid.
        shape: of the preprocessed array.
        source_grid: the grid of the file.
    """

    box: Box
    shape: Triple
    source_grid: Grid

    def __post_init__(self) -> None:
        matrix = np.array(self.source_grid.affine, dtype=np.float64)
        if matrix.shape != (4, 4) or not np.isfinite(matrix).all() or not np.linalg.det(matrix[:3, :3]):
            raise ValueError("source_grid.affine is not that of a grid in space")
        if min(*self.shape, *self.source_grid.shape, *self.box.shape()) < 1 or min(self.box.start) < 0:
            raise ValueError("its shapes hold no voxels")


@dataclass(frozen=True, kw_only=True, slots=True)
class Prepared:
    """A preprocessed scan.

    Attributes:
        image: (channel, x, y, z), float32.
        labels: (x, y, z) class indices; None for a scan without labels.
        reference: (x, y, z) class indices of the crop before resampling, what predictions are judged by; None likewise.
    """

    image: NDArray[np.float32]
    labels: NDArray[np.uint8] | None
    reference: NDArray[np.uint8] | None
    record: Record


def prepare(scan: Scan, preprocessing: Preprocessing, classes: int) -> Prepared:
    """Normalise a scan and resample it to the plan's spacing.

    Args:
        scan: as it was read.
        preprocessing: the plan's parameters.
        classes: how many class indices there are, background included.
    """
    scan = _choose_channels(scan, preprocessing)
    if preprocessing.nnunet is not None:
        scan = crop_to_nonzero(scan)
    spacing = canonical_grid(scan.source_grid).spacing_mm()
    shape = _choose_shape(scan, preprocessing)
    refuse_beyond_memory(shape, len(scan.voxels), spacing)
    seen = preprocessing.seen_channels(len(preprocessing.normalization))
    choices = tuple(preprocessing.normalization[position] for position in seen)
    least_divisor = 0.0 if preprocessing.nnunet is None else LEAST_DIVISOR
    normalized = normalize(scan.voxels, scan.body, choices, least_divisor)
    # The mean of most normalisations, and what a network has seen beyond the border of every scan.
    normalized[list(scan.absent)] = 0
    if preprocessing.nnunet is None:
        image = resample(normalized, shape, interpolation("cubic", preprocessing.coarse_axis))
    else:
        image = resample_images(normalized, choose_steps(scan.box.shape(), scan.source_grid, preprocessing))
    labels = None
    if scan.labels is not None:
        labels = resample_labels(scan.labels, shape, classes)
    record = Record(box=scan.box, shape=shape, source_grid=scan.source_grid)
    return Prepared(image=image, labels=labels, reference=scan.labels, record=record)


def _choose_channels(scan: Scan, preprocessing: Preprocessing) -> Scan:
    """Return a scan of the channels that the network sees; its body stays that of all channels."""
    if preprocessing.channels is None:
        return scan
    seen = list(preprocessing.channels)
    return replace(
        scan,
        voxels=np.ascontiguousarray(scan.voxels[seen]),
        absent=tuple(place for place, position in enumerate(seen) if position in scan.absent),
        around=tuple(scan.around[position] for position in seen) if scan.around else (),
    )


def _choose_shape(scan: Scan, preprocessing: Preprocessing) -> Triple:
    if preprocessing.nnunet is not None:
        return choose_steps(scan.box.shape(), scan.source_grid, preprocessing).shape
    return target_shape(scan.box.shape(), canonical_grid(scan.source_grid).spacing_mm(), preprocessing.spacing_mm)


def find_way_back(record: Record, preprocessing: Preprocessing) -> tuple[Kinds, Reorientation | None]:
    """Return how logits are brought to the scan's grid, and how their axes become canonical.

    Args:
        record: of the scan.
        preprocessing: the plan's parameters.

    Returns:
        The interpolation per canonical axis; and the change from the axes that the network sees, None where they are
        canonical.
    """
    if preprocessing.nnunet is None:
        return ("linear", "linear", "linear"), None
    steps = choose_steps(record.box.shape(), record.source_grid, preprocessing)
    turn = find_turn(record.source_grid, preprocessing.nnunet)
    return steps.logits, None if turn == AS_THEY_ARE else turn


def interpolation(kind: Kind, coarse_axis: int) -> tuple[Kind, Kind, Kind]:
    """Return the interpolation per axis: a coarse axis is always linear, as a spline would ring across thick slices."""
    x, y, z = ("linear" if axis == coarse_axis else kind for axis in range(3))
    return (x, y, z)


def paste(inside: NDArray[np.uint8], record: Record) -> NDArray[np.uint8]:
    """Put class indices of the crop into the scan's whole canonical grid."""
    whole = np.zeros(canonical_grid(record.source_grid).shape, dtype=np.uint8)
    whole[record.box.slices()] = inside
    return whole
