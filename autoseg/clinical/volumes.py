"""Lesion volumes over cases: percentiles, and how many cases fall into each bin of volume."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

# Borders of the bins in ml, as lesion volumes of ATLAS are told; a volume on a border falls into the bin above.
BORDERS_ML = (0.1, 1.0, 5.0, 10.0, 20.0, 50.0, 100.0)
PERCENTILES = (5, 25, 50, 75, 95)


@dataclass(frozen=True, kw_only=True, slots=True)
class VolumeDistribution:
    """The volumes of a set of cases, in ml.

    Attributes:
        empty: cases without a lesion, which are in no other figure.
        percentiles: by their number.
        bins: numbers of cases in the bins between `BORDERS_ML`, from the smallest.
    """

    cases: int
    empty: int
    mean: float
    smallest: float
    largest: float
    percentiles: dict[int, float]
    bins: tuple[int, ...]


def measure_volumes(volumes_ml: Sequence[float]) -> VolumeDistribution | None:
    """Describe volumes; None where no case has a lesion.

    Percentiles are interpolated linearly between the cases.
    """
    found = np.array([volume for volume in volumes_ml if volume > 0], dtype=np.float64)
    if not len(found):
        return None
    places = np.searchsorted(BORDERS_ML, found, side="right")
    return VolumeDistribution(
        cases=len(found),
        empty=len(volumes_ml) - len(found),
        mean=float(found.mean()),
        smallest=float(found.min()),
        largest=float(found.max()),
        percentiles={part: float(np.percentile(found, part)) for part in PERCENTILES},
        bins=tuple(int(count) for count in np.bincount(places, minlength=len(BORDERS_ML) + 1)),
    )


def name_bins() -> tuple[str, ...]:
    """Return the bins in words: `<0.1`, `0.1-1`, ..., `>=100`."""
    between = (f"{low:g}-{high:g}" for low, high in pairwise(BORDERS_ML))
    return (f"<{BORDERS_ML[0]:g}", *between, f">={BORDERS_ML[-1]:g}")
