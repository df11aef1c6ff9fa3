"""One person's brain: the template under a random smooth warp, with its own sulcal width."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import ndimage

from autoseg.simulate.fields import Axes, FloatArray, FloatVector, Lengths, MaskArray, build_smooth_field, grid_axes
from autoseg.simulate.template import Template

# The warp is defined this far around the origin (scanner mm), which is more than any field of view.
WARP_EXTENT_MM = (-160.0, 160.0)
# The template's brain and space for the largest warp (scanner mm), searched at this step for the brain's box.
_SEARCHED_MM = ((-98.0, 98.0), (-138.0, 104.0), (-98.0, 108.0))
_SEARCH_STEP_MM = 4.0
# How far the head goes beyond the brain on each side.
_HEAD_MM = ((16.0, 16.0), (18.0, 30.0), (50.0, 18.0))


@dataclass(frozen=True, kw_only=True, slots=True)
class AnatomyPlan:
    """The random parameters of one brain.

    Attributes:
        linear: 3x3 matrix from scanner to template directions.
        displacement_mm: SD of the displacement at each of `displacement_lengths_mm`.
        sharpness: exponent on the tissue fractions; above 1 it undoes part of the template's averaging.
        atrophy: log-odds added to CSF: above 0 widens sulci and ventricles.
        margins_voxels: background kept before and after the brain on each axis.
    """

    linear: tuple[tuple[float, ...], ...]
    displacement_mm: tuple[float, ...]
    displacement_lengths_mm: tuple[float, ...]
    displacement_seed: int
    sharpness: float
    atrophy: float
    margins_voxels: tuple[tuple[int, int], ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class FieldOfView:
    """Field of view of a scan.

    Attributes:
        shape: the number of voxels, with the brain in their middle; None for the brain and its margins.
        head: whether the margins are around the head rather than the brain.
    """

    spacing_mm: Lengths
    shape: tuple[int, int, int] | None = None
    head: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class Anatomy:
    """One person's brain on a RAS+ grid; fractions sum to 1 inside the brain.

    Attributes:
        t1: the template's T1w intensity, warped.
        mni_mm: (3, x, y, z), the template coordinate that each voxel came from.
        origin_mm: scanner coordinate of the first voxel.
    """

    brain: MaskArray
    gm: FloatArray
    wm: FloatArray
    csf: FloatArray
    t1: FloatArray
    mni_mm: FloatArray
    origin_mm: Lengths
    spacing_mm: Lengths

    def axes_mm(self) -> Axes:
        """Return the voxels' distances from the first one along each axis."""
        return grid_axes(self.brain.shape, self.spacing_mm)

    def voxel_ml(self) -> float:
        """Return the volume of a voxel."""
        return float(np.prod(self.spacing_mm)) / 1000

    def voxels_apart(self, distance_mm: float) -> tuple[int, ...]:
        """Return per axis how many voxels make about this distance, at least 1."""
        return tuple(max(1, round(distance_mm / spacing)) for spacing in self.spacing_mm)

    def view(self, window: tuple[slice, ...]) -> Anatomy:
        """Return a view of the voxels in a window, whose slices may have steps."""
        starts, steps = [axis.start or 0 for axis in window], [axis.step or 1 for axis in window]
        x, y, z = (o + s * first for o, s, first in zip(self.origin_mm, self.spacing_mm, starts, strict=True))
        u, v, w = (spacing * step for spacing, step in zip(self.spacing_mm, steps, strict=True))
        return Anatomy(
            brain=self.brain[window],
            gm=self.gm[window],
            wm=self.wm[window],
            csf=self.csf[window],
            t1=self.t1[window],
            mni_mm=self.mni_mm[(slice(None), *window)],
            origin_mm=(x, y, z),
            spacing_mm=(u, v, w),
        )


def sample_anatomy(rng: np.random.Generator) -> AnatomyPlan:
    """Draw a brain: size (SD 4 % per axis), shear, folding, sulcal width and field of view."""
    linear = np.diag(np.exp(rng.normal(0.0, 0.04, 3).clip(-0.08, 0.08))) + np.triu(rng.normal(0.0, 0.02, (3, 3)), 1)
    return AnatomyPlan(
        linear=tuple(tuple(row) for row in linear.tolist()),
        displacement_mm=(float(rng.uniform(2.0, 3.5)), float(rng.uniform(0.8, 1.6))),
        displacement_lengths_mm=(45.0, 16.0),
        displacement_seed=int(rng.integers(2**31)),
        sharpness=float(rng.uniform(1.4, 2.2)),
        atrophy=float(rng.normal(0.5, 0.5)),
        margins_voxels=tuple((int(before), int(after)) for before, after in rng.integers(2, 8, (3, 2))),
    )


def apply_anatomy(plan: AnatomyPlan, template: Template, view: FieldOfView) -> Anatomy:
    """Warp the template with the drawn parameters, on the grid of the field of view."""
    axes_mm = _scanned_axes(plan, template, view)
    mni_mm = _warp(plan, axes_mm)
    sampling = mni_mm - np.array(template.origin_mm, np.float32)[:, None, None, None]
    fraction = ndimage.map_coordinates(template.brain, sampling, order=1)
    brain: MaskArray = fraction > 0.5
    points = sampling[:, brain]
    gm, wm, t1 = (
        ndimage.map_coordinates(values, points, order=1) for values in (template.gm, template.wm, template.t1)
    )
    fractions = _individual_fractions(plan, gm, wm)
    x, y, z = (float(axis[0]) for axis in axes_mm)
    return Anatomy(
        brain=brain,
        gm=_spread(brain, fractions[0]),
        wm=_spread(brain, fractions[1]),
        csf=_spread(brain, fractions[2]),
        t1=_spread(brain, t1 / fraction[brain]),
        mni_mm=mni_mm,
        origin_mm=(x, y, z),
        spacing_mm=view.spacing_mm,
    )


def _scanned_axes(plan: AnatomyPlan, template: Template, view: FieldOfView) -> Axes:
    """Return the scanner coordinates of the voxels: a box with its margins, or a fixed shape around the same middle."""
    coarse: Axes = tuple(np.arange(low, high, _SEARCH_STEP_MM) for low, high in _SEARCHED_MM)  # type: ignore[assignment]
    sampling = _warp(plan, coarse) - np.array(template.origin_mm, np.float32)[:, None, None, None]
    (box,) = ndimage.find_objects((ndimage.map_coordinates(template.brain, sampling, order=1) > 0.5).astype(int))
    beyond = _HEAD_MM if view.head else ((0.0, 0.0),) * 3
    axes = []
    for axis, found in enumerate(box):
        spacing = view.spacing_mm[axis]
        low = coarse[axis][found.start] - _SEARCH_STEP_MM - beyond[axis][0]
        high = coarse[axis][found.stop - 1] + _SEARCH_STEP_MM + beyond[axis][1]
        if view.shape is not None:
            first = 0.5 * (low + high - spacing * (view.shape[axis] - 1))
            axes.append(first + spacing * np.arange(view.shape[axis]))
        else:
            before, after = plan.margins_voxels[axis]
            count = int(np.ceil((high - low) / spacing)) + before + after
            axes.append(low - before * spacing + spacing * np.arange(count))
    return (axes[0], axes[1], axes[2])


def _warp(plan: AnatomyPlan, axes_mm: Axes) -> FloatArray:
    """Return the template coordinates of every voxel: (3, x, y, z)."""
    x, y, z = (_along(axis_mm, axis) for axis, axis_mm in enumerate(axes_mm))
    warped = np.empty((3, *(len(axis) for axis in axes_mm)), np.float32)
    for axis, (a, b, c) in enumerate(plan.linear):
        warped[axis] = a * x + b * y + c * z
        for scale, length_mm in enumerate(plan.displacement_lengths_mm):
            seed = plan.displacement_seed + 3 * scale + axis
            field = build_smooth_field(axes_mm, length_mm, seed, WARP_EXTENT_MM)
            warped[axis] += plan.displacement_mm[scale] * field
    return warped


def _along(axis_mm: FloatVector, axis: int) -> FloatArray:
    shape = [1, 1, 1]
    shape[axis] = -1
    return axis_mm.astype(np.float32).reshape(shape)


def _individual_fractions(plan: AnatomyPlan, gm: FloatArray, wm: FloatArray) -> FloatArray:
    """Return the fractions of grey matter, white matter and CSF of the same voxels."""
    csf = np.clip(1.0 - gm - wm, 0.0, 1.0)
    powers = np.stack([gm, wm, csf]).clip(0.0, 1.0) ** np.float32(plan.sharpness)
    powers[2] *= np.float32(np.exp(plan.atrophy))
    shares: FloatArray = powers / np.maximum(powers.sum(axis=0), np.float32(1e-6))
    return shares


def _spread(mask: MaskArray, values: FloatArray) -> FloatArray:
    volume = np.zeros(mask.shape, np.float32)
    volume[mask] = values
    return volume
