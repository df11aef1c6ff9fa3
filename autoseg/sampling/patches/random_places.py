"""Random places of patches in a case: anywhere, or on what is labelled."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from autoseg.sampling.cases.training_case import Coordinates, Lesions, TrainingCase
from dataset_fingerprints.geometry import Triple
from planners.parts.patches import ForegroundOptions


@dataclass(slots=True)
class LabelledCases:
    """Finder of the cases that hold labelled voxels, which looks once at the cases of a tuple: these do not change."""

    _known: tuple[Sequence[TrainingCase], tuple[int, ...]] = ((), ())

    def find(self, cases: Sequence[TrainingCase]) -> tuple[int, ...]:
        """Return the positions of these cases."""
        known, found = self._known
        if known is cases:
            return found
        found = tuple(index for index, case in enumerate(cases) if any(map(len, case.foreground)))
        if isinstance(cases, tuple):
            self._known = (cases, found)
        return found


def place_anywhere(rng: np.random.Generator, case: TrainingCase, shape: Triple, options: ForegroundOptions) -> Triple:
    """Draw a patch's first voxel evenly over places, or over the labelled voxels where some are ignored."""
    if case.annotated is not None and len(case.annotated):
        return _place_around(rng, case.annotated, case, shape, options)
    x, y, z = (int(rng.integers(low, high + 1)) for low, high in _find_bounds(case, shape))
    return (x, y, z)


def place_on_foreground(
    rng: np.random.Generator, case: TrainingCase, shape: Triple, options: ForegroundOptions
) -> tuple[Triple, int]:
    """Draw a label or region of a case, then a patch that holds it.

    Args:
        rng: that draws.
        case: that has foreground.
        shape: of the patch.
        options: how voxels are drawn, and how far the patch's centre may lie from its voxel.

    Returns:
        The patch's first voxel, and the position, from 1, of the label or region.
    """
    present = [index for index, voxels in enumerate(case.foreground) if len(voxels)]
    chosen = present[int(rng.integers(len(present)))]
    voxels = case.foreground[chosen]
    if options.needs_lesions():
        voxels = _choose_lesion(rng, case.lesions[chosen], options.lesion_balance)
    return _place_around(rng, voxels, case, shape, options), chosen + 1


def _place_around(
    rng: np.random.Generator, voxels: Coordinates, case: TrainingCase, shape: Triple, options: ForegroundOptions
) -> Triple:
    """Draw a patch that holds one of the voxels, and return its start."""
    voxel = voxels[rng.integers(len(voxels))]
    start = []
    for axis, (low, high) in enumerate(_find_bounds(case, shape)):
        place = int(0.5 * shape[axis] * (1 + options.jitter_share * rng.uniform(-1, 1)))
        start.append(min(max(int(voxel[axis]) - place, low), high))
    return (start[0], start[1], start[2])


def _choose_lesion(rng: np.random.Generator, lesions: Lesions, balance: float) -> Coordinates:
    """Draw one lesion and return its voxels; the weight of n voxels is n ** (1 - balance)."""
    reached = np.cumsum(lesions.sizes.astype(np.float64) ** (1.0 - balance))
    return lesions.voxels[int(np.searchsorted(reached, rng.random() * reached[-1], side="right"))]


def _find_bounds(case: TrainingCase, shape: Triple) -> list[tuple[int, int]]:
    """Return the lowest and highest start per axis: inside the case, or centred on it where the patch is larger."""
    spaces = [length - edge for length, edge in zip(case.voxels.shape, shape, strict=True)]
    return [(0, free) if free >= 0 else (free // 2, free // 2) for free in spaces]
