"""One simulated case, a pure function of the seed, the case's number and the options."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from autoseg.simulate.anatomy import Anatomy, apply_anatomy, sample_anatomy
from autoseg.simulate.appearance import Site, apply_appearance, sample_appearance, sample_site
from autoseg.simulate.distractors import apply_distractors, sample_distractors
from autoseg.simulate.fields import FloatArray, MaskArray
from autoseg.simulate.lesions import apply_lesion_plans, sample_lesion_plans
from autoseg.simulate.records import SimulatedCase, SimulationOptions
from autoseg.simulate.statistics import sample_voxels
from autoseg.simulate.template import load_template

SITES = 10
# Independent random streams of one seed.
_TRAINING_STREAM, _HELD_OUT_STREAM, _SITE_STREAM = 0, 1, 2


@dataclass(frozen=True, kw_only=True, slots=True)
class SimulatedScan:
    """One case's volumes on the grid they are stored on, and what is known of it.

    Attributes:
        image: T1w intensities, 0 outside of the brain.
        label: 1 on the lesions.
        distractors: unlabelled hypointense white matter.
        affine: voxel to RAS+ mm.
    """

    image: FloatArray
    label: NDArray[np.uint8]
    distractors: MaskArray
    affine: NDArray[np.float64]
    record: SimulatedCase


def simulate_scan(number: int, options: SimulationOptions, *, held_out: bool = False) -> SimulatedScan:
    """Make case `number` (from 1); it does not depend on how many cases there are."""
    stream = _HELD_OUT_STREAM if held_out else _TRAINING_STREAM
    rng = np.random.default_rng([options.seed, stream, number])
    site_index = int(rng.integers(SITES))
    flipped = bool(rng.integers(2))
    anatomy = apply_anatomy(sample_anatomy(rng), load_template(options.spacing_mm), options.spacing_mm)
    voxel_ml = options.spacing_mm**3 / 1000
    voxels = sample_voxels(rng, options.min_lesion_ml, options.max_lesion_ml, voxel_ml)
    plans = sample_lesion_plans(rng, voxels, voxel_ml)
    lesions = apply_lesion_plans(plans, anatomy)
    changes = apply_distractors(sample_distractors(rng), anatomy, lesions.mask)
    loss = np.asarray(1.0 - (1.0 - lesions.loss) * (1.0 - changes), np.float32)
    image = apply_appearance(sample_appearance(rng, _site(options.seed, site_index)), anatomy, loss)
    record = SimulatedCase(
        name=f"sim_test_{number:04d}" if held_out else f"sim_{number:04d}",
        volume_ml=round(float(lesions.mask.sum()) * voxel_ml, 6),
        contrast_to_noise=round(_contrast_to_noise(image, lesions.mask, anatomy), 4),
        location=plans[0].draw.location,
        lesions=len(plans),
        site=f"site_{site_index + 1:02d}",
        orientation="LAS" if flipped else "RAS",
        held_out=held_out,
    )
    return _stored(image, lesions.mask, changes > 0, anatomy, record)


def _stored(
    image: FloatArray, lesion: MaskArray, distractors: MaskArray, anatomy: Anatomy, record: SimulatedCase
) -> SimulatedScan:
    flipped = record.orientation == "LAS"
    order = slice(None, None, -1) if flipped else slice(None)
    return SimulatedScan(
        image=image[order],
        label=lesion[order].astype(np.uint8),
        distractors=distractors[order],
        affine=_affine(anatomy, flipped),
        record=record,
    )


def _site(seed: int, index: int) -> Site:
    return sample_site(np.random.default_rng([seed, _SITE_STREAM, index]))


def _affine(anatomy: Anatomy, flipped: bool) -> NDArray[np.float64]:
    affine = np.diag([anatomy.spacing_mm] * 3 + [1.0])
    affine[:3, 3] = anatomy.origin_mm
    if flipped:
        affine[0, 3] += anatomy.spacing_mm * (anatomy.brain.shape[0] - 1)
        affine[0, 0] = -anatomy.spacing_mm
    return affine


def _contrast_to_noise(image: FloatArray, lesion: MaskArray, anatomy: Anatomy) -> float:
    near = ndimage.binary_dilation(lesion, iterations=1)
    shell = ndimage.binary_dilation(near, iterations=2) & ~near & anatomy.brain & (anatomy.csf < 0.5)
    tissue = image[shell].astype(np.float64)
    return float((tissue.mean() - image[lesion].astype(np.float64).mean()) / tissue.std())
