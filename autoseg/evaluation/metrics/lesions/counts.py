"""Numbers of lesions in the masks, and their difference."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from autoseg.evaluation.lesion_matching import Connectivity
from autoseg.evaluation.mask_pair import MaskPair
from autoseg.evaluation.metrics.metric import About

_LESION = "; a lesion is a set of connected voxels (neighbours as `connectivity` says)"


@dataclass(frozen=True, kw_only=True, slots=True)
class ReferenceLesionsOptions:
    """Number of lesions in the reference.

    Attributes:
        connectivity: voxels are neighbours by their faces (6), also by edges (18), also by corners (26).
    """

    about: ClassVar[About] = About(
        title="Reference lesions", better="neither", definition="number of lesions in the reference" + _LESION
    )
    connectivity: Connectivity = 26

    def measure(self, pair: MaskPair) -> float | None:
        """Return the number."""
        return pair.lesions(self.connectivity).reference.count


@dataclass(frozen=True, kw_only=True, slots=True)
class PredictionLesionsOptions:
    """Number of lesions in the prediction.

    Attributes:
        connectivity: as for `ReferenceLesionsOptions`.
    """

    about: ClassVar[About] = About(
        title="Predicted lesions", better="neither", definition="number of lesions in the prediction" + _LESION
    )
    connectivity: Connectivity = 26

    def measure(self, pair: MaskPair) -> float | None:
        """Return the number."""
        return pair.lesions(self.connectivity).prediction.count


@dataclass(frozen=True, kw_only=True, slots=True)
class LesionCountDifferenceOptions:
    """Absolute difference of the numbers of lesions.

    Attributes:
        connectivity: as for `ReferenceLesionsOptions`.
    """

    about: ClassVar[About] = About(
        title="Lesion count difference",
        better="lower",
        definition="absolute difference of the numbers of lesions" + _LESION,
        perfect=0.0,
        symmetric=True,
    )
    connectivity: Connectivity = 26

    def measure(self, pair: MaskPair) -> float | None:
        """Return the difference."""
        lesions = pair.lesions(self.connectivity)
        return abs(lesions.prediction.count - lesions.reference.count)
