"""Ratios of the voxels of all cases together: one large lesion weighs as much as many small ones."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from autoseg.evaluation.metrics import METRICS
from autoseg.evaluation.metrics.metric import About, MetricOptions
from autoseg.evaluation.pooled.pooled_metric import PooledOptions, divide

_COUNTS = ("true_positives", "false_positives", "false_negatives")
_Array = NDArray[np.float64]
# Title, definition, numerator and denominator of the means of TP, FP and FN, and whether the masks can be exchanged.
_RATIOS: dict[str, tuple[str, str, Callable[[_Array, _Array, _Array], tuple[_Array, _Array]], bool]] = {
    "micro_dice": ("Micro Dice", "2 TP / (2 TP + FP + FN)", lambda tp, fp, fn: (2 * tp, 2 * tp + fp + fn), True),
    "micro_iou": ("Micro IoU", "TP / (TP + FP + FN)", lambda tp, fp, fn: (tp, tp + fp + fn), True),
    "micro_precision": ("Micro precision", "TP / (TP + FP)", lambda tp, fp, fn: (tp, tp + fp), False),
    "micro_recall": ("Micro recall", "TP / (TP + FN)", lambda tp, fp, fn: (tp, tp + fn), False),
}


def _make(name: str) -> type[PooledOptions]:
    title, definition, divided, symmetric = _RATIOS[name]
    description = About(
        title=title,
        better="higher",
        definition=f"{definition} of the voxels of all cases, counted together",
        perfect=1.0,
        symmetric=symmetric,
        source="Tomita 2020" if name == "micro_dice" else "",
        empty="no figure where there is nothing to divide by in all cases together",
    )

    @dataclass(frozen=True, kw_only=True, slots=True)
    class PooledRatioOptions:
        """A ratio of pooled numbers of voxels."""

        about: ClassVar[About] = description

        def needs(self) -> Mapping[str, MetricOptions]:
            """Return the counts of a case."""
            return {count: METRICS[count]() for count in _COUNTS}

        def terms(self, scores: Mapping[str, float]) -> tuple[float, ...]:
            """Return the counts."""
            return tuple(scores[count] for count in _COUNTS)

        def pool(self, means: NDArray[np.float64]) -> NDArray[np.float64]:
            """Return the ratio."""
            return divide(*divided(means[..., 0], means[..., 1], means[..., 2]))

    return PooledRatioOptions


VOXELS: dict[str, type[PooledOptions]] = {name: _make(name) for name in _RATIOS}
