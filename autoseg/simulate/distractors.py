"""What looks like a lesion and is none: hypointense white matter of small vessel disease, never labelled."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import ndimage

from autoseg.simulate.anatomy import Anatomy
from autoseg.simulate.fields import FloatArray, MaskArray, build_smooth_field
from autoseg.simulate.regions import find_ventricles

# Relative frequency of the Fazekas grades 0 to 3; the mean is that of ATLAS R1.1 (1.4 to 1.5).
_GRADE_FREQUENCIES = (0.15, 0.38, 0.33, 0.14)
_SPOTS_PER_GRADE = 4
_MARGIN_VOXELS = 2


@dataclass(frozen=True, kw_only=True, slots=True)
class DistractorPlan:
    """The random parameters of the white-matter changes of one brain.

    Attributes:
        rim_mm: thickness of the periventricular rim; 0 for none.
        rim_loss: fraction of tissue lost in it.
        spot_ranks: picks each deep spot's centre among the white-matter voxels, in [0, 1).
        spot_radii_mm: radius of each spot.
        spot_losses: fraction of tissue lost in each spot.
    """

    rim_mm: float
    rim_loss: float
    spot_ranks: tuple[float, ...]
    spot_radii_mm: tuple[float, ...]
    spot_losses: tuple[float, ...]
    field_seed: int


def sample_distractors(rng: np.random.Generator) -> DistractorPlan:
    """Draw periventricular and deep changes, each by its own grade."""
    rim_grade, spot_grade = rng.choice(len(_GRADE_FREQUENCIES), 2, p=_GRADE_FREQUENCIES)
    spots = int(rng.poisson(_SPOTS_PER_GRADE * spot_grade))
    return DistractorPlan(
        rim_mm=float(rim_grade * rng.uniform(0.5, 1.3)),
        rim_loss=float(rng.uniform(0.15, 0.45)),
        spot_ranks=tuple(rng.uniform(size=spots).tolist()),
        spot_radii_mm=tuple(rng.uniform(1.2, 3.5, spots).tolist()),
        spot_losses=tuple(rng.uniform(0.2, 0.6, spots).tolist()),
        field_seed=int(rng.integers(2**31)),
    )


def apply_distractors(plan: DistractorPlan, anatomy: Anatomy, lesion: MaskArray) -> FloatArray:
    """Return the fraction of tissue lost to white-matter changes; 0 on and next to the lesion."""
    white = (anatomy.wm > 0.5) & (anatomy.mni_mm[2] > -10)
    loss: FloatArray = np.maximum(_rim_loss(plan, anatomy, white), _spot_loss(plan, anatomy, white))
    loss[ndimage.binary_dilation(lesion, iterations=_MARGIN_VOXELS)] = 0.0
    return loss


def _rim_loss(plan: DistractorPlan, anatomy: Anatomy, white: MaskArray) -> FloatArray:
    distance_mm = ndimage.distance_transform_edt(~find_ventricles(anatomy)) * anatomy.spacing_mm
    waves = build_smooth_field(white.shape, anatomy.spacing_mm, 15.0, plan.field_seed)
    thickness_mm = anatomy.spacing_mm + plan.rim_mm * np.exp(0.5 * waves)
    rim = white * ((thickness_mm - distance_mm) / anatomy.spacing_mm).clip(0.0, 1.0)
    return np.asarray(rim * plan.rim_loss * (plan.rim_mm > 0), np.float32)


def _spot_loss(plan: DistractorPlan, anatomy: Anatomy, white: MaskArray) -> FloatArray:
    loss = np.zeros(white.shape, np.float32)
    voxels = np.argwhere(white)
    waves = build_smooth_field(white.shape, anatomy.spacing_mm, 4.0, plan.field_seed + 1)[white]
    for rank, radius_mm, spot_loss in zip(plan.spot_ranks, plan.spot_radii_mm, plan.spot_losses, strict=True):
        centre = voxels[int(rank * len(voxels))]
        distance_mm = np.linalg.norm(voxels - centre, axis=1) * anatomy.spacing_mm
        spot = voxels[distance_mm <= radius_mm * np.exp(0.3 * waves)]
        loss[tuple(spot.T)] = spot_loss
    return loss
