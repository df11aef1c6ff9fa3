"""The voxel size that all scans are resampled to, and the axes that need separate care."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from dataset_fingerprints.errors import PlanError
from dataset_fingerprints.fingerprint import DatasetFingerprint
from dataset_fingerprints.geometry import AXIS_NAMES, Triple, TripleFloat, show_spacing
from planners.plan import Decision

ANISOTROPY = 3.0
THIN_SLICE_PERCENTILE = 10.0
# The field's sizing rules break ties in this order (z, y, x), the array order of SimpleITK.
ANCHOR_AXES: Triple = (2, 1, 0)
VOXELS_ACROSS = 2.0
SPACING_DIGITS = 6  # headers store single precision: 0.99999994 mm is meant to be 1 mm


@dataclass(frozen=True, kw_only=True, slots=True)
class Resolution:
    """The resampled data set as the sizing rules see it, in canonical axes.

    Attributes:
        coarse_axis: the axis to resample linearly because it is much coarser than the others, or -1.
        slice_axis: the axis a 2D configuration slices along.
        flat: whether every scan is a single slice.
        median_shape: of the body boxes after resampling, in voxels; may end in .5.
    """

    spacing_mm: TripleFloat
    coarse_axis: int
    slice_axis: int
    flat: bool
    median_shape: TripleFloat

    def anchor_axes(self) -> Triple:
        """Return the canonical axes in the order of the sizing rules: the sliced one first, then z, y, x."""
        second, third = (axis for axis in ANCHOR_AXES if axis != self.slice_axis)
        return (self.slice_axis, second, third)

    def halve(self, axis: int) -> Resolution:
        """Return the data set of the halves of all scans along an axis."""
        x, y, z = (length / 2 if place == axis else length for place, length in enumerate(self.median_shape))
        return replace(self, median_shape=(x, y, z))


def choose_resolution(
    fingerprint: DatasetFingerprint, thinnest_mm: float | None = None
) -> tuple[Resolution, tuple[Decision, ...]]:
    """Choose the target spacing and describe the data set at that spacing.

    Args:
        fingerprint: of the data set.
        thinnest_mm: what should be 2 voxels thick, where the scans are that fine; None for no such wish.

    Raises:
        PlanError: the fingerprint has no cases, or every scan is a single line of voxels.
    """
    if not fingerprint.cases:
        raise PlanError(f"{fingerprint.name}: the fingerprint holds no cases. Expected at least one scan with a label.")
    spacings = np.array([case.spacing_mm for case in fingerprint.cases], dtype=np.float64)
    shapes = np.array([case.body_box.shape() for case in fingerprint.cases], dtype=np.float64)
    flat_axis = _find_flat_axis(fingerprint)
    spacing, thick = choose_spacing(spacings, shapes, flat_axis)
    median_mm = spacing
    if thinnest_mm is not None and flat_axis < 0:
        spacing = refine_spacing(spacing, spacings, thinnest_mm / VOXELS_ACROSS)
    coarse_axis = -1 if flat_axis >= 0 else choose_coarse_axis(spacings, spacing)
    resolution = Resolution(
        spacing_mm=spacing,
        coarse_axis=coarse_axis,
        slice_axis=flat_axis if flat_axis >= 0 else max(ANCHOR_AXES, key=lambda axis: spacing[axis]),
        flat=flat_axis >= 0,
        median_shape=_median_resampled_shape(spacings, shapes, spacing),
    )
    reason = _spacing_decision(spacings, spacing, thick, refined=spacing != median_mm)
    return resolution, (reason, _coarse_axis_decision(spacings, spacing, coarse_axis))


def choose_spacing(
    spacings: NDArray[np.float64], shapes: NDArray[np.float64], flat_axis: int = -1
) -> tuple[TripleFloat, int]:
    """Take the median spacing per axis, but keep the thin-slice scans' detail along a thick slice axis.

    An axis whose median spacing is more than 3 times the others', and along which the scans are more than 3 times
    shorter, takes its 10th percentile instead, though never finer than the others (Isensee 2021).

    Args:
        spacings: (case, axis) in mm.
        shapes: (case, axis) body boxes in voxels, before resampling.
        flat_axis: the axis of length 1 in 2D data, or -1.

    Returns:
        The spacing, and the axis the percentile was used for, or -1.
    """
    target = np.median(spacings, axis=0)
    size = np.median(shapes, axis=0)
    worst = max(ANCHOR_AXES, key=lambda axis: target[axis])
    others = [axis for axis in range(3) if axis != worst]
    coarse = target[worst] > ANISOTROPY * max(target[others])
    short = size[worst] * ANISOTROPY < min(size[others])
    thick = worst if coarse and short and flat_axis < 0 else -1
    if thick >= 0:
        thin = float(np.percentile(spacings[:, worst], THIN_SLICE_PERCENTILE))
        floor = float(max(target[others]))
        target[worst] = thin if thin >= floor else floor + 1e-5
    x, y, z = (round(float(value), SPACING_DIGITS) for value in target)
    return (x, y, z), thick


def refine_spacing(spacing_mm: TripleFloat, spacings: NDArray[np.float64], wanted_mm: float) -> TripleFloat:
    """Return voxels no longer than wanted along any axis, as far as at least a tenth of the scans are that fine.

    Args:
        spacing_mm: what is refined; never made coarser.
        spacings: (case, axis) of the scans.
        wanted_mm: the edge to reach.
    """
    offered = np.percentile(spacings, THIN_SLICE_PERCENTILE, axis=0)
    x, y, z = (
        round(min(edge, max(wanted_mm, float(finest))), SPACING_DIGITS)
        for edge, finest in zip(spacing_mm, offered, strict=True)
    )
    return (x, y, z)


def choose_coarse_axis(spacings: NDArray[np.float64], target_mm: TripleFloat) -> int:
    """Return the one axis more than 3 times coarser than the finest, or -1 (Isensee 2021).

    The scans as they are come first, the target second: an axis coarse in the scans holds no detail that a cubic
    interpolation across slices could bring back.
    """
    for spacing in (np.median(spacings, axis=0), np.array(target_mm)):
        coarsest = np.flatnonzero(spacing == spacing.max())
        if spacing.max() > ANISOTROPY * spacing.min() and len(coarsest) == 1:
            return int(coarsest[0])
    return -1


def _find_flat_axis(fingerprint: DatasetFingerprint) -> int:
    flat = [axis for axis in ANCHOR_AXES if all(case.shape[axis] == 1 for case in fingerprint.cases)]
    if len(flat) > 1:
        raise PlanError(
            f"{fingerprint.name}: every scan has length 1 along {len(flat)} axes. Expected images in two or three axes."
        )
    return flat[0] if flat else -1


def _median_resampled_shape(
    spacings: NDArray[np.float64], shapes: NDArray[np.float64], target_mm: TripleFloat
) -> TripleFloat:
    resampled = np.maximum(1.0, np.rint(shapes * spacings / np.array(target_mm)))
    resampled[shapes == 1] = 1.0
    x, y, z = (float(value) for value in np.median(resampled, axis=0))
    return (x, y, z)


def _spacing_decision(spacings: NDArray[np.float64], spacing_mm: TripleFloat, thick: int, *, refined: bool) -> Decision:
    rule = "The median voxel size of the scans along each axis, so that most scans change little."
    if thick >= 0:
        rule += (
            f" Slices along {AXIS_NAMES[thick]} are thick, so the 10th percentile is used there: "
            "the median would blur what only the thin-slice scans show."
        )
    if refined:
        rule += " Finer here, so that the thinnest lesions are 2 voxels thick (rule fine_spacing)."
    ranges = ", ".join(
        f"{name} {low:.4g}-{high:.4g} mm"
        for name, low, high in zip(AXIS_NAMES, spacings.min(axis=0), spacings.max(axis=0), strict=True)
    )
    value = f"{show_spacing(spacing_mm)} mm"
    return Decision(
        field="preprocessing.spacing_mm",
        value=value,
        rule=rule,
        evidence=f"voxel sizes: {ranges}",
        change="scans with other voxel sizes",
    )


def _coarse_axis_decision(spacings: NDArray[np.float64], spacing_mm: TripleFloat, coarse_axis: int) -> Decision:
    median = np.median(spacings, axis=0)
    scans, target = median.max() / median.min(), max(spacing_mm) / min(spacing_mm)
    if coarse_axis < 0:
        value, rule = "none", "All axes are resampled with the same cubic interpolation."
    else:
        value = AXIS_NAMES[coarse_axis]
        rule = "One axis is more than 3 times coarser than the finest: nothing is interpolated smoothly across it."
    evidence = f"coarsest over finest voxel edge: {scans:.3g} in the scans (median), {target:.3g} in the target"
    return Decision(
        field="preprocessing.coarse_axis",
        value=value,
        rule=rule,
        evidence=evidence,
        change="scans of which most have a voxel edge more than 3 times the others, or none",
    )
