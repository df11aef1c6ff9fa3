"""The average brain that every simulated brain is warped from: the MNI152 maps that nilearn ships."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache, lru_cache

import numpy as np
from nilearn import datasets
from scipy import ndimage

from autoseg.simulate.fields import FloatArray, Lengths

# Mean T1w intensity of the template where one tissue fills the voxel (fraction above 0.9).
TEMPLATE_CSF, TEMPLATE_GM, TEMPLATE_WM = 0.28, 0.65, 0.87


@dataclass(frozen=True, kw_only=True, slots=True)
class Template:
    """Maps of the MNI152 brain on a 1 mm RAS+ grid around it, smoothed for sampling at a coarser spacing.

    Attributes:
        brain: fraction of brain.
        gm: fraction of grey matter, as `wm` is of white.
        t1: T1w intensity, 0 to 1.
        origin_mm: MNI coordinate of the first voxel.
    """

    brain: FloatArray
    gm: FloatArray
    wm: FloatArray
    t1: FloatArray
    origin_mm: Lengths


# The four maps take 60 MB for each spacing.
@lru_cache(maxsize=4)
def load_template(spacing_mm: Lengths) -> Template:
    """Return the template's maps, low-passed so that sampling every `spacing_mm` does not alias."""
    maps, origin_mm = _load_maps()
    sigmas = [0.4 * max(spacing**2 - 1.0, 0.0) ** 0.5 for spacing in spacing_mm]
    brain, gm, wm, t1 = (ndimage.gaussian_filter(values, sigmas) for values in maps)
    return Template(brain=brain, gm=gm, wm=wm, t1=t1, origin_mm=origin_mm)


@cache
def _load_maps() -> tuple[tuple[FloatArray, ...], Lengths]:
    mask = datasets.load_mni152_brain_mask(resolution=1)
    filled = ndimage.binary_fill_holes(mask.get_fdata(dtype=np.float32) > 0.5)
    box = tuple(slice(max(axis.start - 3, 0), axis.stop + 3) for axis in ndimage.find_objects(filled.astype(int))[0])
    brain = filled[box].astype(np.float32)
    images = (
        datasets.load_mni152_gm_template(resolution=1),
        datasets.load_mni152_wm_template(resolution=1),
        datasets.load_mni152_template(resolution=1),
    )
    # Space on all sides: the template ends with the brain below.
    maps = tuple(np.pad(image.get_fdata(dtype=np.float32)[box] * brain, 3) for image in images)
    first = mask.affine[:3, 3] + [axis.start - 3 for axis in box]
    return (np.pad(brain, 3), *maps), (float(first[0]), float(first[1]), float(first[2]))
