"""Detection of scans with a lesion: each scan is one answer, yes or no."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from autoseg.evaluation.metrics import METRICS
from autoseg.evaluation.metrics.metric import About, Direction, MetricOptions
from autoseg.evaluation.pooled.pooled_metric import PooledOptions, divide

_VOLUMES = ("reference_volume_ml", "prediction_volume_ml")
# Title, definition, and which of the numbers of scans (TP, FP, FN, TN) are divided by which.
_RATIOS: dict[str, tuple[str, str, tuple[int, ...], tuple[int, ...]]] = {
    "scan_sensitivity": (
        "Scan sensitivity",
        "scans with a lesion that are found, per scan with a lesion",
        (0,),
        (0, 2),
    ),
    "scan_specificity": ("Scan specificity", "scans without a lesion that are called so, per such scan", (3,), (1, 3)),
    "scan_precision": ("Scan precision", "scans with a lesion per scan called so", (0,), (0, 1)),
    "scan_accuracy": ("Scan accuracy", "scans called rightly per scan", (0, 3), (0, 1, 2, 3)),
    "scan_f1": ("Scan F1", "2 TP / (2 TP + FP + FN) of scans", (0, 0), (0, 0, 1, 2)),
}
_BETTER: Direction = "higher"


def _make(name: str) -> type[PooledOptions]:
    title, definition, part, whole = _RATIOS[name]
    description = About(
        title=title,
        better=_BETTER,
        definition=f"{definition}; a mask holds a lesion where its volume is above `above_ml`",
        perfect=1.0,
        symmetric=name in ("scan_accuracy", "scan_f1"),
        empty="an empty mask is an answer: no lesion; no figure where there is no scan to divide by",
    )

    @dataclass(frozen=True, kw_only=True, slots=True)
    class ScanRatioOptions:
        """A ratio of numbers of scans.

        Attributes:
            above_ml: the volume up to which a mask holds no lesion.
        """

        about: ClassVar[About] = description
        above_ml: float = 0.0

        def needs(self) -> Mapping[str, MetricOptions]:
            """Return the volumes of a case."""
            return {volume: METRICS[volume]() for volume in _VOLUMES}

        def terms(self, scores: Mapping[str, float]) -> tuple[float, ...]:
            """Return 1 for what the case is, of TP, FP, FN and TN, and 0 for the others."""
            true, called = (scores[volume] > self.above_ml for volume in _VOLUMES)
            kinds = (true and called, called and not true, true and not called, not (true or called))
            return tuple(map(float, kinds))

        def pool(self, means: NDArray[np.float64]) -> NDArray[np.float64]:
            """Return the ratio."""
            return divide(means[..., list(part)].sum(axis=-1), means[..., list(whole)].sum(axis=-1))

    return ScanRatioOptions


SCANS: dict[str, type[PooledOptions]] = {name: _make(name) for name in _RATIOS}
