"""The one slice of a case that a contact sheet shows, turned and windowed for the eye, small enough to be kept."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dataset_fingerprints.geometry import Grid, TripleFloat

_WINDOW_PERCENTILES = (1.0, 99.5)
# So many voxels of a volume say what is dark and bright in it.
_WINDOW_VOXELS = 1_000_000
# Air around the body is cut away up to this many mm from it.
_MARGIN_MM = 6.0
# A longer side is drawn with fewer pixels than it has: a panel has fewer still.
_MOST_PIXELS = 512
# From this ratio on, slices are looked at as they were acquired, not cut across thick ones.
_THICK = 2.5


@dataclass(frozen=True, kw_only=True, slots=True)
class _Plane:
    """A cut through RAS+ space: the axes of its columns and rows, and what stands at its left and right edge."""

    name: str
    across: int
    up: int
    edges: tuple[str, str]


# By the axis that they cut. Radiological view: the patient's right and the front on the viewer's left.
_PLANES = (
    _Plane(name="sagittal", across=1, up=2, edges=("A", "P")),
    _Plane(name="coronal", across=0, up=2, edges=("R", "L")),
    _Plane(name="axial", across=0, up=1, edges=("R", "L")),
)


@dataclass(frozen=True, kw_only=True, slots=True)
class View:
    """A slice of an (x, y, z) array in canonical RAS+.

    Attributes:
        through: the axis that it cuts.
        index: its position along that axis.
        plain: whether it is a picture, which is drawn as it is stored and has no patient's sides.
        first: position of the array's first slice in the whole scan.
    """

    through: int
    index: int
    plain: bool = False
    first: int = 0

    def cut(self, volume: NDArray[Any]) -> NDArray[Any]:
        """Return the slice with its axes in the volume's order."""
        return np.asarray(volume[(slice(None),) * self.through + (self.index,)])

    def turn(self, plane: NDArray[Any]) -> NDArray[Any]:
        """Turn a slice to (row, column): up to the top, the patient's right, or the front, on the viewer's left."""
        return plane.T if self.plain else plane[::-1, ::-1].T

    def describe(self) -> str:
        """Return in words where it lies; empty for a picture, which has no other slice."""
        return "" if self.plain else f"{_PLANES[self.through].name}, {'xyz'[self.through]} = {self.first + self.index}"

    def edges(self) -> tuple[str, str]:
        """Return what stands at the left and the right edge."""
        return ("", "") if self.plain else _PLANES[self.through].edges


@dataclass(frozen=True, kw_only=True, slots=True)
class CaseSlice:
    """A slice as it is drawn: (row, column) arrays.

    Attributes:
        scan: grey levels.
        reference: label values, or None without a reference.
        prediction: label values.
        place: where it lies, in words.
        edges: what stands at its left and right edge.
        pixel_mm: height and width of a pixel.
    """

    scan: NDArray[np.uint8]
    reference: NDArray[np.integer] | None
    prediction: NDArray[np.integer]
    place: str
    edges: tuple[str, str]
    pixel_mm: tuple[float, float]


def is_picture(source_grid: Grid) -> bool:
    """Return whether a grid is that of a picture, which has no place in space: one slice, pixels of 1 mm."""
    return source_grid.shape[2] == 1 and np.array_equal(source_grid.matrix(), np.eye(4))


def choose_view(
    reference: NDArray[np.integer] | None,
    prediction: NDArray[np.integer],
    spacing_mm: TripleFloat,
    *,
    plain: bool = False,
) -> View:
    """Choose the slice with most labelled voxels of the reference, else of the prediction, else the middle one.

    Slices are axial, but those of a scan of thick slices, and of a single slice, are as they were acquired.

    Args:
        reference: (x, y, z) label values, or None.
        prediction: (x, y, z) label values.
        spacing_mm: voxel size.
        plain: whether it is a picture.
    """
    through = _choose_axis(prediction.shape, spacing_mm)
    others = tuple(axis for axis in range(3) if axis != through)
    for labels in (reference, prediction):
        if labels is not None and labels.any():
            index = int(np.argmax(np.count_nonzero(labels, axis=others)))
            return View(through=through, index=index, plain=plain)
    return View(through=through, index=int(prediction.shape[through]) // 2, plain=plain)


def _choose_axis(shape: tuple[int, ...], spacing_mm: TripleFloat) -> int:
    if 1 in shape:
        return 2 if shape[2] == 1 else shape.index(1)
    coarsest = int(np.argmax(spacing_mm))
    finest = min(length for axis, length in enumerate(spacing_mm) if axis != coarsest)
    return coarsest if spacing_mm[coarsest] >= _THICK * finest else 2


def find_window(image: NDArray[np.floating]) -> tuple[float, float]:
    """Return the intensities drawn black and white: percentiles of the voxels above the volume's lowest value.

    Leaving the lowest value out keeps the zeros around a skull-stripped brain from deciding.
    """
    # An odd step meets all columns of an even grid.
    sample = image.reshape(-1)[:: (image.size // _WINDOW_VOXELS) | 1] if image.size > _WINDOW_VOXELS else image
    finite = sample[np.isfinite(sample)]
    above = finite[finite > finite.min()] if finite.size else finite
    if above.size == 0:
        return (0.0, 1.0)
    low, high = (float(bound) for bound in np.percentile(above, _WINDOW_PERCENTILES))
    return (low, high) if high > low else (low - 1.0, low)


def cut_slice(
    image: NDArray[np.floating],
    reference: NDArray[np.integer] | None,
    prediction: NDArray[np.integer],
    spacing_mm: TripleFloat,
    *,
    plain: bool = False,
) -> CaseSlice:
    """Cut the chosen slice out of (x, y, z) canonical RAS+ arrays, without the air around the body."""
    view = choose_view(reference, prediction, spacing_mm, plain=plain)
    labels = (None if reference is None else view.cut(reference), view.cut(prediction))
    return draw_slice(view, view.cut(image), find_window(image), labels, spacing_mm)


def draw_slice(
    view: View,
    plane: NDArray[np.floating],
    window: tuple[float, float],
    labels: tuple[NDArray[np.integer] | None, NDArray[np.integer]],
    spacing_mm: TripleFloat,
) -> CaseSlice:
    """Return a slice as it is drawn.

    Args:
        view: that it is.
        plane: its intensities, axes in the volume's order.
        window: the intensities drawn black and white.
        labels: of the reference, where there is one, and of the prediction, in the same way.
        spacing_mm: voxel size of the volume.
    """
    low, high = window
    finite = np.nan_to_num(plane.astype(np.float32), nan=low, posinf=high, neginf=low)
    scan = np.clip((finite - low) / (high - low), 0.0, 1.0)
    shown = np.logical_or.reduce([scan > 0, *(one != 0 for one in labels if one is not None)])
    along = tuple(length for axis, length in enumerate(spacing_mm) if axis != view.through)
    box = (slice(None), slice(None)) if view.plain else _box_with_margin(shown, (along[0], along[1]))
    step = -(-max(scan[box].shape) // _MOST_PIXELS)
    reference, prediction = (None if one is None else view.turn(_shrink_labels(one[box], step)) for one in labels)
    assert prediction is not None
    return CaseSlice(
        scan=view.turn((_shrink(scan[box], step) * 255).round().astype(np.uint8)).copy(),
        reference=reference,
        prediction=prediction,
        place=view.describe(),
        edges=view.edges(),
        pixel_mm=(along[1] * step, along[0] * step),
    )


def _box_with_margin(shown: NDArray[np.bool_], spacing_mm: tuple[float, float]) -> tuple[slice, slice]:
    bounds = []
    for axis in (0, 1):
        inside = np.flatnonzero(shown.any(axis=1 - axis))
        if len(inside) == 0:
            return (slice(None), slice(None))
        margin = round(_MARGIN_MM / spacing_mm[axis])
        bounds.append(slice(max(0, int(inside[0]) - margin), int(inside[-1]) + 1 + margin))
    return (bounds[0], bounds[1])


def _shrink(plane: NDArray[Any], step: int) -> NDArray[Any]:
    """Return the mean of every square of so many pixels."""
    return plane if step == 1 else np.asarray(_squares(plane, step).mean(axis=(1, 3)))


def _shrink_labels(plane: NDArray[np.integer], step: int) -> NDArray[np.integer]:
    """Return the largest label of every square, so that small lesions stay; always a copy."""
    return plane.copy() if step == 1 else np.asarray(_squares(plane, step).max(axis=(1, 3)))


def _squares(plane: NDArray[Any], step: int) -> NDArray[Any]:
    rows, columns = (-(-length // step) for length in plane.shape)
    missing = [(0, count * step - length) for count, length in zip((rows, columns), plane.shape, strict=True)]
    return np.pad(plane, missing, mode="edge").reshape(rows, step, columns, step)
