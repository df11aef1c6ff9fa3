"""Share of the tissue in each voxel that an infarct has replaced by fluid: core, rim, strands and surroundings."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import ndimage

from autoseg.simulate.fields import FloatArray, Lengths, MaskArray, build_smooth_field, grid_axes

_CAVITY_FROM_ML = 5.0
# Lesions smaller than this seldom have strands of tissue across their cavity.
_STRANDS_FROM_ML = 10.0
_HALO_MM = 1.5
# How far around a lesion its halo is rendered, in voxels.
HALO_VOXELS = 3


@dataclass(frozen=True, kw_only=True, slots=True)
class DamagePlan:
    """The random parameters of what is inside an infarct.

    Attributes:
        rim_loss: fraction of tissue lost at the border.
        core_loss: fraction of tissue lost from `rim_mm` inwards; a cavity has nearly 1.
        halo_loss: fraction of tissue lost right outside of the border; raters leave it out.
        strands: share of tissue kept in sheets across the cavity.
    """

    rim_loss: float
    core_loss: float
    rim_mm: float
    halo_loss: float
    strands: float
    field_seed: int


def sample_damage(rng: np.random.Generator, volume_ml: float) -> DamagePlan:
    """Draw what is inside an infarct: mostly a cavity from 5 ml on, mostly none below."""
    cavity = rng.uniform() < (0.85 if volume_ml > _CAVITY_FROM_ML else 0.4)
    rim_loss = float(rng.uniform(0.5, 0.85))
    core_loss = float(rng.uniform(0.88, 1.0)) if cavity else min(1.0, rim_loss + float(rng.uniform(0.05, 0.25)))
    strands = float(rng.uniform(0.0, 0.3)) if cavity and volume_ml > _STRANDS_FROM_ML else 0.0
    return DamagePlan(
        rim_loss=rim_loss,
        core_loss=core_loss,
        rim_mm=float(rng.uniform(1.5, 4.5)),
        halo_loss=float(rng.uniform(0.0, 0.15)),
        strands=strands,
        field_seed=int(rng.integers(2**31)),
    )


def apply_damage(plan: DamagePlan, lesion: MaskArray, brain: MaskArray, spacing_mm: Lengths) -> FloatArray:
    """Return the fraction of tissue lost, on the grid of the lesion's mask.

    The rim lies towards the rest of the brain: at the brain's surface a cavity is open.

    Args:
        lesion: with at least one voxel of space around it where the halo shall show.
    """
    axes_mm = grid_axes(lesion.shape, spacing_mm)
    depth_mm = ndimage.distance_transform_edt(~brain | lesion, sampling=spacing_mm)
    step = np.clip((depth_mm - 0.5 * min(spacing_mm)) / plan.rim_mm, 0.0, 1.0)
    towards_core = step * step * (3.0 - 2.0 * step)
    texture = build_smooth_field(axes_mm, 6.0, plan.field_seed)
    profile = plan.rim_loss + (plan.core_loss - plan.rim_loss) * towards_core + 0.06 * texture
    if plan.strands:
        sheets = np.exp(-((build_smooth_field(axes_mm, 12.0, plan.field_seed + 1) / 0.25) ** 2))
        profile *= 1.0 - plan.strands * sheets
    outside_mm = ndimage.distance_transform_edt(~lesion, sampling=spacing_mm) - 0.5 * min(spacing_mm)
    halo = plan.halo_loss * np.exp(-np.maximum(outside_mm, 0.0) / _HALO_MM)
    loss: FloatArray = (np.where(lesion, profile.clip(0.2, 1.0), halo) * brain).astype(np.float32)
    return loss
