"""Shape and place of the connected components of a mask, as eleven numbers each.

They are the quantities that Llambias 2024 classifies lesions by. Definitions that it leaves open are those of the
ellipsoid with the same second moments as the component (as MATLAB's `regionprops3` has it), in millimetres.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from autoseg.postprocessing.components import Components, Connectivity, find_components
from dataset_fingerprints.geometry import TripleFloat, make_box
from dataset_fingerprints.reading.body import bounding_box

# Voxels of a component touch by their faces.
CONNECTIVITY: Connectivity = 6
NAMES = (
    "voxels",
    "surface_mm2",
    "x_mm",
    "y_mm",
    "z_mm",
    "roll_deg",
    "pitch_deg",
    "yaw_deg",
    "longest_axis_mm",
    "middle_axis_mm",
    "shortest_axis_mm",
)
# Of a length, below which two of them, or the components of a direction, count as equal: directions are then chosen
# by a rule and not by rounding.
_EQUAL = 1e-6
_DIGITS = 6  # of degrees
# Of second moments, by which equal shapes are known.
_PLACES = 12


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class ComponentFeatures:
    """The components of a mask, and eleven numbers of each.

    Attributes:
        box: around the mask, as slices of the whole array.
        components: inside the box.
        values: (component, 11) in the order of `NAMES`; component number 1 is the first row.
    """

    box: tuple[slice, slice, slice]
    components: Components
    values: NDArray[np.float64]


def measure_components(mask: NDArray[np.bool_], spacing_mm: TripleFloat) -> ComponentFeatures:
    """Return the components of a mask and their features.

    * voxels: their number.
    * surface: the area of all faces of voxels behind which the component ends, the edge of the scan included.
    * x, y, z: the mean place of the voxels, in mm from the middle of the scan.
    * longest, middle, shortest axis: the lengths of the axes of a solid ellipsoid with the component's second moments,
      2 sqrt(5 variance); voxels are boxes, whose own variance (length squared / 12) counts.
    * roll, pitch, yaw: the turns about x, y and z, in degrees, by which the coordinate axes come to lie along the
      longest, middle and shortest axis: first yaw about z, then pitch about the turned y, then roll about the twice
      turned x. An axis has no sense of direction: the largest part of the longest and of the shortest one is
      positive. Of axes of the same length, that is the longest which lies nearest to x, then to y.

    Args:
        mask: (x, y, z) of a whole scan, along canonical axes.
        spacing_mm: voxel size.
    """
    box = bounding_box(mask) if mask.any() else make_box((0, 0, 0), (1, 1, 1))
    components = find_components(mask[box.slices()], CONNECTIVITY)
    numbers, count = components.numbers, len(components.sizes) - 1
    values = np.zeros((count, len(NAMES)))
    if count:
        sizes, lengths = components.sizes[1:].astype(np.float64), np.asarray(spacing_mm, dtype=np.float64)
        owners, places = _list_voxels(numbers, lengths)
        means = _mean_by(owners, places, sizes)
        middle = (np.asarray(mask.shape) / 2 - np.asarray(box.start) - 0.5) * lengths
        values[:, 0] = sizes
        values[:, 1] = _measure_surfaces(numbers, lengths, count)
        values[:, 2:5] = means - middle
        values[:, 5:8], values[:, 8:11] = _fit_ellipsoids(owners, places - means[owners], sizes, lengths)
    return ComponentFeatures(box=box.slices(), components=components, values=values)


def _list_voxels(
    numbers: NDArray[np.integer], lengths: NDArray[np.float64]
) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Return (voxel,) the component of each voxel, from 0, and (voxel, 3) its place in mm in the box."""
    inside = np.nonzero(numbers)
    return numbers[inside].astype(np.int64) - 1, np.stack(inside, axis=1) * lengths


def _mean_by(owners: NDArray[np.int64], values: NDArray[np.float64], sizes: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return (component, ...) the means of (voxel, ...) values."""
    sums = [np.bincount(owners, weights=column, minlength=len(sizes)) for column in values.T]
    return np.stack(sums, axis=1) / sizes[:, None]


def _measure_surfaces(numbers: NDArray[np.integer], lengths: NDArray[np.float64], count: int) -> NDArray[np.float64]:
    """Return (component,) the area in mm2 of the faces behind which no voxel of the mask lies."""
    padded = np.pad(numbers, 1)
    surfaces = np.zeros(count)
    for axis in range(3):
        area = float(np.prod(lengths) / lengths[axis])
        one, other = (np.moveaxis(padded, axis, 0)[part] for part in (slice(None, -1), slice(1, None)))
        # Components that touch by a face are one, so that a change of number is a change to or from 0.
        ends = np.concatenate((one[other == 0], other[one == 0]))
        surfaces += area * np.bincount(ends, minlength=count + 1)[1:]
    return surfaces


def _fit_ellipsoids(
    owners: NDArray[np.int64], offsets: NDArray[np.float64], sizes: NDArray[np.float64], lengths: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return (component, 3) the Euler angles in degrees, and the lengths in mm of the axes, longest first."""
    pairs = (offsets[:, :, None] * offsets[:, None, :]).reshape(len(offsets), 9)
    moments = _mean_by(owners, pairs, sizes).reshape(-1, 3, 3) + np.diag(lengths**2 / 12)
    variances, directions = np.linalg.eigh(moments)
    axes = 2 * np.sqrt(5 * variances[:, ::-1])
    # Of noise there may be millions, most of them of a few shapes.
    scale = moments.reshape(-1, 9) / moments.max()
    _, first, same = np.unique(np.round(scale, _PLACES), axis=0, return_index=True, return_inverse=True)
    fits = zip(axes[first], directions[first, :, ::-1], strict=True)
    angles = np.array([_find_angles(_choose_directions(*fit)) for fit in fits])
    return angles[same.reshape(-1)], axes


def _choose_directions(axes: NDArray[np.float64], directions: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return (3, 3) the right-handed directions of the axes as columns, the same of the same component always."""
    chosen: list[NDArray[np.float64]] = []
    for place in range(2):
        same = np.abs(axes - axes[place]) <= _EQUAL * axes[0]
        # The part of the coordinate axes that lies among the axes of this length, without those that are chosen.
        space = directions[:, same] @ directions[:, same].T
        space = space - sum((np.outer(one, one) for one in chosen if _lies_in(one, space)), np.zeros((3, 3)))
        sizes = np.linalg.norm(space, axis=0)
        nearest = int(np.flatnonzero(sizes >= sizes.max() - _EQUAL)[0])
        chosen.append(space[:, nearest] / sizes[nearest])
    longest = chosen[0] * _find_sign(chosen[0])
    sign = _find_sign(np.cross(longest, chosen[1]))
    return np.stack((longest, sign * chosen[1], np.cross(longest, sign * chosen[1])), axis=1)


def _find_sign(direction: NDArray[np.float64]) -> float:
    """Return by which a direction is multiplied so that its largest part, of equal ones the first, is positive."""
    sizes = np.abs(direction)
    return float(np.sign(direction[np.flatnonzero(sizes >= sizes.max() - _EQUAL)[0]]))


def _lies_in(direction: NDArray[np.float64], space: NDArray[np.float64]) -> bool:
    return float(np.linalg.norm(space @ direction)) > 0.5


def _find_angles(turn: NDArray[np.float64]) -> tuple[float, float, float]:
    """Return roll, pitch and yaw of a rotation matrix, in degrees; where x points along z, the roll is 0."""
    pitch = math.asin(min(1.0, max(-1.0, -turn[2, 0])))
    if abs(turn[2, 0]) > 1 - _EQUAL**2:
        roll, yaw = 0.0, math.atan2(-turn[0, 1], turn[1, 1])
    else:
        roll, yaw = math.atan2(turn[2, 1], turn[2, 2]), math.atan2(turn[1, 0], turn[0, 0])
    roll, pitch, yaw = (_round(angle) for angle in (roll, pitch, yaw))
    return roll, pitch, yaw


def _round(angle: float) -> float:
    """Return degrees above -180 and up to 180: half a turn is the same to both sides."""
    degrees = round(math.degrees(angle), _DIGITS) + 0.0
    return degrees + 360 if degrees <= -180 else degrees
