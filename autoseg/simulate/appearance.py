"""Rendering of a scan from tissue: a site's contrast, its coil, its noise and its arbitrary intensity scale."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from autoseg.simulate.anatomy import WARP_EXTENT_MM, Anatomy
from autoseg.simulate.fields import Axes, FloatArray, MaskArray, build_smooth_field
from autoseg.simulate.sites import Contrast, Site
from autoseg.simulate.template import TEMPLATE_CSF, TEMPLATE_GM, TEMPLATE_WM

# Fractions of tissue lost between which a scar turns into a cavity.
_SCAR_LOSS, _CAVITY_LOSS = 0.5, 0.9
# Vessels and remains of the meninges are seen this far into the brain's surface.
_MENINGES_MM = 2.0


@dataclass(frozen=True, kw_only=True, slots=True)
class AppearancePlan:
    """The random parameters of one scan at a site.

    Attributes:
        parenchyma: SD of the smooth variation inside the tissues.
        rescale: factor on the site's gain.
    """

    parenchyma: float
    rescale: float
    field_seed: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Subject:
    """Subject of a scan: tissue, lost tissue and head.

    Attributes:
        loss: fraction of tissue replaced by scar or fluid, of lesions and white-matter changes together.
        head: what surrounds the brain; None for a skull-stripped scan.
    """

    anatomy: Anatomy
    loss: FloatArray
    head: NDArray[np.uint8] | None


def sample_appearance(rng: np.random.Generator) -> AppearancePlan:
    """Draw what differs between two scans of one site."""
    return AppearancePlan(
        parenchyma=float(rng.uniform(0.01, 0.03)),
        rescale=float(rng.lognormal(0.0, 0.15)),
        field_seed=int(rng.integers(2**31)),
    )


def apply_appearance(plan: AppearancePlan, site: Site, channel: int, subject: Subject) -> FloatArray:
    """Return one channel of the scan: 0 outside of the brain, positive inside; with a head, positive everywhere.

    Args:
        channel: 0 for T1w, 1 for FLAIR.
    """
    contrast, anatomy = site.channels[channel], subject.anatomy
    brain, seed = anatomy.brain, plan.field_seed + 10 * channel
    signal = np.zeros(brain.shape, np.float32)
    signal[brain] = _brain_signal(plan, contrast, subject, seed)
    if subject.head is not None:
        levels = np.array(contrast.outside, np.float32)
        signal[~brain] = levels[subject.head[~brain]]
        signal = _textured(signal, brain, anatomy.axes_mm(), seed + 1)
        signal = ndimage.gaussian_filter(signal, max(contrast.blur_voxels, 0.35), truncate=3.0)
    elif contrast.blur_voxels > 0:
        signal = _blur_inside(signal, brain, contrast.blur_voxels)
    coil = build_smooth_field(_scanner_axes(anatomy), 90.0, site.coil_seed, WARP_EXTENT_MM)
    load = build_smooth_field(_scanner_axes(anatomy), 90.0, seed + 2, WARP_EXTENT_MM)
    signal *= np.exp(contrast.bias * (0.8 * coil + 0.6 * load))
    shown = brain if subject.head is None else np.ones_like(brain)
    real, imaginary = contrast.noise * np.random.default_rng(seed + 3).standard_normal(
        (2, int(shown.sum())), np.float32
    )
    scan = np.zeros(brain.shape, np.float32)
    scan[shown] = contrast.gain * plan.rescale * np.hypot(signal[shown] + real, imaginary)
    return scan


def _brain_signal(plan: AppearancePlan, contrast: Contrast, subject: Subject, seed: int) -> FloatArray:
    """Return the intensities of the brain's voxels, in their order."""
    anatomy = subject.anatomy
    inside = anatomy.brain
    tissue = _intact_tissue(contrast, anatomy)
    waves = build_smooth_field(anatomy.axes_mm(), 5.0, seed)[inside]
    tissue *= 1.0 + plan.parenchyma * waves
    loss = subject.loss[inside]
    fluid = ((loss - _SCAR_LOSS) / (_CAVITY_LOSS - _SCAR_LOSS)).clip(0.0, 1.0)
    rest = np.minimum(tissue, contrast.csf) * fluid + contrast.scar * (1.0 - fluid)
    if contrast.scar <= contrast.csf:
        rest = np.minimum(tissue, rest)
    tissue += (contrast.vessels - tissue) * _vessel_share(contrast, anatomy, waves) * (loss == 0)
    signal: FloatArray = rest * loss + tissue * (1.0 - loss)
    return signal


def _vessel_share(contrast: Contrast, anatomy: Anatomy, waves: FloatArray) -> FloatArray:
    """Return how much of each voxel of the brain is a vessel or a remnant of the meninges: patches of its surface."""
    inside = anatomy.brain
    widths = [2 * steps + 1 for steps in anatomy.voxels_apart(_MENINGES_MM)]
    deep = ndimage.minimum_filter(inside.view(np.uint8), widths)[inside]
    share: FloatArray = (1.2 * (waves - contrast.vessel_level)).clip(0.0, 1.0) * (deep == 0)
    return share


def _intact_tissue(contrast: Contrast, anatomy: Anatomy) -> FloatArray:
    inside = anatomy.brain
    mixed = contrast.csf * anatomy.csf[inside] + contrast.gm * anatomy.gm[inside] + anatomy.wm[inside]
    if contrast.texture == 0:
        return mixed
    template_scale = (0.0, TEMPLATE_CSF, TEMPLATE_GM, TEMPLATE_WM, 1.0)
    site_scale = (0.5 * contrast.csf, contrast.csf, contrast.gm, 1.0, 1.15)
    texture = np.interp(anatomy.t1[inside], template_scale, site_scale)
    tissue: FloatArray = ((1.0 - contrast.texture) * mixed + contrast.texture * texture).astype(np.float32)
    return tissue


def _textured(signal: FloatArray, brain: MaskArray, axes_mm: Axes, seed: int) -> FloatArray:
    grain = build_smooth_field(axes_mm, 4.0, seed)
    return np.where(brain, signal, signal * (1.0 + 0.12 * grain)).astype(np.float32)


def _blur_inside(signal: FloatArray, brain: MaskArray, sigma_voxels: float) -> FloatArray:
    """Blur without drawing the background into the brain's surface."""
    weight = ndimage.gaussian_filter(brain.astype(np.float32), sigma_voxels, truncate=3.0)
    blurred = ndimage.gaussian_filter(signal, sigma_voxels, truncate=3.0)
    return (blurred / np.maximum(weight, 0.1)).astype(np.float32)


def _scanner_axes(anatomy: Anatomy) -> Axes:
    x, y, z = (axis + origin for axis, origin in zip(anatomy.axes_mm(), anatomy.origin_mm, strict=True))
    return (x, y, z)
