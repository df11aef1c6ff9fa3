"""Lesions of all cases together: a case with many of them weighs more than one with few."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from autoseg.evaluation.lesion_matching import MATCHED, Connectivity, Matching
from autoseg.evaluation.metrics.lesions.by_size import FoundBySizeOptions, LesionsBySizeOptions, show_range
from autoseg.evaluation.metrics.lesions.detection import FalseLesionsOptions, FoundLesionsOptions, MissedLesionsOptions
from autoseg.evaluation.metrics.metric import About, MetricOptions
from autoseg.evaluation.pooled.pooled_metric import divide


@dataclass(frozen=True, kw_only=True, slots=True)
class PooledLesionF1Options:
    """F1 score of the lesions of all cases.

    Attributes:
        connectivity: voxels are neighbours by their faces (6), also by edges (18), also by corners (26).
        matching: as for `lesion_f1`.
    """

    connectivity: Connectivity = 26
    matching: Matching = "any_overlap"

    @property
    def about(self) -> About:
        """The description, which says how lesions are matched."""
        return About(
            title="Pooled lesion F1",
            better="higher",
            definition="TP / (TP + (FP + FN) / 2) of the lesions of all cases; " + MATCHED[self.matching],
            perfect=1.0,
            empty="no figure where no case holds a lesion in either mask",
        )

    def needs(self) -> Mapping[str, MetricOptions]:
        """Return the numbers of lesions of a case."""
        ending = f"_{self.matching}_{self.connectivity}"
        return {
            f"found{ending}": FoundLesionsOptions(connectivity=self.connectivity, matching=self.matching),
            f"false{ending}": FalseLesionsOptions(connectivity=self.connectivity, matching=self.matching),
            f"missed{ending}": MissedLesionsOptions(connectivity=self.connectivity, matching=self.matching),
        }

    def terms(self, scores: Mapping[str, float]) -> tuple[float, ...]:
        """Return the numbers."""
        return tuple(scores[name] for name in self.needs())

    def pool(self, means: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the score."""
        return divide(means[..., 0], means[..., 0] + (means[..., 1] + means[..., 2]) / 2)


@dataclass(frozen=True, kw_only=True, slots=True)
class PooledRecallBySizeOptions:
    """Share of all cases' lesions of a range of sizes that are found.

    Attributes:
        least_mm3: the least volume of a lesion.
        below_mm3: the volume from which on it is too large; None for no limit.
        connectivity: voxels are neighbours by their faces (6), also by edges (18), also by corners (26).
    """

    least_mm3: float = 0.0
    below_mm3: float | None = 100.0
    connectivity: Connectivity = 26

    @property
    def about(self) -> About:
        """The description, which names the range."""
        sizes = show_range(self.least_mm3, self.below_mm3)
        return About(
            title=f"Recall of all lesions {sizes}",
            better="higher",
            definition=f"lesions {sizes} that share a voxel with the prediction, per such lesion of all references",
            perfect=1.0,
            empty="no figure where no reference holds a lesion of these sizes",
        )

    def needs(self) -> Mapping[str, MetricOptions]:
        """Return the numbers of found lesions, and of all, of a case."""
        ending = f"{self.least_mm3:g}_to_{'any' if self.below_mm3 is None else f'{self.below_mm3:g}'}_mm3"
        return {
            f"found_{ending}": FoundBySizeOptions(
                least_mm3=self.least_mm3, below_mm3=self.below_mm3, connectivity=self.connectivity
            ),
            f"lesions_{ending}": LesionsBySizeOptions(
                least_mm3=self.least_mm3, below_mm3=self.below_mm3, connectivity=self.connectivity
            ),
        }

    def terms(self, scores: Mapping[str, float]) -> tuple[float, ...]:
        """Return the numbers."""
        return tuple(scores[name] for name in self.needs())

    def pool(self, means: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the share."""
        return divide(means[..., 0], means[..., 1])
