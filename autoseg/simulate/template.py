"""The average brain that every simulated brain is warped from: the MNI152 maps that nilearn ships."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import numpy as np
from nilearn import datasets
from scipy import ndimage

from autoseg.simulate.fields import FloatArray

# Mean T1w intensity of the template where one tissue fills the voxel (fraction above 0.9).
TEMPLATE_CSF, TEMPLATE_GM, TEMPLATE_WM = 0.28, 0.65, 0.87


@dataclass(frozen=True, kw_only=True, slots=True)
class Template:
    """Maps of the MNI152 brain on a 1 mm RAS+ grid, smoothed for sampling at a coarser spacing.

    Attributes:
        maps: (map, x, y, z), the fractions of brain, grey matter and white matter, and the T1w intensity (0 to 1).
        origin_mm: MNI coordinate of the first voxel.
    """

    maps: FloatArray
    origin_mm: tuple[float, float, float]


@cache
def load_template(spacing_mm: float) -> Template:
    """Return the template's maps, low-passed so that sampling every `spacing_mm` does not alias."""
    images = (
        datasets.load_mni152_brain_mask(resolution=1),
        datasets.load_mni152_gm_template(resolution=1),
        datasets.load_mni152_wm_template(resolution=1),
        datasets.load_mni152_template(resolution=1),
    )
    brain = images[0].get_fdata(dtype=np.float32)
    sigma_voxels = 0.4 * np.sqrt(max(spacing_mm**2 - 1.0, 0.0))
    maps = [ndimage.gaussian_filter(image.get_fdata(dtype=np.float32) * brain, sigma_voxels) for image in images]
    x, y, z = (float(value) for value in images[0].affine[:3, 3])
    return Template(maps=np.stack(maps), origin_mm=(x, y, z))
