"""Lesion look-alikes: hypointense white matter of small vessel disease, never labelled."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import ndimage

from autoseg.simulate.anatomy import Anatomy
from autoseg.simulate.fields import FloatArray, MaskArray, build_smooth_field

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


def apply_distractors(
    plan: DistractorPlan, anatomy: Anatomy, lesion: MaskArray, ventricle_mm: FloatArray
) -> FloatArray:
    """Return the fraction of tissue lost to white-matter changes; 0 on and next to the lesion.

    Args:
        ventricle_mm: each voxel's distance to the ventricles.
    """
    white = (anatomy.wm > 0.5) & (anatomy.mni_mm[2] > -10)
    loss: FloatArray = np.maximum(_rim_loss(plan, anatomy, white, ventricle_mm), _spot_loss(plan, anatomy, white))
    for box in ndimage.find_objects(lesion.astype(np.int8)):
        wide = tuple(slice(max(axis.start - _MARGIN_VOXELS, 0), axis.stop + _MARGIN_VOXELS) for axis in box)
        loss[wide][ndimage.binary_dilation(lesion[wide], iterations=_MARGIN_VOXELS)] = 0.0
    return loss


def _rim_loss(plan: DistractorPlan, anatomy: Anatomy, white: MaskArray, ventricle_mm: FloatArray) -> FloatArray:
    loss = np.zeros(white.shape, np.float32)
    if plan.rim_mm == 0:
        return loss
    edge_mm = min(anatomy.spacing_mm)
    waves = build_smooth_field(anatomy.axes_mm(), 15.0, plan.field_seed)[white]
    thickness_mm = edge_mm + plan.rim_mm * np.exp(0.5 * waves)
    loss[white] = ((thickness_mm - ventricle_mm[white]) / edge_mm).clip(0.0, 1.0) * plan.rim_loss
    return loss


def _spot_loss(plan: DistractorPlan, anatomy: Anatomy, white: MaskArray) -> FloatArray:
    loss = np.zeros(white.shape, np.float32)
    voxels = np.argwhere(white)
    spacing_mm = np.array(anatomy.spacing_mm)
    for index, (rank, radius_mm) in enumerate(zip(plan.spot_ranks, plan.spot_radii_mm, strict=True)):
        centre = voxels[int(rank * len(voxels))]
        reach = np.ceil(2.5 * radius_mm / spacing_mm).astype(int)
        low, high = np.maximum(centre - reach, 0), np.minimum(centre + reach + 1, white.shape)
        window = tuple(slice(start, stop) for start, stop in zip(low, high, strict=True))
        offsets_mm = (np.moveaxis(np.indices(high - low), 0, -1) + low - centre) * spacing_mm
        waves = build_smooth_field(anatomy.view(window).axes_mm(), 4.0, plan.field_seed + 1 + index)
        inside_mm = radius_mm * np.exp(0.3 * waves) - np.linalg.norm(offsets_mm, axis=-1)
        spot = plan.spot_losses[index] * white[window] * (inside_mm / min(spacing_mm) + 0.5).clip(0.0, 1.0)
        loss[window] = np.maximum(loss[window], spot)
    return loss
