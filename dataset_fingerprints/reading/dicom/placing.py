"""The place of a DICOM series' slices in space: their order and the grid that they make.

Slices lie where their positions say, in the order along their normal. Where each is shifted in its own plane, as with
a tilted gantry, the grid is sheared: it is the true one, and whoever reads it has to see to that.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from dataset_fingerprints.errors import DataError
from dataset_fingerprints.names import counted
from dataset_fingerprints.reading.dicom.slices import ORIENTATION, POSITION, SPACING, THICKNESS, Floats, Slice, Tag
from dataset_fingerprints.reading.stored import LPS_TO_RAS
from dataset_fingerprints.tolerances import RIGHT_ANGLE_DEGREES

Array = NDArray[np.float64]

# The gaps between a series' slices may differ by this much: positions are rounded decimals. Where slices are thinner
# than 0.4 mm, it is a share of their distance.
_SLICE_TOLERANCE_MM = 0.1
_SLICE_TOLERANCE = 0.25

# Slices nearer to each other than this share of a pixel's size, or of 1 mm, lie at one place.
_SAME_PLACE = 1e-2

# Directions are decimals, too: three of them are off by up to this.
_DIRECTION_TOLERANCE = 1e-3
# Directions that are off a length of 1, or a right angle by its cosine, by more than this are not rounded but wrong.
_LENGTH_TOLERANCE = 1e-2
_ANGLE_TOLERANCE = 2e-3
# Pixel sizes that differ by less than this share move no pixel of a slice by half its size.
_SIZE_TOLERANCE = 1e-3

# Slices that are shifted in their plane by less than this share of a pixel, from the first to the last, are not tilted:
# positions with two decimals are.
_ROUNDED_SHIFT = 0.05

_SECONDARY_CAPTURE = "1.2.840.10008.5.1.4.1.1.7"
_AXIAL = (1.0, 0.0, 0.0, 0.0, 1.0, 0.0)


@dataclass(frozen=True, kw_only=True, slots=True)
class Placement:
    """Slices in their order in space.

    Attributes:
        affine: (4, 4), of column, row and slice to RAS+ mm.
        assumptions: sentences on what the file does not say.
    """

    slices: tuple[Slice, ...]
    affine: Array
    assumptions: tuple[str, ...] = ()

    def shape(self) -> tuple[int, int, int]:
        """Return columns, rows and slices."""
        return (*self.slices[0].size, len(self.slices))


def place_slices(where: Path, slices: Sequence[Slice]) -> Placement:
    """Sort slices along their normal, and find the grid that they make.

    Args:
        where: their folder, for messages.
        slices: of one series, at least one.

    Raises:
        DataError: slices differ in size or direction, lie at one place or with uneven gaps, or lack a tag.
    """
    _refuse_other_images(where, slices)
    if len(slices) == 1:
        return _place_one(where, slices[0])
    for tag, value in ((POSITION, _position), (ORIENTATION, _orientation), (SPACING, _spacing)):
        _refuse_lacking(where, slices, tag, value)
    directions = _directions(where, _most_common(where, slices, ORIENTATION, _orientation, _DIRECTION_TOLERANCE))
    spacing_mm = _most_common(where, slices, SPACING, _spacing, _SIZE_TOLERANCE, relative=True)
    _refuse_size(where, spacing_mm)
    positions = np.array([one.position for one in slices])
    along = positions @ directions[:, 2]
    order = np.argsort(along, kind="stable")
    ordered = [slices[number] for number in order]
    _refuse_same_place(where, ordered, along[order], min(*spacing_mm, 1.0))
    step = _find_step(where, ordered, positions[order])
    if _is_along(step, directions[:, 2], shift_mm=_ROUNDED_SHIFT * min(spacing_mm) / (len(slices) - 1)):
        step = directions[:, 2] * np.linalg.norm(step)
    affine = _affine(directions, spacing_mm, step, positions[order[0]])
    return Placement(slices=tuple(ordered), affine=affine)


def _position(one: Slice) -> Floats | None:
    return one.position


def _orientation(one: Slice) -> Floats | None:
    return one.orientation


def _spacing(one: Slice) -> Floats | None:
    return one.spacing_mm


def _place_one(where: Path, one: Slice) -> Placement:
    """Place a single slice, which may do without a place in the body, and a picture of a screen without any size."""
    assumptions = []
    pictured = one.sop_class.startswith(_SECONDARY_CAPTURE)
    unplaced = one.position is None and one.orientation is None
    if one.spacing_mm is None and not (pictured or unplaced):
        _refuse_lacking(where, [one], SPACING, _spacing)
    for tag, value, taken in (
        (POSITION, one.position, "the first pixel is taken to lie at 0, 0, 0"),
        (ORIENTATION, one.orientation, "the slice is taken for an axial one"),
        (SPACING, one.spacing_mm, "pixels are taken to be 1 mm wide"),
        (THICKNESS, one.thickness_mm, "the slice is taken to be 1 mm thick"),
    ):
        if value is None:
            assumptions.append(f"a single slice without {tag}: {taken}")
    directions = _directions(where / one.name(), one.orientation or _AXIAL)
    spacing_mm = one.spacing_mm or (1.0, 1.0)
    _refuse_size(where / one.name(), spacing_mm)
    step = directions[:, 2] * (one.thickness_mm or 1.0)
    affine = _affine(directions, spacing_mm, step, np.array(one.position or (0.0, 0.0, 0.0)))
    return Placement(slices=(one,), affine=affine, assumptions=tuple(assumptions))


def _affine(directions: Array, spacing_mm: Floats, step: Array, origin: Array) -> Array:
    """Return the RAS affine; the spacing between columns, along a row, is the second one that DICOM writes."""
    affine = np.eye(4)
    affine[:3, 0] = directions[:, 0] * spacing_mm[1]
    affine[:3, 1] = directions[:, 1] * spacing_mm[0]
    affine[:3, 2] = step
    affine[:3, 3] = origin
    return LPS_TO_RAS @ affine


def _refuse_other_images(where: Path, slices: Sequence[Slice]) -> None:
    """Refuse slices with another number of rows or columns, or of other colours than most."""
    kinds = [f"{one.size[0]}x{one.size[1]} pixels in {one.colours or 'no colours'}" for one in slices]
    common = Counter(kinds).most_common(1)[0][0]
    for one, kind in zip(slices, kinds, strict=True):
        if kind != common:
            raise DataError(
                f"{where}: {one.name()} is {kind} but most slices of the DICOM series are {common}. Expected slices "
                "of one kind: move those of another image away."
            )


def _refuse_lacking(where: Path, slices: Sequence[Slice], tag: Tag, value: Callable[[Slice], Floats | None]) -> None:
    lacking = [one for one in slices if value(one) is None]
    if lacking:
        others = f" (and {counted(len(lacking) - 1, 'other')})" if len(lacking) > 1 else ""
        raise DataError(
            f"{where}: {lacking[0].name()}{others} has no {tag}, so that nobody knows where its pixels lie. Expected "
            "it for every slice of a DICOM series: export the series again, or convert it to NIfTI."
        )


def _most_common(
    where: Path,
    slices: Sequence[Slice],
    tag: Tag,
    value: Callable[[Slice], Floats | None],
    tolerance: float,
    *,
    relative: bool = False,
) -> Floats:
    """Return the value that most slices have, and refuse those that have another one."""
    values = np.array([value(one) for one in slices])
    rounded = Counter(tuple(row) for row in np.round(values, 2).tolist())
    near = rounded.most_common(1)[0][0]
    first = next(row for row in values if tuple(np.round(row, 2).tolist()) == near)
    off = np.abs(values - first) > tolerance * (np.abs(first) if relative else 1.0)
    if off.any():
        one = slices[int(np.argmax(off.any(axis=1)))]
        shown = ", ".join(f"{number:.6g}" for number in first)
        found = ", ".join(f"{number:.6g}" for number in value(one) or ())
        raise DataError(
            f"{where}: {tag} of {one.name()} is {found}, that of most slices of the DICOM series {shown}. "
            "Expected one volume: move slices of another image, such as a localizer, away."
        )
    return tuple(first.tolist())


def _directions(where: Path, orientation: Floats) -> Array:
    """Return the unit vectors along a row, along a column and along the normal as columns, at right angles."""
    row, column = np.array(orientation[:3]), np.array(orientation[3:])
    lengths = np.linalg.norm(row), np.linalg.norm(column)
    if max(abs(length - 1) for length in lengths) > _LENGTH_TOLERANCE or abs(row @ column) > _ANGLE_TOLERANCE:
        shown = ", ".join(f"{number:g}" for number in orientation)
        raise DataError(
            f"{where}: {ORIENTATION} is {shown}. Expected two directions of length 1 at right angles: export the "
            "series again, or convert it to NIfTI."
        )
    normal = np.cross(row, column)
    normal, column = normal / np.linalg.norm(normal), column / lengths[1]
    return np.stack([np.cross(column, normal), column, normal], axis=1)


def _refuse_size(where: Path, spacing_mm: Floats) -> None:
    if min(spacing_mm) <= 0:
        shown = ", ".join(f"{number:g}" for number in spacing_mm)
        raise DataError(f"{where}: {SPACING} is {shown}. Expected two sizes above 0 mm: export the series again.")


def _refuse_same_place(where: Path, ordered: Sequence[Slice], along: Array, pixel_mm: float) -> None:
    near = np.flatnonzero(np.diff(along) < _SAME_PLACE * pixel_mm)
    if near.size:
        first, second = ordered[near[0]].name(), ordered[near[0] + 1].name()
        raise DataError(
            f"{where}: {first} and {second} lie at one position ({along[near[0]]:.6g} mm along the normal); the DICOM "
            f"series has {len(ordered)} slices at {counted(len(ordered) - near.size, 'position')}. Expected one "
            "volume: keep one time, echo or weighting per folder, and no slice twice."
        )


def _find_step(where: Path, ordered: Sequence[Slice], positions: Array) -> Array:
    """Return the vector from slice to slice, and refuse positions that do not lie evenly on a line."""
    step: Array = (positions[-1] - positions[0]) / (len(ordered) - 1)
    gaps_mm = np.linalg.norm(np.diff(positions, axis=0), axis=1)
    tolerance_mm = min(_SLICE_TOLERANCE_MM, _SLICE_TOLERANCE * float(np.median(gaps_mm)))
    if np.ptp(gaps_mm) > tolerance_mm:
        widest = int(np.argmax(gaps_mm))
        raise DataError(
            f"{where}: the slices of the DICOM series are not evenly spaced ({gaps_mm.min():.3g} to "
            f"{gaps_mm.max():.3g} mm, the most between {ordered[widest].name()} and {ordered[widest + 1].name()}). "
            "Expected one volume without missing slices: copy the series again or convert it to NIfTI."
        )
    off_mm = np.linalg.norm(positions - positions[0] - np.arange(len(ordered))[:, None] * step, axis=1)
    if off_mm.max() > tolerance_mm:
        one = ordered[int(np.argmax(off_mm))].name()
        raise DataError(
            f"{where}: the slices of the DICOM series do not lie on a line: {one} is {off_mm.max():.3g} mm off. "
            "Expected evenly spaced slices: copy the series again or convert it to NIfTI."
        )
    return step


def _is_along(step: Array, normal: Array, shift_mm: float) -> bool:
    """Return whether a step leads along the normal, apart from rounding."""
    across, along = float(np.linalg.norm(np.cross(step, normal))), float(step @ normal)
    return across <= shift_mm or np.rad2deg(np.arctan2(across, along)) <= RIGHT_ANGLE_DEGREES
