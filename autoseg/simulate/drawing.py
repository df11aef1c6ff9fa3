"""The mask as a person draws it: near the true lesion, but not on it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import ndimage, special

from autoseg.simulate.fields import FloatArray, Lengths, MaskArray, build_smooth_field, grid_axes
from autoseg.simulate.growth import fill_up

_NEIGHBOURS = np.ones((3, 3, 3), bool)
# How far the drawn border can lie from the true one, in voxels of space to keep around a lesion.
SPACE_VOXELS = 3
# Blur (voxels) that turns the mask's steps into distances from its border.
_BORDER_SIGMA = 0.8
_BORDER_LENGTH_MM = 7.0
_GAP_LENGTH_MM = 3.0
_SMALLEST_WITH_GAPS = 200
# No drawn border lies farther outside than this.
_FARTHEST_MM = 6.0


@dataclass(frozen=True, kw_only=True, slots=True)
class DrawingPlan:
    """Manner in which one rater drew one scan, slice after slice.

    Attributes:
        wobble_mm: SD of the border's displacement, smooth along the border and nearly independent between slices.
        slice_mm: SD of a whole slice being drawn too wide or too narrow.
        gaps: share of the voxels that were left out, in small patches of single slices.
    """

    wobble_mm: float
    slice_mm: float
    gaps: float
    field_seed: int


def sample_drawing(rng: np.random.Generator) -> DrawingPlan:
    """Draw a rater's hand: displacements of about a millimetre, as large as human disagreement at 1 mm."""
    return DrawingPlan(
        wobble_mm=float(rng.uniform(0.7, 1.1)),
        slice_mm=float(rng.uniform(0.2, 0.5)),
        gaps=float(rng.uniform(0.0, 0.02)),
        field_seed=int(rng.integers(2**31)),
    )


def apply_drawing(
    plan: DrawingPlan, lesion: MaskArray, allowed: MaskArray, voxels: int, spacing_mm: Lengths
) -> MaskArray:
    """Return the drawn mask of one lesion: exactly `voxels` connected voxels, if that many are allowed.

    Args:
        lesion: the true mask, connected.
        allowed: where the drawn mask may lie; where that is nowhere in the lesion, nothing is drawn.
    """
    if not (lesion & allowed).any():
        return np.zeros_like(lesion)
    outward_mm = _outward_mm(lesion, spacing_mm)
    middle = np.where(lesion & allowed, outward_mm, np.inf)
    axes_mm = grid_axes(lesion.shape, spacing_mm)
    # Voxels that are drawn on anisotropic grids are drawn in the plane of the fine voxels.
    across = int(np.argmax(spacing_mm)) if max(spacing_mm) > 1.1 * min(spacing_mm) else 2
    in_plane: Lengths = tuple(0.0 if axis == across else _BORDER_LENGTH_MM for axis in range(3))  # type: ignore[assignment]
    outward_mm -= plan.wobble_mm * build_smooth_field(axes_mm, in_plane, plan.field_seed)
    slices = np.random.default_rng(plan.field_seed + 1).normal(0.0, plan.slice_mm, lesion.shape[across])
    outward_mm -= np.expand_dims(slices, [axis for axis in range(3) if axis != across]).astype(np.float32)
    if voxels >= _SMALLEST_WITH_GAPS and plan.gaps > 0:
        patch: Lengths = tuple(0.0 if axis == across else _GAP_LENGTH_MM for axis in range(3))  # type: ignore[assignment]
        holes = build_smooth_field(axes_mm, patch, plan.field_seed + 2) > -special.ndtri(plan.gaps)
        allowed = allowed & ~holes
    # Raters see where a lesion is, however small: its middle is always drawn.
    outward_mm.flat[np.argmin(middle)] = -np.inf
    return _nearest(outward_mm, allowed, voxels)


def _outward_mm(lesion: MaskArray, spacing_mm: Lengths) -> FloatArray:
    """Return about how far each voxel lies outside of the border: negative inside, between voxels too."""
    edge_mm = float(np.prod(spacing_mm)) ** (1 / 3)
    sigma_mm = _BORDER_SIGMA * edge_mm
    level = ndimage.gaussian_filter(lesion.astype(np.float32), [sigma_mm / edge for edge in spacing_mm], truncate=3.0)
    near_mm = -sigma_mm * special.ndtri(level.clip(0.005, 0.995))
    outside_mm = ndimage.distance_transform_edt(~lesion, sampling=spacing_mm)
    inside_mm = ndimage.distance_transform_edt(lesion, sampling=spacing_mm)
    far_mm = outside_mm - inside_mm + 0.5 * edge_mm * np.where(lesion, 1.0, -1.0)
    outward: FloatArray = np.where(np.abs(far_mm) > edge_mm, far_mm, near_mm).astype(np.float32)
    return outward


def _nearest(outward_mm: FloatArray, allowed: MaskArray, voxels: int) -> MaskArray:
    """Return the innermost allowed voxels that hang together with the very innermost."""
    candidates = np.flatnonzero(allowed)
    first = candidates[np.argsort(outward_mm.ravel()[candidates], kind="stable")[:voxels]]
    drawn = np.zeros_like(allowed)
    drawn.ravel()[first] = True
    labels, count = ndimage.label(drawn, _NEIGHBOURS)
    if count > 1:
        drawn = fill_up(labels == labels.ravel()[first[0]], allowed & (outward_mm < _FARTHEST_MM), voxels)
    return drawn
