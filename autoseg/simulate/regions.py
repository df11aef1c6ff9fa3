"""Where each kind of lesion may begin and how far it may spread, in MNI coordinates."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from autoseg.simulate.anatomy import Anatomy
from autoseg.simulate.fields import FloatArray, MaskArray
from autoseg.simulate.statistics import LesionDraw, Location


@dataclass(frozen=True, kw_only=True, slots=True)
class _Box:
    """Bounds in MNI mm; `lateral` is the distance from the midline on the lesion's side."""

    lateral: tuple[float, float]
    y: tuple[float, float]
    z: tuple[float, float]

    def contains(self, lateral: FloatArray, mni_mm: FloatArray) -> MaskArray:
        """Return the mask of the voxels inside the box."""
        inside: MaskArray = (lateral >= self.lateral[0]) & (lateral <= self.lateral[1])
        for axis, (low, high) in ((1, self.y), (2, self.z)):
            inside &= (mni_mm[axis] >= low) & (mni_mm[axis] <= high)
        return inside


# Cortical seeds lie in the middle cerebral artery's territory, the commonest, or anywhere on the convexity.
_SEEDS: dict[Location, _Box] = {
    "subcortical": _Box(lateral=(10, 36), y=(-35, 25), z=(-6, 34)),
    "cortical": _Box(lateral=(12, 90), y=(-95, 65), z=(-18, 70)),
    "cerebellar": _Box(lateral=(6, 42), y=(-78, -48), z=(-50, -30)),
    "brainstem": _Box(lateral=(0, 10), y=(-36, -18), z=(-50, -16)),
}
_MCA_SEEDS = _Box(lateral=(34, 90), y=(-55, 35), z=(-12, 45))
_MCA_FRACTION = 0.7
_CORTICAL_DEPTH_MM = (4.0, 14.0)
_LARGE_CORTICAL_ML = 5.0

_REACH: dict[Location, _Box] = {
    "subcortical": _Box(lateral=(2, 90), y=(-110, 80), z=(-16, 90)),
    "cortical": _Box(lateral=(2, 90), y=(-110, 80), z=(-30, 90)),
    "cerebellar": _Box(lateral=(1, 54), y=(-100, -38), z=(-75, -24)),
    "brainstem": _Box(lateral=(-3, 18), y=(-44, -12), z=(-75, -10)),
}
_VENTRICLES = _Box(lateral=(-26, 26), y=(-50, 40), z=(-12, 36))


def find_ventricles(anatomy: Anatomy) -> MaskArray:
    """Return the mask of the CSF around the midline: lateral and third ventricles."""
    return (anatomy.csf > 0.5) & _VENTRICLES.contains(anatomy.mni_mm[0], anatomy.mni_mm)


def find_domain(anatomy: Anatomy, draw: LesionDraw) -> MaskArray:
    """Return where a lesion may spread: tissue of its side; large cortical ones swallow the sulci between gyri."""
    reach = _REACH[draw.location].contains(draw.side * anatomy.mni_mm[0], anatomy.mni_mm)
    large = draw.voxels * anatomy.spacing_mm**3 / 1000 > _LARGE_CORTICAL_ML
    if draw.location == "cortical" and large:
        return reach & anatomy.brain & ~find_ventricles(anatomy)
    return reach & anatomy.brain & (anatomy.csf < 0.5)


def find_seeds(anatomy: Anatomy, draw: LesionDraw, territory: float) -> MaskArray:
    """Return where a lesion may begin; `territory` in [0, 1) decides if a cortical one is in the MCA territory."""
    lateral = draw.side * anatomy.mni_mm[0]
    seeds = _SEEDS[draw.location].contains(lateral, anatomy.mni_mm) & (anatomy.csf < 0.3)
    if draw.location == "cortical":
        low, high = _CORTICAL_DEPTH_MM
        seeds &= (anatomy.depth_mm >= low) & (anatomy.depth_mm <= high)
        if territory < _MCA_FRACTION:
            seeds &= _MCA_SEEDS.contains(lateral, anatomy.mni_mm)
    return np.asarray(seeds & anatomy.brain)
