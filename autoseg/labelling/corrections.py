"""What a person changed of a mask: volumes, and how far its surface moved."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from autoseg.evaluation.surfaces import find_surface, measure_distances
from autoseg.labelling.state import StructureChange
from dataset_fingerprints.dataset import LabelScheme
from dataset_fingerprints.geometry import TripleFloat
from dataset_fingerprints.reading.body import bounding_box


@dataclass(frozen=True, kw_only=True, slots=True)
class SurfaceRms:
    """Root mean square distance from the points of one surface to another surface.

    Attributes:
        mm: sqrt(sum x^2 / n) over the distances x of n points; None where one of the masks is empty.
        points: n, the voxels of the first surface.
    """

    mm: float | None = None
    points: int = 0


NO_SURFACE = SurfaceRms()


@dataclass(frozen=True, kw_only=True, slots=True)
class Structure:
    """A label, or a region, with the values of its voxels."""

    name: str
    values: tuple[int, ...]

    def mask(self, labels: NDArray[np.integer]) -> NDArray[np.bool_]:
        """Return where a label map holds it."""
        return np.isin(labels, self.values)


def list_structures(scheme: LabelScheme) -> tuple[Structure, ...]:
    """Return what people edit: the labels."""
    return tuple(Structure(name=label.name, values=(label.value,)) for label in scheme.labels)


def list_scored(scheme: LabelScheme) -> tuple[Structure, ...]:
    """Return what models are scored by: the regions where there are any, else the labels."""
    return tuple(Structure(name=region.name, values=region.values) for region, _ in scheme.written_regions())


def measure_rms(first: NDArray[np.bool_], second: NDArray[np.bool_], spacing_mm: TripleFloat) -> SurfaceRms:
    """Return how far the surface of one (x, y, z) mask lies from that of another, from the points of the first."""
    if not (first.any() and second.any()):
        return NO_SURFACE
    x, y, z = (length == 1 for length in first.shape)
    box = bounding_box(first | second).slices()
    one, other = (find_surface(mask[box], (x, y, z)) for mask in (first, second))
    distances = measure_distances(one, other, spacing_mm)
    return SurfaceRms(mm=math.sqrt(float(np.mean(distances**2))), points=len(distances))


def measure_scored(
    reference: NDArray[np.integer], predicted: NDArray[np.integer], scheme: LabelScheme, spacing_mm: TripleFloat
) -> dict[str, SurfaceRms]:
    """Return how far the surfaces of a (x, y, z) reference lie from those of a prediction, by what is scored.

    Voxels that the reference ignores are in neither mask, as for other scores.
    """
    ignored = () if scheme.ignore_value is None else (scheme.ignore_value,)
    known = np.isin(reference, ignored, invert=True)
    return {
        one.name: measure_rms(one.mask(reference), one.mask(predicted) & known, spacing_mm)
        for one in list_scored(scheme)
    }


def measure_changes(
    before: NDArray[np.integer], after: NDArray[np.integer], structures: Sequence[Structure], spacing_mm: TripleFloat
) -> tuple[StructureChange, ...]:
    """Return what changed between two (x, y, z) label maps, label by label."""
    voxel_ml = math.prod(spacing_mm) / 1000
    changes = []
    for structure in structures:
        old, new = structure.mask(before), structure.mask(after)
        surface = measure_rms(old, new, spacing_mm)
        changes.append(
            StructureChange(
                structure=structure.name,
                before_ml=_volume(old, voxel_ml),
                after_ml=_volume(new, voxel_ml),
                changed_ml=_volume(old != new, voxel_ml),
                rms_mm=surface.mm,
                points=surface.points,
            )
        )
    return tuple(changes)


def find_share(changes: Iterable[StructureChange]) -> float | None:
    """Return the changed volume as a share of the corrected one, all labels together; None where that is 0."""
    every = tuple(changes)
    after = math.fsum(one.after_ml for one in every)
    return math.fsum(one.changed_ml for one in every) / after if after else None


def _volume(mask: NDArray[np.bool_], voxel_ml: float) -> float:
    return round(float(np.count_nonzero(mask)) * voxel_ml, 6)
