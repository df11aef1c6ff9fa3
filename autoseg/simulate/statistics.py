"""How large, how many and where: stroke lesion statistics of ATLAS, and lesions drawn from them.

Volumes and component counts were computed from the ATLAS R2.0 training cases and R2.1 (Liew 2022); sizes by location
from the 181 lesions of Ito 2019.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

import numpy as np

Location = Literal["subcortical", "cortical", "cerebellar", "brainstem"]

# Native-space volumes; the MNI152 brain that the simulation starts from is larger.
_NATIVE_TO_TEMPLATE = 1.28
_VOLUME_PROBABILITIES = (0.0, 0.05, 0.10, 0.25, 0.50, 0.75, 0.90, 0.95, 1.0)
_VOLUME_QUANTILES_ML = (0.010, 0.121, 0.291, 0.895, 3.78, 26.4, 78.4, 118.5, 387.6)

# Mean number of components of a case up to this volume.
_COMPONENTS_BY_VOLUME_ML = ((0.1, 1.0), (1.0, 1.7), (5.0, 2.9), (10.0, 3.4), (20.0, 3.1), (50.0, 2.7), (100.0, 3.6))
_COMPONENTS_ABOVE = 1.7
_MOST_COMPONENTS = 8

# Share of the largest component, in cases with several.
_SHARE_PROBABILITIES = (0.0, 0.05, 0.25, 0.50, 0.75, 1.0)
_SHARE_QUANTILES = (0.35, 0.41, 0.61, 0.85, 0.99, 0.995)

_LEFT_FRACTION = 0.48
_OTHER_SIDE_FRACTION = 0.25


@dataclass(frozen=True, kw_only=True, slots=True)
class _LocationStatistics:
    """How often a lesion lies somewhere, its volumes as a log-normal, and the most that fits there."""

    location: Location
    frequency: float
    median_ml: float
    log_sd: float
    most_ml: float


# The SD of the cortical volumes is widened from 0.68, so that small cortical infarcts occur as well.
_LOCATIONS = (
    _LocationStatistics(location="subcortical", frequency=0.58, median_ml=4.06, log_sd=1.44, most_ml=60.0),
    _LocationStatistics(location="cortical", frequency=0.30, median_ml=56.4, log_sd=1.2, most_ml=np.inf),
    _LocationStatistics(location="cerebellar", frequency=0.07, median_ml=0.92, log_sd=1.42, most_ml=25.0),
    _LocationStatistics(location="brainstem", frequency=0.05, median_ml=0.58, log_sd=1.9, most_ml=3.0),
)


@dataclass(frozen=True, kw_only=True, slots=True)
class LesionDraw:
    """One lesion to be grown: how many voxels, and where (side: -1 left, 1 right)."""

    voxels: int
    location: Location
    side: int


def sample_voxels(rng: np.random.Generator, min_ml: float, max_ml: float, voxel_ml: float) -> int:
    """Draw a case's total lesion volume from the ATLAS distribution cut to [min_ml, max_ml], as a number of voxels.

    Where no whole number of voxels lies in the range, the next larger one is taken.
    """
    log_ml = np.log(np.array(_VOLUME_QUANTILES_ML) * _NATIVE_TO_TEMPLATE)
    low, high = np.interp(np.log([min_ml, max_ml]), log_ml, _VOLUME_PROBABILITIES)
    volume_ml = np.exp(np.interp(rng.uniform(low, high), _VOLUME_PROBABILITIES, log_ml))
    fewest, most = math.ceil(min_ml / voxel_ml), math.floor(max_ml / voxel_ml)
    return max(fewest, min(round(float(volume_ml) / voxel_ml), most))


def sample_lesions(rng: np.random.Generator, voxels: int, voxel_ml: float) -> tuple[LesionDraw, ...]:
    """Share a case's voxels out to one main lesion and perhaps a few more, the main one first."""
    main_side = -1 if rng.uniform() < _LEFT_FRACTION else 1
    draws = []
    for rank, part in enumerate(_sample_parts(rng, voxels, voxel_ml)):
        other = rank > 0 and rng.uniform() < _OTHER_SIDE_FRACTION
        location = _sample_location(rng, part * voxel_ml)
        draws.append(LesionDraw(voxels=part, location=location, side=-main_side if other else main_side))
    return tuple(draws)


def _sample_parts(rng: np.random.Generator, total: int, voxel_ml: float) -> list[int]:
    mean = next((count for limit, count in _COMPONENTS_BY_VOLUME_ML if total * voxel_ml < limit), _COMPONENTS_ABOVE)
    count = min(int(rng.geometric(1.0 / mean)), _MOST_COMPONENTS)
    share = np.interp(rng.uniform(), _SHARE_PROBABILITIES, _SHARE_QUANTILES)
    weights = rng.lognormal(0.0, 1.0, _MOST_COMPONENTS - 1)[: count - 1]
    if count == 1:
        return [total]
    rest = np.floor((1.0 - share) * total * weights / weights.sum()).astype(int)
    others = [int(part) for part in rest if part > 0]
    return sorted([total - sum(others), *others], reverse=True)


def _sample_location(rng: np.random.Generator, volume_ml: float) -> Location:
    """Draw a location given the volume, by Bayes' rule on each location's frequency and volumes."""
    weights = np.array([_location_weight(entry, volume_ml) for entry in _LOCATIONS])
    return _LOCATIONS[int(rng.choice(len(_LOCATIONS), p=weights / weights.sum()))].location


def _location_weight(entry: _LocationStatistics, volume_ml: float) -> float:
    if volume_ml > entry.most_ml:
        return 0.0
    deviation = (np.log(volume_ml) - np.log(entry.median_ml)) / entry.log_sd
    return float(entry.frequency * np.exp(-0.5 * deviation**2) / entry.log_sd)
