"""Components of out-of-fold masks, and the class that the reference gives each of them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from autoseg.postprocessing.component_features import measure_components
from dataset_fingerprints.geometry import TripleFloat

# Of a component that touches no lesion of the reference.
UNTOUCHED = -1


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class LesionReference:
    """A case's reference, by classes.

    Attributes:
        classes: (x, y, z) on the scan's canonical grid: 0 outside of lesions, else one more than the class's place.
        ignored: (x, y, z) voxels that count in nothing; None for none.
    """

    classes: NDArray[np.uint8]
    ignored: NDArray[np.bool_] | None = None


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class CaseComponents:
    """The components of a case's out-of-fold mask.

    Attributes:
        unit: the subject, or the group of subjects, that the case is of.
        fold: that did not train on it.
        features: (component, feature) as `autoseg.postprocessing.component_features` measures them.
        classes: (component,) the place of the class, or `UNTOUCHED`.
    """

    case: str
    unit: str
    fold: str
    features: NDArray[np.float64]
    classes: NDArray[np.int64]


def measure_case(
    mask: NDArray[np.bool_], reference: LesionReference, spacing_mm: TripleFloat
) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """Return the features of a mask's components, and the class of each: the one that most of its voxels have.

    Voxels outside of the reference's lesions have no say, so that one voxel is enough; of classes with equally many
    voxels it is the first. A component that lies in ignored voxels alone is left out.

    Args:
        mask: (x, y, z) on the scan's canonical grid.
        reference: of the same scan.
        spacing_mm: voxel size.
    """
    found = measure_components(mask, spacing_mm)
    numbers, classes = found.components.numbers, reference.classes[found.box]
    counted = numbers > 0
    if reference.ignored is not None:
        counted &= ~reference.ignored[found.box]
    count, most = len(found.values), int(reference.classes.max())
    table = np.zeros((count + 1, most + 1), dtype=np.int64)
    np.add.at(table, (numbers[counted], classes[counted]), 1)
    there, votes = table[1:].any(axis=1), table[1:, 1:]
    chosen = votes.argmax(axis=1) if most else np.zeros(count, dtype=np.int64)
    places = np.where(votes.any(axis=1), chosen, UNTOUCHED).astype(np.int64)
    return found.values[there], places[there]
