"""Chronic infarcts: their shape, and how much of the tissue in each voxel has been replaced by fluid."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import ndimage

from autoseg.simulate.anatomy import Anatomy
from autoseg.simulate.fields import FloatArray, MaskArray, build_smooth_field
from autoseg.simulate.growth import Voxel, grow
from autoseg.simulate.regions import find_domain, find_seeds
from autoseg.simulate.statistics import LesionDraw, sample_lesions

_CAVITY_FROM_ML = 5.0


@dataclass(frozen=True, kw_only=True, slots=True)
class LesionPlan:
    """The random parameters of one lesion.

    Attributes:
        seed_rank: picks the seed among the allowed voxels, in [0, 1).
        territory: picks the arterial territory, in [0, 1).
        axes: 3x3 matrix of the ellipsoid that the lesion starts from, of volume 1.
        raggedness: SD of the log of the border's displacement.
        rim_loss: fraction of tissue lost at the border.
        core_loss: fraction of tissue lost from `rim_mm` inwards; a cavity has nearly 1.
    """

    draw: LesionDraw
    seed_rank: float
    territory: float
    axes: tuple[tuple[float, ...], ...]
    raggedness: float
    rim_loss: float
    core_loss: float
    rim_mm: float
    field_seed: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Lesions:
    """The lesions of one case: `mask` is the reference, `loss` the fraction of tissue lost (0 to 1)."""

    mask: MaskArray
    loss: FloatArray


def sample_lesion_plans(rng: np.random.Generator, voxels: int, voxel_ml: float) -> tuple[LesionPlan, ...]:
    """Draw the lesions of a case that sum to the given number of voxels."""
    return tuple(_sample_plan(rng, draw, voxel_ml) for draw in sample_lesions(rng, voxels, voxel_ml))


def apply_lesion_plans(plans: tuple[LesionPlan, ...], anatomy: Anatomy) -> Lesions:
    """Grow every lesion, the largest first, each apart from those before it."""
    mask = np.zeros(anatomy.brain.shape, bool)
    loss = np.zeros(anatomy.brain.shape, np.float32)
    for plan in plans:
        lesion = _grow_lesion(plan, anatomy, mask)
        loss += _tissue_loss(plan, lesion, anatomy.spacing_mm)
        mask |= lesion
    _complete(mask, loss, anatomy, sum(plan.draw.voxels for plan in plans))
    # Half a voxel of blur is the partial volume at the border.
    return Lesions(mask=mask, loss=ndimage.gaussian_filter(loss, 0.5).clip(0.0, 1.0))


def _sample_plan(rng: np.random.Generator, draw: LesionDraw, voxel_ml: float) -> LesionPlan:
    rotation = np.linalg.qr(rng.standard_normal((3, 3)))[0]
    stretch = rng.normal(0.0, 0.3, 3)
    axes = rotation * np.exp(stretch - stretch.mean())
    cavity = rng.uniform() < (0.85 if draw.voxels * voxel_ml > _CAVITY_FROM_ML else 0.4)
    rim_loss = float(rng.uniform(0.4, 0.75))
    core_loss = float(rng.uniform(0.85, 1.0)) if cavity else min(1.0, rim_loss + float(rng.uniform(0.05, 0.25)))
    return LesionPlan(
        draw=draw,
        seed_rank=float(rng.uniform()),
        territory=float(rng.uniform()),
        axes=tuple(tuple(row) for row in axes.tolist()),
        raggedness=float(rng.uniform(0.2, 0.4)),
        rim_loss=rim_loss,
        core_loss=core_loss,
        rim_mm=float(rng.uniform(1.5, 4.5)),
        field_seed=int(rng.integers(2**31)),
    )


def _grow_lesion(plan: LesionPlan, anatomy: Anatomy, taken: MaskArray) -> MaskArray:
    free = ~ndimage.binary_dilation(taken, np.ones((3, 3, 3), bool))
    domain = find_domain(anatomy, plan.draw) & free
    if not domain.any():
        return np.zeros_like(taken)
    preferred = domain & find_seeds(anatomy, plan.draw, plan.territory)
    seeds = np.argwhere(preferred if preferred.any() else domain)
    x, y, z = (int(index) for index in seeds[int(plan.seed_rank * len(seeds))])
    return grow(domain, _growth_score(plan, anatomy, (x, y, z)), (x, y, z), plan.draw.voxels)


def _growth_score(plan: LesionPlan, anatomy: Anatomy, seed: Voxel) -> FloatArray:
    """Return the distance from the seed in a metric of its own (an ellipsoid, or a wedge), in ragged steps."""
    spacing_mm = anatomy.spacing_mm
    radius_mm = spacing_mm * (0.75 * plan.draw.voxels / np.pi) ** (1 / 3)
    axes = [
        (np.arange(count, dtype=np.float32) - index) * spacing_mm
        for count, index in zip(anatomy.brain.shape, seed, strict=True)
    ]
    offsets_mm = np.stack(np.meshgrid(*axes, indexing="ij")).astype(np.float32)
    if plan.draw.location == "cortical":
        distance = _wedge_distance(offsets_mm, anatomy.mni_mm[:, *seed], radius_mm)
    else:
        distance = np.linalg.norm(np.einsum("ij,jxyz->ixyz", np.array(plan.axes, np.float32), offsets_mm), axis=0)
    coarse = build_smooth_field(anatomy.brain.shape, spacing_mm, max(0.8 * radius_mm, 2 * spacing_mm), plan.field_seed)
    fine = build_smooth_field(anatomy.brain.shape, spacing_mm, max(4.0, 1.5 * spacing_mm), plan.field_seed + 1)
    score: FloatArray = distance * np.exp(plan.raggedness * (coarse + 0.4 * fine))
    return score


def _wedge_distance(offsets_mm: FloatArray, seed_mni_mm: FloatArray, radius_mm: float) -> FloatArray:
    """Return a distance whose balls are wide at the cortex and narrow towards the lateral ventricle.

    An infarct of an arterial branch has this shape: the branch supplies a wedge from the surface inwards.
    """
    target_mm = np.array([20.0 * np.sign(seed_mni_mm[0]), -12.0, 18.0], np.float32)
    inwards = (target_mm - seed_mni_mm) / np.linalg.norm(target_mm - seed_mni_mm)
    along = np.einsum("i,ixyz->xyz", inwards, offsets_mm)
    across = np.sqrt(np.maximum((offsets_mm**2).sum(axis=0) - along**2, 0.0))
    narrowing = np.clip(1.0 - 0.4 * along / radius_mm, 0.4, 1.4)
    distance: FloatArray = np.sqrt((across / narrowing) ** 2 + (along / 1.3) ** 2)
    return distance


def _tissue_loss(plan: LesionPlan, lesion: MaskArray, spacing_mm: float) -> FloatArray:
    loss = np.zeros(lesion.shape, np.float32)
    boxes = ndimage.find_objects(lesion.astype(np.int8))
    if not boxes:
        return loss
    inside = np.pad(lesion[boxes[0]], 1)
    depth_mm = ndimage.distance_transform_edt(inside)[1:-1, 1:-1, 1:-1] * spacing_mm
    step = np.clip((depth_mm - 0.5 * spacing_mm) / plan.rim_mm, 0.0, 1.0)
    towards_core = step * step * (3.0 - 2.0 * step)
    texture = build_smooth_field(depth_mm.shape, spacing_mm, 6.0, plan.field_seed + 2)
    profile = plan.rim_loss + (plan.core_loss - plan.rim_loss) * towards_core + 0.05 * texture
    loss[boxes[0]] = lesion[boxes[0]] * profile.clip(0.2, 1.0)
    return loss


def _complete(mask: MaskArray, loss: FloatArray, anatomy: Anatomy, voxels: int) -> None:
    """Add what a lesion could not find room for to the border of the others, in place, to keep the case's volume."""
    missing = voxels - int(mask.sum())
    if missing <= 0:
        return
    distance, nearest = ndimage.distance_transform_edt(~mask, return_indices=True)
    room = np.flatnonzero(anatomy.brain & (anatomy.csf < 0.5) & ~mask)
    added = np.unravel_index(room[np.argsort(distance.ravel()[room], kind="stable")[:missing]], mask.shape)
    loss[added] = loss[tuple(axis[added] for axis in nearest)]
    mask[added] = True
