"""From tissue to a T1w scan: a site's contrast, its coil, its noise and its arbitrary intensity scale."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import ndimage

from autoseg.simulate.anatomy import Anatomy
from autoseg.simulate.fields import FloatArray, build_smooth_field
from autoseg.simulate.template import TEMPLATE_CSF, TEMPLATE_GM, TEMPLATE_WM


@dataclass(frozen=True, kw_only=True, slots=True)
class Site:
    """A scanner and its protocol; intensities are relative to white matter.

    Attributes:
        gain: intensity of white matter in the stored file.
        texture: share of the template's own T1w intensities in the image, 0 to 1.
        bias: SD of the log of the coil's sensitivity.
        noise: SD of the noise in each of the two quadrature channels.
        blur_voxels: SD of the point spread.
    """

    csf: float
    gm: float
    gain: float
    texture: float
    bias: float
    noise: float
    blur_voxels: float


@dataclass(frozen=True, kw_only=True, slots=True)
class AppearancePlan:
    """The random parameters of one scan at a site.

    Attributes:
        parenchyma: SD of the smooth variation inside the tissues.
        rescale: factor on the site's gain.
    """

    site: Site
    parenchyma: float
    rescale: float
    field_seed: int


def sample_site(rng: np.random.Generator) -> Site:
    """Draw a site; gains span five orders of magnitude, as the native ATLAS scans do."""
    return Site(
        csf=float(rng.uniform(0.22, 0.38)),
        gm=float(rng.uniform(0.66, 0.80)),
        gain=float(10.0 ** rng.uniform(-1.0, 4.0)),
        texture=float(rng.uniform(0.25, 0.5)),
        bias=float(rng.uniform(0.03, 0.12)),
        noise=float(rng.uniform(0.015, 0.045)),
        blur_voxels=float(rng.uniform(0.0, 0.45)),
    )


def sample_appearance(rng: np.random.Generator, site: Site) -> AppearancePlan:
    """Draw what differs between two scans of one site."""
    return AppearancePlan(
        site=site,
        parenchyma=float(rng.uniform(0.01, 0.03)),
        rescale=float(rng.lognormal(0.0, 0.15)),
        field_seed=int(rng.integers(2**31)),
    )


def apply_appearance(plan: AppearancePlan, anatomy: Anatomy, loss: FloatArray) -> FloatArray:
    """Return the scan: 0 outside of the brain, positive inside.

    Args:
        loss: fraction of tissue replaced by fluid, of lesions and white-matter changes together.
    """
    site, shape, spacing_mm = plan.site, anatomy.brain.shape, anatomy.spacing_mm
    tissue = _intact_tissue(site, anatomy)
    tissue *= 1.0 + plan.parenchyma * build_smooth_field(shape, spacing_mm, 5.0, plan.field_seed)
    signal = np.minimum(tissue, site.csf) * loss + tissue * (1.0 - loss)
    if site.blur_voxels > 0:
        signal = _blur_inside(signal, anatomy, site.blur_voxels)
    signal *= np.exp(site.bias * build_smooth_field(shape, spacing_mm, 90.0, plan.field_seed + 1))
    rng = np.random.default_rng(plan.field_seed + 2)
    real, imaginary = site.noise * rng.standard_normal((2, *shape), np.float32)
    magnitude = np.hypot(signal + real, imaginary)
    scan: FloatArray = (site.gain * plan.rescale * magnitude * anatomy.brain).astype(np.float32)
    return scan


def _intact_tissue(site: Site, anatomy: Anatomy) -> FloatArray:
    mixed = site.csf * anatomy.csf + site.gm * anatomy.gm + anatomy.wm
    template_scale = (0.0, TEMPLATE_CSF, TEMPLATE_GM, TEMPLATE_WM, 1.0)
    site_scale = (0.5 * site.csf, site.csf, site.gm, 1.0, 1.15)
    texture = np.interp(anatomy.t1, template_scale, site_scale)
    tissue: FloatArray = ((1.0 - site.texture) * mixed + site.texture * texture).astype(np.float32)
    return tissue


def _blur_inside(signal: FloatArray, anatomy: Anatomy, sigma_voxels: float) -> FloatArray:
    """Blur without drawing the background into the brain's surface."""
    weight = ndimage.gaussian_filter(anatomy.brain.astype(np.float32), sigma_voxels)
    blurred = ndimage.gaussian_filter(signal * anatomy.brain, sigma_voxels)
    return (blurred / np.maximum(weight, 0.1)).astype(np.float32)
