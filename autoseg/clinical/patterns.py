"""Number, size and side of a case's lesions, and the pattern that they make, from connected components.

A rater counts strokes, and may call several components one lesion; counts of components are larger as a rule.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from autoseg.clinical.lesion_files import Lesion
from autoseg.evaluation.lesion_matching import Connectivity, label_lesions
from dataset_fingerprints.reading.body import bounding_box

Side = Literal["left", "right", "other"]
# As in the table of Liew 2022: rows of one lesion, and of several.
PATTERNS = (
    "one, left",
    "one, right",
    "one, other",
    "several, unilateral",
    "several, bilateral",
    "several, other",
    "none",
)
NONE = PATTERNS[-1]
# Volumes of voxels that a header rounds may lie this share below those that are meant.
_ROUNDING = 1e-6


@dataclass(frozen=True, kw_only=True, slots=True)
class Component:
    """A lesion: one connected component.

    Attributes:
        side: where most of it lies; `other` for cerebellum and brainstem, where these are known.
    """

    volume_ml: float
    side: Side


@dataclass(frozen=True, kw_only=True, slots=True)
class LesionPattern:
    """The lesions of a case.

    Attributes:
        volume_ml: of all that is marked.
        left_ml: of it, what lies left of the midline.
        right_ml: what lies right of it.
        other_ml: what lies in cerebellum and brainstem; None where these are not known.
        components: that count as lesions, the largest first.
        small: number of components that are too small to count.
    """

    volume_ml: float
    left_ml: float
    right_ml: float
    other_ml: float | None
    components: tuple[Component, ...]
    small: int

    def pattern(self) -> str:
        """Return one of `PATTERNS`: any lesion in cerebellum or brainstem makes it `other`."""
        if not self.components:
            return NONE
        sides = {component.side for component in self.components}
        if len(self.components) == 1:
            return f"one, {next(iter(sides))}"
        kind = "other" if "other" in sides else "bilateral" if len(sides) > 1 else "unilateral"
        return f"several, {kind}"


@dataclass(frozen=True, kw_only=True, slots=True)
class Counting:
    """What counts as a lesion.

    Attributes:
        min_mm3: components below this volume do not count.
        connectivity: of voxels: by faces (6), also by edges (18), also by corners (26).
        midline_mm: x in the space of the header at which left and right meet: 0 in template space.
    """

    min_mm3: float = 0.0
    connectivity: Connectivity = 26
    midline_mm: float = 0.0


USUAL = Counting()


def find_pattern(lesion: Lesion, other: NDArray[np.bool_] | None, counting: Counting) -> LesionPattern:
    """Count and place the lesions of a case.

    Args:
        lesion: of the case.
        other: (x, y, z) on the lesion's grid, True in cerebellum and brainstem; None where these are not known.
        counting: what counts as a lesion.
    """
    box = bounding_box(lesion.mask).slices()
    mask = lesion.mask[box]
    voxel_ml = float(np.prod(lesion.grid.spacing_mm())) / 1000.0
    x_mm = _find_x_mm(lesion, box) - counting.midline_mm
    # A voxel on the midline lies half on either side.
    rights = np.where(x_mm > 0, 1.0, np.where(x_mm < 0, 0.0, 0.5))
    others = None if other is None else other[box]
    labelled = label_lesions(mask, counting.connectivity)
    numbers = np.arange(1, labelled.count + 1)
    sizes = ndimage.sum_labels(mask, labelled.voxels, numbers)
    right = ndimage.sum_labels(rights, labelled.voxels, numbers)
    in_other = np.zeros(len(numbers)) if others is None else ndimage.sum_labels(others, labelled.voxels, numbers)
    components = sorted(
        (
            Component(volume_ml=float(size) * voxel_ml, side=_choose_side(size, on_right, elsewhere))
            for size, on_right, elsewhere in zip(sizes, right, in_other, strict=True)
            if size * voxel_ml * 1000.0 >= counting.min_mm3 * (1 - _ROUNDING)
        ),
        key=lambda component: -component.volume_ml,
    )
    return LesionPattern(
        volume_ml=lesion.volume_ml(),
        left_ml=float(np.sum(1.0 - rights[mask])) * voxel_ml,
        right_ml=float(np.sum(rights[mask])) * voxel_ml,
        other_ml=None if others is None else float(np.count_nonzero(others & mask)) * voxel_ml,
        components=tuple(components),
        small=labelled.count - len(components),
    )


def count_patterns(patterns: Iterable[LesionPattern]) -> dict[str, int]:
    """Return how many cases have each of `PATTERNS`."""
    counts = Counter(one.pattern() for one in patterns)
    return {name: counts[name] for name in PATTERNS}


def _choose_side(size: float, on_right: float, elsewhere: float) -> Side:
    if elsewhere > size / 2:
        return "other"
    return "right" if on_right > size / 2 else "left"


def _find_x_mm(lesion: Lesion, box: tuple[slice, slice, slice]) -> NDArray[np.float64]:
    """Return (x, y, z) in the box: the x coordinate of every voxel in the space of the header."""
    steps = lesion.grid.matrix()[0]
    along = (np.arange(axis.start, axis.stop) * step for axis, step in zip(box, steps[:3], strict=True))
    x, y, z = along
    return np.asarray(steps[3] + x[:, None, None] + y[None, :, None] + z[None, None, :])
