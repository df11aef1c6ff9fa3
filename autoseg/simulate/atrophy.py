"""Atrophy around a large old infarct: the ventricle beside it and the sulci around it widen."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from autoseg.simulate.anatomy import Anatomy
from autoseg.simulate.fields import FloatArray, MaskArray
from autoseg.simulate.regions import Ball
from autoseg.simulate.template import TEMPLATE_CSF

_FROM_ML = 5.0
_REACH_MM = 14.0


@dataclass(frozen=True, kw_only=True, slots=True)
class AtrophyPlan:
    """The random parameters of the loss of tissue around the main lesion.

    Attributes:
        ventricle_mm: how far the ventricle's wall retreats beside the lesion.
        sulci: log-odds added to CSF beside the lesion.
    """

    ventricle_mm: float
    sulci: float


def sample_atrophy(rng: np.random.Generator, volume_ml: float) -> AtrophyPlan:
    """Draw the widening; none around lesions of less than 5 ml, more around larger ones."""
    ventricle, sulci = rng.uniform(size=2)
    if volume_ml < _FROM_ML:
        return AtrophyPlan(ventricle_mm=0.0, sulci=0.0)
    growth = min(1.0, 0.4 + 0.3 * float(np.log10(volume_ml / _FROM_ML)))
    return AtrophyPlan(ventricle_mm=float(9.0 * growth * ventricle), sulci=float(1.5 * growth * sulci))


def apply_atrophy(
    plan: AtrophyPlan, anatomy: Anatomy, lesion: MaskArray, main: Ball, ventricle_mm: FloatArray
) -> Anatomy:
    """Return the anatomy with more CSF near the main lesion; the lesions themselves stay.

    Args:
        lesion: the true mask of all lesions.
        main: where the main one lies.
        ventricle_mm: each voxel's distance to the ventricles.
    """
    if plan.ventricle_mm == 0 and plan.sulci == 0:
        return anatomy
    near = np.exp(-0.5 * (np.maximum(main.distance_mm(anatomy.mni_mm), 0.0) / _REACH_MM) ** 2)
    # Only on the lesion's side.
    near *= anatomy.mni_mm[0] * np.sign(main.centre_mm[0]) > 0
    widened = anatomy.csf * np.exp(plan.sulci * near)
    csf = widened / np.maximum(widened + anatomy.gm + anatomy.wm, 1e-6)
    edge_mm = min(anatomy.spacing_mm)
    wall = np.clip((plan.ventricle_mm * near - ventricle_mm) / edge_mm + 0.5, 0.0, 1.0) * (ventricle_mm < np.inf)
    # The wall's grey nuclei and white matter give way; the cortex does not.
    csf = np.where(anatomy.brain & ~lesion, np.maximum(csf, wall), anatomy.csf).astype(np.float32)
    kept = (1.0 - csf) / np.maximum(1.0 - anatomy.csf, 1e-6)
    kept = np.minimum(kept, 1.0).astype(np.float32)
    return replace(
        anatomy,
        csf=csf,
        gm=anatomy.gm * kept,
        wm=anatomy.wm * kept,
        t1=(TEMPLATE_CSF + (anatomy.t1 - TEMPLATE_CSF) * kept) * anatomy.brain,
    )
