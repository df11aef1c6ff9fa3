"""Detection of sub-volumes: each of those that an image is divided into is one answer, yes or no."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from autoseg.evaluation.metrics.lesions.subvolumes import (
    FalseSubvolumesOptions,
    FoundSubvolumesOptions,
    MissedSubvolumesOptions,
)
from autoseg.evaluation.metrics.metric import About, Direction, MetricOptions
from autoseg.evaluation.pooled.pooled_metric import PooledOptions, divide
from dataset_fingerprints.geometry import Triple

# Title, definition, and which of the numbers of sub-volumes (TP, FP, FN) are divided by which.
_RATIOS: dict[str, tuple[str, str, tuple[int, ...], tuple[int, ...]]] = {
    "subvolume_recall": ("Sub-volume recall", "TP / (TP + FN)", (0,), (0, 2)),
    "subvolume_precision": ("Sub-volume precision", "TP / (TP + FP)", (0,), (0, 1)),
    "subvolume_f1": ("Sub-volume F1", "2 TP / (2 TP + FP + FN)", (0, 0), (0, 0, 1, 2)),
}
_BETTER: Direction = "higher"


def _make(name: str) -> type[PooledOptions]:
    title, definition, part, whole = _RATIOS[name]
    description = About(
        title=title,
        better=_BETTER,
        definition=f"{definition} of the sub-volumes of all scans, which are divided into `parts` along their axes: TP "
        "hold voxels of both masks, FP of the prediction alone, FN of the reference alone",
        perfect=1.0,
        symmetric=name == "subvolume_f1",
        empty="no figure where there is no sub-volume to divide by",
    )

    @dataclass(frozen=True, kw_only=True, slots=True)
    class SubvolumeRatioOptions:
        """A ratio of numbers of sub-volumes.

        Attributes:
            parts: sub-volumes along x, y and z.
        """

        about: ClassVar[About] = description
        parts: Triple = (2, 2, 2)

        def needs(self) -> Mapping[str, MetricOptions]:
            """Return the numbers of sub-volumes of a case."""
            ending = "x".join(map(str, self.parts))
            return {
                f"found_subvolumes_{ending}": FoundSubvolumesOptions(parts=self.parts),
                f"false_subvolumes_{ending}": FalseSubvolumesOptions(parts=self.parts),
                f"missed_subvolumes_{ending}": MissedSubvolumesOptions(parts=self.parts),
            }

        def terms(self, scores: Mapping[str, float]) -> tuple[float, ...]:
            """Return the numbers."""
            return tuple(scores[name] for name in self.needs())

        def pool(self, means: NDArray[np.float64]) -> NDArray[np.float64]:
            """Return the ratio."""
            return divide(means[..., list(part)].sum(axis=-1), means[..., list(whole)].sum(axis=-1))

    return SubvolumeRatioOptions


SUBVOLUMES: dict[str, type[PooledOptions]] = {name: _make(name) for name in _RATIOS}
