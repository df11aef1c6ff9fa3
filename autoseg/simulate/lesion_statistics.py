"""Size, number and location of lesions: stroke lesion statistics of ATLAS, and lesions drawn from them.

Volumes were computed from the ATLAS R2.0 training cases, numbers and shares of components from R2.1 (Liew 2022), sizes
by location from the 181 lesions of Ito 2019.
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

# Mean number of components (26 neighbours) of a case up to this volume.
_COMPONENTS_BY_VOLUME_ML = ((0.1, 1.0), (1.0, 1.7), (5.0, 2.9), (10.0, 3.4), (20.0, 3.1), (50.0, 2.7), (100.0, 3.6))
_COMPONENTS_ABOVE = 1.7
_MOST_COMPONENTS = 38
# Mean number in the cases that have several: (2.58 - 0.466) / 0.534. With it the means above give 46 % single ones.
_COMPONENTS_IF_SEVERAL = 3.96

# Share of the largest component, in cases with several.
_SHARE_PROBABILITIES = (0.0, 0.05, 0.25, 0.50, 0.75, 1.0)
_SHARE_QUANTILES = (0.34, 0.41, 0.61, 0.85, 0.99, 0.998)
# The other components' sizes are log-uniform over 5 to 1000 voxels of 1 mm.
_SIZE_RATIO = 200.0

_LEFT_FRACTION = 0.55
# Half of the further components lie near the main one, the others anywhere on either side: 26 % of cases are bilateral.
_SATELLITE_FRACTION = 0.5


@dataclass(frozen=True, kw_only=True, slots=True)
class _LocationStatistics:
    """Statistics of main lesions at one location: a weight, log-normal volumes, and the most that fits there.

    The weights make main lesions of the volumes above subcortical, cortical, cerebellar and brainstem in the
    proportions 107 : 53 : 12 : 9.
    """

    location: Location
    weight: float
    median_ml: float
    log_sd: float
    most_ml: float


# The SD of the cortical volumes is widened from 0.68, so that small cortical infarcts occur as well.
_LOCATIONS = (
    _LocationStatistics(location="subcortical", weight=0.565, median_ml=4.06, log_sd=1.44, most_ml=60.0),
    _LocationStatistics(location="cortical", weight=0.367, median_ml=56.4, log_sd=1.2, most_ml=np.inf),
    _LocationStatistics(location="cerebellar", weight=0.042, median_ml=0.92, log_sd=1.42, most_ml=25.0),
    _LocationStatistics(location="brainstem", weight=0.026, median_ml=0.58, log_sd=1.9, most_ml=3.0),
)


@dataclass(frozen=True, kw_only=True, slots=True)
class LesionDraw:
    """One component to be grown.

    Attributes:
        voxels: how many, once drawn by hand.
        side: -1 left, 1 right.
        satellite: whether it lies near the main lesion, in the same kind of place.
    """

    voxels: int
    location: Location
    side: int
    satellite: bool = False


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
    side = -1 if rng.uniform() < _LEFT_FRACTION else 1
    main, *others = _sample_parts(rng, voxels, voxel_ml)
    location = _sample_location(rng, main * voxel_ml)
    draws = [LesionDraw(voxels=main, location=location, side=side)]
    for part in others:
        if rng.uniform() < _SATELLITE_FRACTION:
            draws.append(LesionDraw(voxels=part, location=location, side=side, satellite=True))
        else:
            elsewhere = _sample_location(rng, part * voxel_ml)
            draws.append(LesionDraw(voxels=part, location=elsewhere, side=-1 if rng.uniform() < 0.5 else 1))
    return tuple(draws)


def _sample_parts(rng: np.random.Generator, total: int, voxel_ml: float) -> list[int]:
    """Return the components' voxels, the largest first; fewer components where voxels are too few for all."""
    count = min(_sample_count(rng, total * voxel_ml), total)
    if count == 1:
        return [total]
    main = min(math.ceil(_sample_share(rng, count) * total), total - count + 1)
    weights = _SIZE_RATIO ** rng.uniform(size=count - 1)
    # None of the others may be larger than the main one: what is too much goes to those that have space.
    rest = np.ones(count - 1, int)
    left = total - main - (count - 1)
    while left > 0:
        space = np.maximum(main - rest, 0)
        if not space.any():
            return _largest_first(main + left, rest)
        wanted = weights * (space > 0) / (weights * (space > 0)).sum() * left
        given = np.minimum(np.maximum(np.floor(wanted).astype(int), np.arange(count - 1) == np.argmax(wanted)), space)
        rest += given
        left -= int(given.sum())
    return _largest_first(main, rest)


def _largest_first(main: int, rest: np.ndarray[tuple[int], np.dtype[np.int_]]) -> list[int]:
    return [main, *sorted((int(part) for part in rest), reverse=True)]


def _sample_count(rng: np.random.Generator, volume_ml: float) -> int:
    """Draw the number of components: 1, or 2 and more in geometric proportion."""
    native_ml = volume_ml / _NATIVE_TO_TEMPLATE
    mean = next((count for limit, count in _COMPONENTS_BY_VOLUME_ML if native_ml < limit), _COMPONENTS_ABOVE)
    single = (_COMPONENTS_IF_SEVERAL - mean) / (_COMPONENTS_IF_SEVERAL - 1.0)
    several = 1 + int(rng.geometric(1.0 / (_COMPONENTS_IF_SEVERAL - 1.0)))
    return 1 if rng.uniform() < single else min(several, _MOST_COMPONENTS)


def _sample_share(rng: np.random.Generator, count: int) -> float:
    """Draw the share of the largest of several components.

    Of two, the larger has at least half; shares below a half go to cases with more components, as many as make the
    distribution over all cases that of the table.
    """
    half = float(np.interp(0.5, _SHARE_QUANTILES, _SHARE_PROBABILITIES))
    more_than_two = 1.0 - 1.0 / (_COMPONENTS_IF_SEVERAL - 1.0)
    below = count > 2 and rng.uniform() < half / more_than_two
    rank = rng.uniform(0.0, half) if below else rng.uniform(half, 1.0)
    return float(np.interp(rank, _SHARE_PROBABILITIES, _SHARE_QUANTILES))


def _sample_location(rng: np.random.Generator, volume_ml: float) -> Location:
    """Draw a location given the volume, by Bayes' rule on each location's weight and volumes."""
    weights = np.array([_location_weight(entry, volume_ml) for entry in _LOCATIONS])
    return _LOCATIONS[int(rng.choice(len(_LOCATIONS), p=weights / weights.sum()))].location


def _location_weight(entry: _LocationStatistics, volume_ml: float) -> float:
    if volume_ml > entry.most_ml:
        return 0.0
    deviation = (np.log(volume_ml) - np.log(entry.median_ml)) / entry.log_sd
    return float(entry.weight * np.exp(-0.5 * deviation**2) / entry.log_sd)
