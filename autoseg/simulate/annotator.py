"""A simulated person who corrects masks: the truth with an unsteady border, and the minutes that it takes.

A person leaves alone what looks right, so that a pre-segmentation within their tolerance stays as it is.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from autoseg.simulate.fields import FloatArray, Lengths, MaskArray, build_smooth_field, grid_axes
from dataset_fingerprints.reading.images import read_label_map, write_label_map


@dataclass(frozen=True, kw_only=True, slots=True)
class AnnotatorOptions:
    """Habits of a person.

    Attributes:
        border_mm: standard deviation of where the drawn border lies.
        wave_mm: over which this wanders along the border.
        tolerance_mm: a border that is off by no more is not touched.
        look_minutes: of a label, to look it through.
        minutes_per_ml: of what is changed; or of what is drawn if that is less, for a mask that is mostly wrong is
            cleared first.
        speed_spread: standard deviation of the logarithm of how long the same takes.
    """

    border_mm: float = 0.5
    wave_mm: float = 8.0
    tolerance_mm: float = 1.0
    look_minutes: float = 1.0
    minutes_per_ml: float = 0.5
    speed_spread: float = 0.2


USUAL_ANNOTATOR = AnnotatorOptions()


@dataclass(frozen=True, kw_only=True, slots=True)
class Unsteadiness:
    """What is drawn for one label of one scan.

    Attributes:
        seed: of the border's field.
        pace: factor of the minutes.
    """

    seed: int
    pace: float


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Annotation:
    """A corrected label map, and the minutes that each label took.

    Attributes:
        labels: (x, y, z).
        minutes: by label value.
    """

    labels: NDArray[np.integer]
    minutes: Mapping[int, float] = field(default_factory=dict)


def sample_unsteadiness(
    values: tuple[int, ...], seed: tuple[int, ...], options: AnnotatorOptions = USUAL_ANNOTATOR
) -> dict[int, Unsteadiness]:
    """Draw how a person draws each label of one scan.

    Args:
        values: of the labels.
        seed: the same numbers give the same draw.
        options: the person's habits.
    """
    rng = np.random.default_rng(list(seed))
    return {
        value: Unsteadiness(
            seed=int(rng.integers(2**31)), pace=float(np.exp(options.speed_spread * rng.standard_normal()))
        )
        for value in values
    }


def apply_unsteadiness(
    truth: NDArray[np.integer],
    before: NDArray[np.integer] | None,
    spacing_mm: Lengths,
    drawn: Mapping[int, Unsteadiness],
    options: AnnotatorOptions = USUAL_ANNOTATOR,
) -> Annotation:
    """Return what a person makes of a scan.

    Args:
        truth: (x, y, z) label values.
        before: the pre-segmentation; None where the person draws everything.
        spacing_mm: voxel size.
        drawn: how each label is drawn; where two labels claim a voxel, the last one has it.
        options: the person's habits.
    """
    kind: type[np.integer] = np.uint8 if all(0 <= value <= np.iinfo(np.uint8).max for value in drawn) else np.int32
    labels = np.zeros(truth.shape, dtype=kind)
    minutes = {}
    for value, own in drawn.items():
        old = np.zeros(truth.shape, dtype=bool) if before is None else before == value
        new = _draw(truth == value, None if before is None else old, spacing_mm, own, options)
        labels[new] = value
        work_ml = min(np.count_nonzero(new != old), np.count_nonzero(new)) * float(np.prod(spacing_mm)) / 1000
        minutes[value] = own.pace * (options.look_minutes + options.minutes_per_ml * work_ml)
    return Annotation(labels=labels, minutes=minutes)


def annotate(
    mask: Path | None, truth: Path, out: Path, seed: tuple[int, ...], options: AnnotatorOptions = USUAL_ANNOTATOR
) -> dict[int, float]:
    """Write the mask that a person makes of a scan, on its grid, and return the minutes of each label by its value.

    A label of the pre-segmentation that the truth does not hold takes the time to look at it: it is cleared at once.

    Args:
        mask: the pre-segmentation; None where the person draws everything.
        truth: the true label map, whose values are those of the labels.
        out: where the mask goes.
        seed: the same numbers give the same mask.
        options: the person's habits.
    """
    reference = read_label_map(truth)
    before = None if mask is None else read_label_map(mask).voxels[0]
    values = _list_values(reference.voxels[0], before)
    drawn = sample_unsteadiness(values, seed, options)
    made = apply_unsteadiness(reference.voxels[0], before, reference.grid().spacing_mm(), drawn, options)
    write_label_map(out, made.labels, reference.source_grid, reference.header)
    return dict(made.minutes)


def _list_values(truth: NDArray[np.integer], before: NDArray[np.integer] | None) -> tuple[int, ...]:
    """Return the labels that a person looks at: those of the truth, then those that are to be taken out."""
    true = {int(value) for value in np.unique(truth)} - {0}
    marked = set() if before is None else {int(value) for value in np.unique(before)} - {0}
    return (*sorted(true), *sorted(marked - true))


def _draw(
    truth: MaskArray, before: MaskArray | None, spacing_mm: Lengths, own: Unsteadiness, options: AnnotatorOptions
) -> MaskArray:
    """Return the mask of one label: the truth's border moved, or left where the pre-segmentation's is near enough."""
    depth_mm = measure_depth(truth, spacing_mm)
    field_mm = options.border_mm * build_smooth_field(grid_axes(truth.shape, spacing_mm), options.wave_mm, own.seed)
    drawn: MaskArray = depth_mm + field_mm > 0
    if before is None:
        return drawn
    near = np.abs(depth_mm) <= options.tolerance_mm
    return np.where(near, before, drawn)


def measure_depth(mask: MaskArray, spacing_mm: Lengths) -> FloatArray:
    """Return how deep each voxel's centre lies inside a mask in mm, from the middle between voxels; outside below 0."""
    if not mask.any():
        return np.full(mask.shape, -np.inf, dtype=np.float32)
    if mask.all():
        return np.full(mask.shape, np.inf, dtype=np.float32)
    half = min(spacing_mm) / 2
    inside, outside = (ndimage.distance_transform_edt(side, sampling=spacing_mm) for side in (mask, ~mask))
    depth: FloatArray = np.where(mask, inside - half, half - outside).astype(np.float32)
    return depth
