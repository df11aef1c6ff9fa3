"""The lesions of one case: their true masks, the mask that a person draws, and the tissue that is lost."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from scipy import ndimage

from autoseg.simulate.anatomy import Anatomy
from autoseg.simulate.damage import HALO_VOXELS, DamagePlan, apply_damage, sample_damage
from autoseg.simulate.drawing import SPACE_VOXELS, DrawingPlan, apply_drawing
from autoseg.simulate.fields import FloatArray, MaskArray
from autoseg.simulate.growth import fill_up
from autoseg.simulate.lesion_statistics import sample_lesions
from autoseg.simulate.regions import Ball
from autoseg.simulate.shapes import ShapePlan, apply_shape, block, sample_shape

_NEIGHBOURS = np.ones((3, 3, 3), bool)


@dataclass(frozen=True, kw_only=True, slots=True)
class LesionPlan:
    """The random parameters of one lesion."""

    shape: ShapePlan
    damage: DamagePlan


@dataclass(kw_only=True, slots=True)
class Lesions:
    """The lesions of one case.

    Attributes:
        true: where tissue is lost.
        drawn: the reference that a person drew.
        loss: fraction of tissue lost (0 to 1), around the lesions as well.
        blocked: the lesions and what touches them.
        main: where the largest lesion lies; None while there is none.
        count: number of lesions.
    """

    true: MaskArray
    drawn: MaskArray
    loss: FloatArray
    blocked: MaskArray
    main: Ball | None = None
    count: int = 0

    def main_ball(self) -> Ball:
        """Return where the largest lesion lies."""
        if self.main is None:
            raise ValueError("there is no lesion yet")
        return self.main


def sample_lesion_plans(rng: np.random.Generator, voxels: int, voxel_ml: float) -> tuple[LesionPlan, ...]:
    """Draw the lesions of a case that sum to the given number of voxels, the largest first."""
    return tuple(
        LesionPlan(shape=sample_shape(rng, draw), damage=sample_damage(rng, draw.voxels * voxel_ml))
        for draw in sample_lesions(rng, voxels, voxel_ml)
    )


def apply_lesion_plans(plans: Sequence[LesionPlan], drawing: DrawingPlan, anatomy: Anatomy) -> Lesions:
    """Grow every lesion, the largest first, each apart from those before it; the drawn voxels are those planned."""
    lesions = _none(anatomy)
    for plan in plans:
        true = apply_shape(plan.shape, anatomy, lesions.blocked, lesions.main)
        _add(lesions, true, plan.damage, drawing, plan.shape.draw.voxels, anatomy)
    _complete(lesions, anatomy, sum(plan.shape.draw.voxels for plan in plans))
    return _blurred(lesions)


def apply_mask(mask: MaskArray, rng: np.random.Generator, drawing: DrawingPlan, anatomy: Anatomy) -> Lesions:
    """Take a patient's mask for the true lesions, the largest component first; the drawn mask has the same volume.

    Args:
        rng: of what is inside the lesions.
    """
    lesions = _none(anatomy)
    components, _ = ndimage.label(mask, _NEIGHBOURS)
    sizes = np.bincount(components.ravel())[1:]
    for index in np.argsort(-sizes, kind="stable"):
        size = int(sizes[index])
        true = components == index + 1
        _add(lesions, true, sample_damage(rng, size * anatomy.voxel_ml()), drawing, size, anatomy)
    return _blurred(lesions)


def _none(anatomy: Anatomy) -> Lesions:
    shape = anatomy.brain.shape
    return Lesions(
        true=np.zeros(shape, bool),
        drawn=np.zeros(shape, bool),
        loss=np.zeros(shape, np.float32),
        blocked=np.zeros(shape, bool),
    )


def _add(
    lesions: Lesions, true: MaskArray, damage: DamagePlan, drawing: DrawingPlan, voxels: int, anatomy: Anatomy
) -> None:
    """Draw one lesion and mark the loss of tissue, in place; an empty mask adds nothing."""
    boxes = ndimage.find_objects(true.astype(np.int8))
    if not boxes:
        return
    space = max(SPACE_VOXELS, HALO_VOXELS)
    window = tuple(slice(max(axis.start - space, 0), axis.stop + space) for axis in boxes[0])
    inside, spacing_mm = true[window], anatomy.spacing_mm
    allowed = anatomy.brain[window] & ~lesions.blocked[window]
    hand = replace(drawing, field_seed=drawing.field_seed + 10 * lesions.count)
    drawn = apply_drawing(hand, inside, allowed, voxels, spacing_mm)
    loss = apply_damage(damage, inside, anatomy.brain[window], spacing_mm)
    lesions.loss[window] = np.maximum(lesions.loss[window], loss)
    lesions.true[window] |= inside
    lesions.drawn[window] |= drawn
    block(lesions.blocked, true | lesions.drawn)
    lesions.count += 1
    if lesions.main is None:
        x, y, z = (float(value) for value in anatomy.mni_mm[:, true].mean(axis=1))
        radius_mm = float((0.75 * true.sum() * 1000 * anatomy.voxel_ml() / np.pi) ** (1 / 3))
        lesions.main = Ball(centre_mm=(x, y, z), radius_mm=radius_mm)


def _complete(lesions: Lesions, anatomy: Anatomy, voxels: int) -> None:
    """Add what a lesion could not find space for to the border of the others, in place, to keep the case's volume."""
    space = anatomy.brain & (anatomy.csf < 0.5) & ~lesions.drawn
    if int(lesions.drawn.sum()) >= voxels:
        return
    complete = fill_up(lesions.drawn, space, voxels)
    added = complete & ~lesions.drawn
    nearest = ndimage.distance_transform_edt(~lesions.true, return_distances=False, return_indices=True)
    lesions.loss[added] = lesions.loss[tuple(axis[added] for axis in nearest)]
    lesions.drawn |= added
    lesions.true |= added


def _blurred(lesions: Lesions) -> Lesions:
    """Blur the loss by half a voxel: the partial volume at the border."""
    for box in ndimage.find_objects((lesions.loss > 0).astype(np.int8)):
        wide = tuple(slice(max(axis.start - 2, 0), axis.stop + 2) for axis in box)
        lesions.loss[wide] = ndimage.gaussian_filter(lesions.loss[wide], 0.5, truncate=3.0).clip(0.0, 1.0)
    return lesions
