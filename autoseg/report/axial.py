"""The one axial slice of a case that a contact sheet shows, turned and windowed for the eye."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dataset_fingerprints.geometry import TripleFloat

_WINDOW_PERCENTILES = (1.0, 99.5)
# Air around the body is cut away up to this many mm from it.
_MARGIN_MM = 6.0


@dataclass(frozen=True, kw_only=True, slots=True)
class AxialSlice:
    """An axial slice as it is drawn: first axis downwards (from anterior), second to the right (from patient's right).

    Attributes:
        scan: (row, column), 0 to 1 within the intensity window.
        reference: (row, column) label values, or None without a reference.
        prediction: (row, column) label values.
        index: the slice's position along z.
        pixel_mm: height and width of a pixel.
    """

    scan: NDArray[np.float32]
    reference: NDArray[np.integer] | None
    prediction: NDArray[np.integer]
    index: int
    pixel_mm: tuple[float, float]


def choose_slice(reference: NDArray[np.integer] | None, prediction: NDArray[np.integer]) -> int:
    """Choose the z with most labelled voxels of the reference, else of the prediction, else the middle.

    Args:
        reference: (x, y, z) label values, or None.
        prediction: (x, y, z) label values.
    """
    for labels in (reference, prediction):
        if labels is not None and labels.any():
            return int(np.argmax(np.count_nonzero(labels, axis=(0, 1))))
    return int(prediction.shape[2]) // 2


def find_window(image: NDArray[np.floating]) -> tuple[float, float]:
    """Return the intensities drawn black and white: percentiles of the voxels above the volume's lowest value.

    Leaving the lowest value out keeps the zeros around a skull-stripped brain from deciding.
    """
    finite = image[np.isfinite(image)]
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
) -> AxialSlice:
    """Cut the chosen slice out of (x, y, z) canonical RAS+ arrays, without the air around the body."""
    index = choose_slice(reference, prediction)
    low, high = find_window(image)
    plane = np.nan_to_num(image[:, :, index].astype(np.float32), nan=low, posinf=high, neginf=low)
    scan = np.clip((plane - low) / (high - low), 0.0, 1.0)
    shown = (scan > 0) | (prediction[:, :, index] != 0)
    if reference is not None:
        shown |= reference[:, :, index] != 0
    box = _box_with_margin(shown, spacing_mm)
    return AxialSlice(
        scan=_as_drawn(scan[box]),
        reference=None if reference is None else _as_drawn(reference[:, :, index][box]),
        prediction=_as_drawn(prediction[:, :, index][box]),
        index=index,
        pixel_mm=(spacing_mm[1], spacing_mm[0]),
    )


def _as_drawn(plane: NDArray[Any]) -> NDArray[Any]:
    """Turn (x, y) in RAS+ to (row, column): anterior at the top, the patient's right on the viewer's left."""
    return plane[::-1, ::-1].T


def _box_with_margin(shown: NDArray[np.bool_], spacing_mm: TripleFloat) -> tuple[slice, slice]:
    bounds = []
    for axis in (0, 1):
        inside = np.flatnonzero(shown.any(axis=1 - axis))
        if len(inside) == 0:
            return (slice(None), slice(None))
        margin = round(_MARGIN_MM / spacing_mm[axis])
        bounds.append(slice(max(0, int(inside[0]) - margin), int(inside[-1]) + 1 + margin))
    return (bounds[0], bounds[1])
