"""One person's brain: the template under a random smooth warp, with its own sulcal width."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import ndimage

from autoseg.simulate.fields import FloatArray, MaskArray, build_smooth_field
from autoseg.simulate.template import Template

# The template's brain and room for the largest warp (scanner mm).
_FIELD_OF_VIEW_MM = ((-98.0, 98.0), (-138.0, 104.0), (-98.0, 108.0))


@dataclass(frozen=True, kw_only=True, slots=True)
class AnatomyPlan:
    """The random parameters of one brain.

    Attributes:
        linear: 3x3 matrix from scanner to template directions.
        displacement_mm: SD of the displacement at each of `displacement_lengths_mm`.
        sharpness: exponent on the tissue fractions; above 1 it undoes part of the template's averaging.
        atrophy: log-odds added to CSF: above 0 widens sulci and ventricles.
        margins_voxels: background kept before and after the brain on each axis.
    """

    linear: tuple[tuple[float, ...], ...]
    displacement_mm: tuple[float, ...]
    displacement_lengths_mm: tuple[float, ...]
    displacement_seed: int
    sharpness: float
    atrophy: float
    margins_voxels: tuple[tuple[int, int], ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class Anatomy:
    """One person's brain on a RAS+ grid of cubic voxels; fractions sum to 1 inside the brain.

    Attributes:
        t1: the template's T1w intensity, warped.
        mni_mm: (3, x, y, z), the template coordinate that each voxel came from.
        depth_mm: distance to the outside of the brain.
        origin_mm: scanner coordinate of the first voxel.
    """

    brain: MaskArray
    gm: FloatArray
    wm: FloatArray
    csf: FloatArray
    t1: FloatArray
    mni_mm: FloatArray
    depth_mm: FloatArray
    origin_mm: tuple[float, float, float]
    spacing_mm: float


def sample_anatomy(rng: np.random.Generator) -> AnatomyPlan:
    """Draw a brain: size (SD 4 % per axis), shear, folding, sulcal width and field of view."""
    linear = np.diag(np.exp(rng.normal(0.0, 0.04, 3).clip(-0.08, 0.08))) + np.triu(rng.normal(0.0, 0.02, (3, 3)), 1)
    return AnatomyPlan(
        linear=tuple(tuple(row) for row in linear.tolist()),
        displacement_mm=(float(rng.uniform(2.0, 3.5)), float(rng.uniform(0.8, 1.6))),
        displacement_lengths_mm=(45.0, 16.0),
        displacement_seed=int(rng.integers(2**31)),
        sharpness=float(rng.uniform(1.4, 2.2)),
        atrophy=float(rng.normal(0.5, 0.5)),
        margins_voxels=tuple((int(before), int(after)) for before, after in rng.integers(2, 8, (3, 2))),
    )


def apply_anatomy(plan: AnatomyPlan, template: Template, spacing_mm: float) -> Anatomy:
    """Warp the template with the drawn parameters and crop it to the brain and its margins."""
    origin = np.array([low for low, _ in _FIELD_OF_VIEW_MM])
    shape = tuple(int((high - low) / spacing_mm) for low, high in _FIELD_OF_VIEW_MM)
    mni_mm = _warped_coordinates(plan, shape, spacing_mm, origin)
    first_voxel = np.array(template.origin_mm, np.float32)[:, None, None, None]
    sampling = mni_mm - first_voxel
    fraction = ndimage.map_coordinates(template.maps[0], sampling, order=1)
    box = _box_around(fraction > 0.5, plan.margins_voxels)
    crop = (slice(None), *box)
    warped = [ndimage.map_coordinates(tissue, sampling[crop], order=1) for tissue in template.maps[1:]]
    brain = ndimage.binary_fill_holes(fraction[box] > 0.5)
    gm, wm, csf = _individual_fractions(plan, brain, warped[0], warped[1])
    start = origin + spacing_mm * np.array([axis.start for axis in box])
    return Anatomy(
        brain=brain,
        gm=gm,
        wm=wm,
        csf=csf,
        t1=(warped[2] / np.maximum(fraction[box], 0.5)).astype(np.float32),
        mni_mm=mni_mm[crop],
        depth_mm=(ndimage.distance_transform_edt(brain) * spacing_mm).astype(np.float32),
        origin_mm=(float(start[0]), float(start[1]), float(start[2])),
        spacing_mm=spacing_mm,
    )


def _warped_coordinates(
    plan: AnatomyPlan,
    shape: tuple[int, ...],
    spacing_mm: float,
    origin_mm: np.ndarray[tuple[int], np.dtype[np.float64]],
) -> FloatArray:
    axes = [
        (low + spacing_mm * np.arange(count)).astype(np.float32) for low, count in zip(origin_mm, shape, strict=True)
    ]
    scanner_mm = np.stack(np.meshgrid(*axes, indexing="ij"))
    warped: FloatArray = np.einsum("ij,jxyz->ixyz", np.array(plan.linear, np.float32), scanner_mm, optimize=True)
    for scale, (amplitude_mm, length_mm) in enumerate(
        zip(plan.displacement_mm, plan.displacement_lengths_mm, strict=True)
    ):
        for axis in range(3):
            seed = plan.displacement_seed + 3 * scale + axis
            warped[axis] += amplitude_mm * build_smooth_field(shape, spacing_mm, length_mm, seed)
    return warped


def _box_around(mask: MaskArray, margins: tuple[tuple[int, int], ...]) -> tuple[slice, ...]:
    (box,) = ndimage.find_objects(mask.astype(np.int8))
    return tuple(
        slice(max(axis.start - before, 0), min(axis.stop + after, length))
        for axis, (before, after), length in zip(box, margins, mask.shape, strict=True)
    )


def _individual_fractions(
    plan: AnatomyPlan, brain: MaskArray, gm: FloatArray, wm: FloatArray
) -> tuple[FloatArray, FloatArray, FloatArray]:
    csf = np.clip(1.0 - gm - wm, 0.0, 1.0)
    powers = [np.clip(tissue, 0.0, 1.0) ** plan.sharpness for tissue in (gm, wm, csf)]
    powers[2] *= np.exp(plan.atrophy)
    share = brain / np.maximum(sum(powers), 1e-6)
    gm, wm, csf = (np.asarray(power * share, np.float32) for power in powers)
    return gm, wm, csf
