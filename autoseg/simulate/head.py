"""Scalp, skull, air and, roughly, a face and a neck around a brain that is not skull-stripped."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from autoseg.simulate.anatomy import Anatomy
from autoseg.simulate.fields import FloatArray, build_smooth_field

# What a voxel outside of the brain holds: indices into a contrast's intensities.
AIR, FLUID, BONE, MARROW, FAT, MUSCLE = range(6)

# Distances are computed on a grid this coarse and interpolated.
_COARSE_MM = 3.0


@dataclass(frozen=True, kw_only=True, slots=True)
class HeadPlan:
    """The random parameters of a head: mean thicknesses in mm."""

    fluid_mm: float
    skull_mm: float
    fat_mm: float
    muscle_mm: float
    field_seed: int


def sample_head(rng: np.random.Generator) -> HeadPlan:
    """Draw a head; skull 5 to 8 mm, scalp 4 to 9 mm."""
    return HeadPlan(
        fluid_mm=float(rng.uniform(1.0, 2.5)),
        skull_mm=float(rng.uniform(5.0, 8.0)),
        fat_mm=float(rng.uniform(2.5, 6.0)),
        muscle_mm=float(rng.uniform(1.5, 3.0)),
        field_seed=int(rng.integers(2**31)),
    )


def apply_head(plan: HeadPlan, anatomy: Anatomy) -> NDArray[np.uint8]:
    """Return what each voxel outside of the brain holds; 0 (air) inside the brain, too.

    The shells follow the brain's surface. Below it are a neck and a face made of ellipsoids, with fat in the muscle,
    eyes and air-filled cavities: enough to be in the way, not enough to be looked at.
    """
    axes_mm = anatomy.axes_mm()
    outside_mm = _outside_mm(anatomy)
    waves = build_smooth_field(axes_mm, 25.0, plan.field_seed)
    fine = build_smooth_field(axes_mm, 6.0, plan.field_seed + 1)
    skull_mm = plan.skull_mm * np.exp(0.25 * waves)
    below = _below(anatomy, waves)
    head = np.zeros(anatomy.brain.shape, np.uint8)
    skin_mm = plan.fluid_mm + skull_mm + plan.fat_mm + plan.muscle_mm
    head[below] = np.where(fine[below] > 1.3, FAT, MUSCLE)
    edge = ndimage.binary_erosion(below, iterations=max(1, round(3.0 / min(anatomy.spacing_mm))))
    head[below & ~edge] = FAT
    head[outside_mm < skin_mm] = MUSCLE
    head[outside_mm < skin_mm - plan.muscle_mm * 0.7] = FAT
    depth_mm = outside_mm - plan.fluid_mm
    skull = depth_mm < skull_mm
    head[skull] = BONE
    # The middle of the bone is marrow where it is thick enough.
    head[skull & (np.abs(depth_mm / skull_mm - 0.5) < 0.18) & (fine > -1.0)] = MARROW
    head[depth_mm < 0] = FLUID
    _place_face(head, anatomy, outside_mm > plan.fluid_mm)
    head[anatomy.brain] = AIR
    return head


def _outside_mm(anatomy: Anatomy) -> FloatArray:
    """Return each voxel's distance from a brain whose sulci and fissures are closed."""
    steps = anatomy.voxels_apart(_COARSE_MM)
    every = tuple(slice(None, None, step) for step in steps)
    coarse = anatomy.view(every)
    brain = np.pad(coarse.brain, 6)
    closed = ndimage.binary_closing(brain, iterations=5)[6:-6, 6:-6, 6:-6]
    signed = ndimage.distance_transform_edt(~closed, sampling=coarse.spacing_mm) - ndimage.distance_transform_edt(
        closed, sampling=coarse.spacing_mm
    )
    signed = ndimage.gaussian_filter(signed.astype(np.float32), 0.7)
    positions = [
        np.minimum(np.arange(n) / step, m - 1)
        for n, step, m in zip(anatomy.brain.shape, steps, signed.shape, strict=True)
    ]
    for axis, position in enumerate(positions):
        lower = np.minimum(position.astype(int), signed.shape[axis] - 1)
        upper = np.minimum(lower + 1, signed.shape[axis] - 1)
        shape = [1, 1, 1]
        shape[axis] = -1
        weight = (position - lower).astype(np.float32).reshape(shape)
        signed = signed.take(lower, axis) * (1 - weight) + signed.take(upper, axis) * weight
    return np.asarray(signed, np.float32)


def _ellipsoid(anatomy: Anatomy, centre_mm: tuple[float, ...], radii_mm: tuple[float, ...]) -> FloatArray:
    """Return each voxel's distance from an ellipsoid's centre in units of its radii."""
    total = np.zeros(anatomy.brain.shape, np.float32)
    for coordinate, centre, radius in zip(anatomy.mni_mm, centre_mm, radii_mm, strict=True):
        total += ((coordinate - centre) / radius) ** 2
    return np.sqrt(total)


def _below(anatomy: Anatomy, waves: FloatArray) -> NDArray[np.bool_]:
    """Return neck and face."""
    x, y, z = anatomy.mni_mm
    ragged = 1.0 + 0.03 * waves
    neck = (np.hypot(x / 58.0, (y + 28.0) / 62.0) < ragged) & (z < -35.0)
    face = _ellipsoid(anatomy, (0.0, 38.0, -70.0), (62.0, 56.0, 62.0)) < ragged
    nose = _ellipsoid(anatomy, (0.0, 92.0, -62.0), (14.0, 18.0, 22.0)) < ragged
    below: NDArray[np.bool_] = (neck | face | nose) & (z < 5.0)
    return below


def _place_face(head: NDArray[np.uint8], anatomy: Anatomy, outside: NDArray[np.bool_]) -> None:
    """Put eyes in fat, the nose's and the sinuses' air, and the spine into a head, in place."""
    x, y, z = anatomy.mni_mm
    parts = (
        ((32.0, 52.0, -38.0), (19.0, 22.0, 17.0), FAT),
        ((32.0, 58.0, -38.0), (12.0, 12.0, 12.0), FLUID),
        ((28.0, 54.0, -68.0), (14.0, 16.0, 16.0), AIR),
    )
    for (lateral, *rest), radii_mm, what in parts:
        for side in (-1.0, 1.0):
            head[outside & (_ellipsoid(anatomy, (side * lateral, *rest), radii_mm) < 1.0)] = what
    head[outside & (_ellipsoid(anatomy, (0.0, 52.0, -66.0), (9.0, 34.0, 20.0)) < 1.0)] = AIR
    head[outside & (np.hypot(x, y - 2.0) < 9.0) & (z < -72.0)] = AIR
    spine = np.hypot(x, y + 42.0)
    head[outside & (spine < 19.0) & (z < -76.0)] = BONE
    head[outside & (spine < 10.0) & (z < -76.0)] = FLUID
    head[outside & (spine < 6.0) & (z < -76.0)] = MUSCLE
