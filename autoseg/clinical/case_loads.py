"""Lesion loads of a case: those of its mask and of its reference on every region, and what makes them doubtful."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np

from autoseg.clinical.agreement import Agreement, measure_agreement
from autoseg.clinical.lesion_files import Lesion
from autoseg.clinical.loads import RegionLoad, measure_load
from autoseg.clinical.regions import Region
from autoseg.clinical.same_space import find_doubts, refuse_apart
from dataset_fingerprints.errors import DataError

LESION = "lesion ml"
# What is told of a load, by the name of its column.
MEASURES: Mapping[str, Callable[[RegionLoad], float]] = {
    "overlap ml": lambda load: load.overlap_ml,
    "% of region": RegionLoad.percent,
    "weighted load ml": RegionLoad.weighted_ml,
    "max injury %": RegionLoad.max_injury_percent,
    "max weighted mm2": RegionLoad.max_weighted_mm2,
}
# What masks and references are compared by.
_COMPARED: Mapping[str, Callable[[RegionLoad], float]] = {LESION: lambda load: load.lesion_ml, **MEASURES}


@dataclass(frozen=True, kw_only=True, slots=True)
class CaseLoad:
    """The load of one region in one case.

    Attributes:
        region: its name.
        load: of the mask.
        reference: load of the reference mask; None without one.
        doubts: sentences on what makes it doubtful.
    """

    case: str
    region: str
    load: RegionLoad
    reference: RegionLoad | None = None
    doubts: tuple[str, ...] = ()


def load_regions(
    case: str, lesion: Lesion, reference: Lesion | None, regions: tuple[Region, ...]
) -> tuple[CaseLoad, ...]:
    """Measure the load of every region in a case.

    Args:
        case: its name.
        lesion: of its mask.
        reference: on the same grid; None without one.
        regions: of interest.

    Raises:
        DataError: a region does not meet the mask's grid.
    """
    grid = lesion.grid
    middle = (np.array(grid.shape) - 1) / 2
    heights_mm = (grid.matrix()[2, :2] @ middle[:2]) + grid.matrix()[2, 2] * np.arange(grid.shape[2])
    heights_mm += grid.matrix()[2, 3]
    loads = []
    for region in regions:
        refuse_apart(lesion, region)
        weights = region.on_grid(grid)
        if not weights.any():
            raise DataError(
                f"nothing of {region.name} lies in the mask's field of view. Expected both in one space: is the mask "
                "cut, or its header wrong?"
            )
        ours, theirs = (
            None if one is None else measure_load(one.mask, weights, grid.spacing_mm(), heights_mm)
            for one in (lesion, reference)
        )
        assert ours is not None
        doubts = find_doubts(lesion, region, ours.region_ml / region.volume_ml())
        loads.append(CaseLoad(case=case, region=region.name, load=ours, reference=theirs, doubts=doubts))
    return tuple(loads)


def compare_loads(loads: tuple[CaseLoad, ...], region: str) -> Mapping[str, Agreement]:
    """Return how volumes, and each measure of a region, agree between masks and references; empty without these."""
    pairs = [(one.load, one.reference) for one in loads if one.region == region and one.reference is not None]
    if not pairs:
        return {}
    return {
        name: measure_agreement([measure(ours) for ours, _ in pairs], [measure(theirs) for _, theirs in pairs])
        for name, measure in _COMPARED.items()
    }
