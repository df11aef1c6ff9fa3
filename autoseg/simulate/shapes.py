"""The shape of one infarct: where it begins, and the order in which it takes the tissue around."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import ndimage

from autoseg.simulate.anatomy import Anatomy
from autoseg.simulate.fields import FloatArray, MaskArray, build_smooth_field, grid_axes
from autoseg.simulate.growth import Voxel, grow
from autoseg.simulate.lesion_statistics import LesionDraw
from autoseg.simulate.regions import Ball, find_domain, find_seeds

Window = tuple[slice, slice, slice]
_SEED_GRID_MM = 4.0
_NEIGHBOURS = np.ones((3, 3, 3), bool)


@dataclass(frozen=True, kw_only=True, slots=True)
class ShapePlan:
    """The random parameters of one infarct's shape.

    Attributes:
        draw: its voxels are those drawn by hand.
        true_voxels: how many it really has.
        seed_rank: picks the seed among the allowed voxels, in [0, 1).
        territory: picks the arterial territory, in [0, 1).
        axes: 3x3 matrix of the ellipsoid that the lesion starts from, of volume 1.
        raggedness: SD of the log of the border's displacement.
    """

    draw: LesionDraw
    true_voxels: int
    seed_rank: float
    territory: float
    axes: tuple[tuple[float, ...], ...]
    raggedness: float
    field_seed: int


def sample_shape(rng: np.random.Generator, draw: LesionDraw) -> ShapePlan:
    """Draw a shape; raters draw a lesion too small or too large by 8 % (SD)."""
    rotation = np.linalg.qr(rng.standard_normal((3, 3)))[0]
    stretch = rng.normal(0.0, 0.3, 3)
    axes = rotation * np.exp(stretch - stretch.mean())
    return ShapePlan(
        draw=draw,
        true_voxels=max(1, round(draw.voxels * float(rng.lognormal(0.0, 0.08)))),
        seed_rank=float(rng.uniform()),
        territory=float(rng.uniform()),
        axes=tuple(tuple(row) for row in axes.tolist()),
        raggedness=float(rng.uniform(0.2, 0.4)),
        field_seed=int(rng.integers(2**31)),
    )


def apply_shape(plan: ShapePlan, anatomy: Anatomy, blocked: MaskArray, main: Ball | None) -> MaskArray:
    """Grow the infarct outside of `blocked`; fewer voxels than planned, or none, where there is no space.

    Args:
        main: the case's largest lesion, for satellites; None while there is none.
    """
    lesion = np.zeros(blocked.shape, bool)
    seed = _choose_seed(plan, anatomy, blocked, main)
    if seed is None:
        return lesion
    radius_mm = _radius_mm(plan, anatomy)
    for reach_mm in (2.2 * radius_mm, 4.0 * radius_mm, np.inf):
        window = window_around(seed, reach_mm, anatomy)
        near = anatomy.view(window)
        domain = find_domain(near, plan.draw) & ~blocked[window]
        local: Voxel = tuple(index - axis.start for index, axis in zip(seed, window, strict=True))
        grown = grow(domain, _growth_score(plan, near, local), local, plan.true_voxels)
        if int(grown.sum()) == plan.true_voxels and not _reaches_edge(grown, window, blocked.shape):
            break
    lesion[window] = grown
    return lesion


def window_around(seed: Voxel, reach_mm: float, anatomy: Anatomy) -> Window:
    """Return the window of the voxels up to `reach_mm` and two voxels from one."""
    steps = [
        int(min(reach_mm / spacing, length)) + 2
        for spacing, length in zip(anatomy.spacing_mm, anatomy.brain.shape, strict=True)
    ]
    x, y, z = (
        slice(max(index - step, 0), min(index + step + 1, length))
        for index, step, length in zip(seed, steps, anatomy.brain.shape, strict=True)
    )
    return (x, y, z)


def block(blocked: MaskArray, lesion: MaskArray) -> None:
    """Add a lesion and the voxels that touch it to `blocked`, in place."""
    for box in ndimage.find_objects(lesion.astype(np.int8)):
        wide = tuple(slice(max(axis.start - 1, 0), axis.stop + 1) for axis in box)
        blocked[wide] |= ndimage.binary_dilation(lesion[wide], _NEIGHBOURS)


def _choose_seed(plan: ShapePlan, anatomy: Anatomy, blocked: MaskArray, main: Ball | None) -> Voxel | None:
    steps = anatomy.voxels_apart(_SEED_GRID_MM)
    every = tuple(slice(None, None, step) for step in steps)
    thinned = anatomy.view(every)
    domain = find_domain(thinned, plan.draw) & ~blocked[every]
    preferred = domain & find_seeds(thinned, plan.draw, plan.territory, main)
    seeds = np.argwhere(preferred if preferred.any() else domain)
    if not len(seeds):
        return None
    x, y, z = (int(index) * step for index, step in zip(seeds[int(plan.seed_rank * len(seeds))], steps, strict=True))
    return (x, y, z)


def _reaches_edge(lesion: MaskArray, window: Window, shape: tuple[int, ...]) -> bool:
    """Return whether a lesion might go on beyond its window."""
    for axis, (side, length) in enumerate(zip(window, shape, strict=True)):
        if side.start > 0 and lesion.take(0, axis).any():
            return True
        if side.stop < length and lesion.take(-1, axis).any():
            return True
    return False


def _radius_mm(plan: ShapePlan, anatomy: Anatomy) -> float:
    return float((0.75 * plan.true_voxels * 1000 * anatomy.voxel_ml() / np.pi) ** (1 / 3))


def _growth_score(plan: ShapePlan, anatomy: Anatomy, seed: Voxel) -> FloatArray:
    """Return the distance from the seed in a metric of its own (an ellipsoid, or a wedge), in ragged steps."""
    spacing_mm, shape = anatomy.spacing_mm, anatomy.brain.shape
    radius_mm = _radius_mm(plan, anatomy)
    axes_mm = [
        axis - index * spacing
        for axis, index, spacing in zip(grid_axes(shape, spacing_mm), seed, spacing_mm, strict=True)
    ]
    offsets_mm = np.stack(np.meshgrid(*axes_mm, indexing="ij")).astype(np.float32)
    if plan.draw.location == "cortical":
        distance = _wedge_distance(offsets_mm, anatomy.mni_mm[:, *seed], radius_mm)
    else:
        distance = np.linalg.norm(np.einsum("ij,jxyz->ixyz", np.array(plan.axes, np.float32), offsets_mm), axis=0)
    edge = max(spacing_mm)
    coarse = build_smooth_field(anatomy.axes_mm(), float(max(0.8 * radius_mm, 2 * edge)), plan.field_seed)
    fine = build_smooth_field(anatomy.axes_mm(), max(4.0, 1.5 * edge), plan.field_seed + 1)
    score: FloatArray = distance * np.exp(plan.raggedness * (coarse + 0.4 * fine))
    return score


def _wedge_distance(offsets_mm: FloatArray, seed_mni_mm: FloatArray, radius_mm: float) -> FloatArray:
    """Return a distance whose balls are wide at the cortex and narrow towards the lateral ventricle.

    An infarct of an arterial branch has this shape: the branch supplies a wedge from the surface inwards.
    """
    target_mm = np.array([20.0 * np.sign(seed_mni_mm[0]), -12.0, 18.0], np.float32)
    inwards = (target_mm - seed_mni_mm) / np.linalg.norm(target_mm - seed_mni_mm)
    along = np.einsum("i,ixyz->xyz", inwards, offsets_mm)
    across = np.sqrt(np.maximum(np.einsum("ixyz,ixyz->xyz", offsets_mm, offsets_mm) - along**2, 0.0))
    narrowing = np.clip(1.0 - 0.4 * along / radius_mm, 0.4, 1.4)
    distance: FloatArray = np.sqrt((across / narrowing) ** 2 + (along / 1.3) ** 2)
    return distance
