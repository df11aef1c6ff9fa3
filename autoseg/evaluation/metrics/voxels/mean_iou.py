"""Mean intersection over union of classes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from autoseg.evaluation.mask_pair import MaskPair
from autoseg.evaluation.metrics.metric import About
from autoseg.evaluation.metrics.voxels.confusion import make_matrix


@dataclass(frozen=True, kw_only=True, slots=True)
class MeanIouOptions:
    """Mean IoU of a label and of the background, everything else.

    Without the background it is the metric `iou`.

    Attributes:
        label_both_empty: the label's IoU where neither mask holds a voxel.
    """

    about: ClassVar[About] = About(
        title="Mean IoU with background",
        better="higher",
        definition="mean of the IoU of the label, TP / (TP + FP + FN), and that of all others, TN / (TN + FP + FN)",
        perfect=1.0,
        symmetric=True,
        empty="the label's IoU is `label_both_empty` where both masks are empty, and 0 where one is",
        whole_image=True,
        source="Everingham 2010",
    )
    label_both_empty: float = 1.0

    def measure(self, pair: MaskPair) -> float | None:
        """Return the mean, 0 to 1."""
        matrix = make_matrix(pair.counts)
        wrong = matrix.fp + matrix.fn
        label = matrix.tp / (matrix.tp + wrong) if matrix.tp + wrong else self.label_both_empty
        background = matrix.tn / (matrix.tn + wrong) if matrix.tn + wrong else 1.0
        return (label + background) / 2
