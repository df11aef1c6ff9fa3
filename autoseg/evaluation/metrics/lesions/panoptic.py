"""Panoptic quality: how many lesions are found, times how well these are outlined."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import ClassVar, Literal

from autoseg.evaluation.lesion_matching import Connectivity
from autoseg.evaluation.mask_pair import MaskPair
from autoseg.evaluation.metrics.metric import About

OneToOne = Literal["iou_0.25", "iou_0.5"]


@dataclass(frozen=True, kw_only=True, slots=True)
class PanopticQualityOptions:
    """Panoptic quality of lesions; its other factor, recognition quality, is `lesion_f1` under the same matching.

    Attributes:
        connectivity: voxels are neighbours by their faces (6), also by edges (18), also by corners (26).
        matching: the least IoU of a matched pair.
        both_empty: the score where neither mask holds a voxel.
        one_empty: the score where only one does.
    """

    about: ClassVar[About] = About(
        title="Panoptic quality",
        better="higher",
        definition="sum of the IoU of matched pairs / (TP + (FP + FN) / 2) of lesions matched one to one",
        perfect=1.0,
        symmetric=True,
        source="Kirillov 2019",
    )
    connectivity: Connectivity = 26
    matching: OneToOne = "iou_0.5"
    both_empty: float | None = 1.0
    one_empty: float | None = 0.0

    def measure(self, pair: MaskPair) -> float | None:
        """Return the quality, 0 to 1."""
        if pair.empty_masks:
            return self.both_empty if pair.empty_masks == 2 else self.one_empty
        match = pair.match_lesions(self.connectivity, self.matching)
        return math.fsum(match.ious) / (match.found + (match.false + match.missed) / 2)


@dataclass(frozen=True, kw_only=True, slots=True)
class LesionQualityOptions:
    """Segmentation quality: the mean IoU of the lesions that are matched.

    Attributes:
        connectivity: as for `PanopticQualityOptions`.
        matching: as for `PanopticQualityOptions`.
        undefined: the score where no pair is matched.
    """

    about: ClassVar[About] = About(
        title="Segmentation quality",
        better="higher",
        definition="mean IoU of the lesions that are matched one to one",
        perfect=1.0,
        symmetric=True,
        source="Kirillov 2019",
    )
    connectivity: Connectivity = 26
    matching: OneToOne = "iou_0.5"
    undefined: float | None = None

    def measure(self, pair: MaskPair) -> float | None:
        """Return the mean, 0 to 1."""
        ious = pair.match_lesions(self.connectivity, self.matching).ious
        return math.fsum(ious) / len(ious) if ious else self.undefined


@dataclass(frozen=True, kw_only=True, slots=True)
class DiceIfMatchedOptions:
    """Dice of the masks where a pair of lesions is matched, else 0: what panoptica 1.0.1 calls global Dice.

    Attributes:
        connectivity: as for `PanopticQualityOptions`.
        matching: as for `PanopticQualityOptions`.
        both_empty: the score where neither mask holds a voxel.
        one_empty: the score where only one does.
    """

    about: ClassVar[About] = About(
        title="Dice",
        better="higher",
        definition="2 TP / (2 TP + FP + FN) of voxels, but 0 where no pair of lesions is matched",
        perfect=1.0,
        symmetric=True,
        source="panoptica 1.0.1, ISLES'26 scorer",
    )
    connectivity: Connectivity = 26
    matching: OneToOne = "iou_0.25"
    both_empty: float | None = 1.0
    one_empty: float | None = 0.0

    def measure(self, pair: MaskPair) -> float | None:
        """Return the coefficient, 0 to 1."""
        if pair.empty_masks:
            return self.both_empty if pair.empty_masks == 2 else self.one_empty
        if not pair.match_lesions(self.connectivity, self.matching).found:
            return 0.0
        return 2 * pair.counts.both / (pair.counts.prediction + pair.counts.reference)
