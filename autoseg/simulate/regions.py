"""Regions where each kind of lesion may begin and how far it may spread, in MNI coordinates."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import ndimage

from autoseg.simulate.anatomy import Anatomy
from autoseg.simulate.fields import FloatArray, MaskArray
from autoseg.simulate.lesion_statistics import LesionDraw, Location


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
# A satellite begins this far outside of the main lesion.
_SATELLITE_MM = (4.0, 25.0)

_REACH: dict[Location, _Box] = {
    "subcortical": _Box(lateral=(2, 90), y=(-110, 80), z=(-16, 90)),
    "cortical": _Box(lateral=(2, 90), y=(-110, 80), z=(-30, 90)),
    "cerebellar": _Box(lateral=(1, 54), y=(-100, -38), z=(-75, -24)),
    "brainstem": _Box(lateral=(-3, 18), y=(-44, -12), z=(-75, -10)),
}
_VENTRICLES = _Box(lateral=(-26, 26), y=(-50, 40), z=(-12, 36))
_VENTRICLES_AND_WALL = _Box(lateral=(-40, 40), y=(-66, 56), z=(-26, 52))


@dataclass(frozen=True, kw_only=True, slots=True)
class Ball:
    """A place in MNI mm and a distance from it."""

    centre_mm: tuple[float, float, float]
    radius_mm: float

    def distance_mm(self, mni_mm: FloatArray) -> FloatArray:
        """Return each voxel's distance from the surface: negative inside."""
        offsets = mni_mm - np.array(self.centre_mm, np.float32)[:, None, None, None]
        distance: FloatArray = np.sqrt(np.einsum("ixyz,ixyz->xyz", offsets, offsets)) - np.float32(self.radius_mm)
        return distance


def find_ventricles(anatomy: Anatomy) -> MaskArray:
    """Return the mask of the CSF around the midline: lateral and third ventricles."""
    return (anatomy.csf > 0.5) & _VENTRICLES.contains(anatomy.mni_mm[0], anatomy.mni_mm)


def ventricle_distance_mm(anatomy: Anatomy) -> FloatArray:
    """Return each voxel's distance to the ventricles; infinite far from them."""
    distance = np.full(anatomy.brain.shape, np.inf, np.float32)
    coarse = tuple(slice(None, None, step) for step in anatomy.voxels_apart(4.0))
    mni_mm = anatomy.mni_mm[(slice(None), *coarse)]
    found = ndimage.find_objects(_VENTRICLES_AND_WALL.contains(mni_mm[0], mni_mm).astype(int))
    if not found:
        return distance
    box = tuple(
        slice(axis.start * step.step, axis.stop * step.step) for axis, step in zip(found[0], coarse, strict=True)
    )
    ventricles = find_ventricles(anatomy.view(box))
    if ventricles.any():
        distance[box] = ndimage.distance_transform_edt(~ventricles, sampling=anatomy.spacing_mm)
    return distance


def find_domain(anatomy: Anatomy, draw: LesionDraw) -> MaskArray:
    """Return where a lesion may spread: tissue of its side; large cortical ones swallow the sulci between gyri."""
    reach = _REACH[draw.location].contains(draw.side * anatomy.mni_mm[0], anatomy.mni_mm)
    large = draw.voxels * anatomy.voxel_ml() > _LARGE_CORTICAL_ML
    if draw.location == "cortical" and large:
        return reach & anatomy.brain & ~find_ventricles(anatomy)
    return reach & anatomy.brain & (anatomy.csf < 0.5)


def find_seeds(anatomy: Anatomy, draw: LesionDraw, territory: float, main: Ball | None) -> MaskArray:
    """Return where a lesion may begin.

    Args:
        territory: in [0, 1); decides if a cortical one is in the territory of the middle cerebral artery.
        main: the main lesion, for its satellites.
    """
    tissue = anatomy.brain & (anatomy.csf < 0.3)
    if main is not None and draw.satellite:
        distance_mm = main.distance_mm(anatomy.mni_mm)
        return tissue & (distance_mm >= _SATELLITE_MM[0]) & (distance_mm <= _SATELLITE_MM[1])
    lateral = draw.side * anatomy.mni_mm[0]
    seeds = _SEEDS[draw.location].contains(lateral, anatomy.mni_mm) & tissue
    if draw.location == "cortical":
        low, high = _CORTICAL_DEPTH_MM
        depth_mm = ndimage.distance_transform_edt(anatomy.brain, sampling=anatomy.spacing_mm)
        seeds &= (depth_mm >= low) & (depth_mm <= high)
        if territory < _MCA_FRACTION:
            seeds &= _MCA_SEEDS.contains(lateral, anatomy.mni_mm)
    return np.asarray(seeds)


def locate(lesion: MaskArray, anatomy: Anatomy) -> Location:
    """Return the kind of place that most of a lesion lies in."""
    middle_mm = anatomy.mni_mm[:, lesion].mean(axis=1)
    for location in ("brainstem", "cerebellar"):
        if _REACH[location].contains(np.abs(middle_mm[0]), middle_mm).all():
            return location
    every = tuple(slice(None, None, step) for step in anatomy.voxels_apart(2.0))
    depth_mm = ndimage.distance_transform_edt(anatomy.brain[every], sampling=anatomy.view(every).spacing_mm)
    inside = depth_mm[lesion[every]]
    near_surface = (inside < _CORTICAL_DEPTH_MM[1]).mean() if inside.size else 0.0
    return "cortical" if near_surface > 0.4 else "subcortical"
