"""Lesions that are found, missed and predicted falsely.

All ratios count the found lesions of the reference as TP, the missed ones as FN, and predicted lesions that are not in
the reference as FP (Liew 2022), so that F1 is the harmonic mean of precision and recall.
"""

from __future__ import annotations

from dataclasses import dataclass

from autoseg.evaluation.lesion_matching import MATCHED, Connectivity, Matching
from autoseg.evaluation.mask_pair import MaskPair
from autoseg.evaluation.metrics.metric import About

_LESION = "; a lesion is a set of connected voxels (neighbours as `connectivity` says), and matched by "


def _describe(matching: Matching) -> str:
    return f"{_LESION}{matching}: {MATCHED[matching]}"


@dataclass(frozen=True, kw_only=True, slots=True)
class LesionF1Options:
    """F1 score of lesions.

    Attributes:
        connectivity: voxels are neighbours by their faces (6), also by edges (18), also by corners (26).
        matching: `any_overlap` is lenient and many-to-many: a reference lesion is found, and a predicted lesion is
            right, as soon as one of its voxels lies in the other mask. `iou_0.25` and `iou_0.5` are strict and one to
            one: then this is panoptica's recognition quality.
        both_empty: the score where neither mask holds a voxel.
        one_empty: the score where only one does.
    """

    connectivity: Connectivity = 26
    matching: Matching = "any_overlap"
    both_empty: float | None = 1.0
    one_empty: float | None = 0.0

    @property
    def about(self) -> About:
        """The description, which says how lesions are matched."""
        return About(
            title="Lesion F1",
            better="higher",
            definition="TP / (TP + (FP + FN) / 2): TP are reference lesions that are found, FN those that are missed, "
            "FP predicted lesions that are not in the reference" + _describe(self.matching),
            perfect=1.0,
            source="Liew 2022",
        )

    def measure(self, pair: MaskPair) -> float | None:
        """Return the score, 0 to 1."""
        if pair.empty_masks:
            return self.both_empty if pair.empty_masks == 2 else self.one_empty
        match = pair.match_lesions(self.connectivity, self.matching)
        return match.found / (match.found + (match.false + match.missed) / 2)


@dataclass(frozen=True, kw_only=True, slots=True)
class LesionPrecisionOptions:
    """Precision of lesions.

    Attributes:
        connectivity: as for `LesionF1Options`.
        matching: as for `LesionF1Options`.
        both_empty: the score where neither mask holds a voxel.
        one_empty: the score where only one does.
    """

    connectivity: Connectivity = 26
    matching: Matching = "any_overlap"
    both_empty: float | None = 1.0
    one_empty: float | None = 0.0

    @property
    def about(self) -> About:
        """The description, which says how lesions are matched."""
        return About(
            title="Lesion precision",
            better="higher",
            definition="TP / (TP + FP): TP are reference lesions that are found, FP predicted lesions that are not in "
            "the reference" + _describe(self.matching),
            perfect=1.0,
            source="Liew 2022",
        )

    def measure(self, pair: MaskPair) -> float | None:
        """Return the precision, 0 to 1."""
        if pair.empty_masks:
            return self.both_empty if pair.empty_masks == 2 else self.one_empty
        match = pair.match_lesions(self.connectivity, self.matching)
        return match.found / (match.found + match.false)


@dataclass(frozen=True, kw_only=True, slots=True)
class LesionRecallOptions:
    """Recall of lesions.

    Attributes:
        connectivity: as for `LesionF1Options`.
        matching: as for `LesionF1Options`.
        both_empty: the score where neither mask holds a voxel.
        one_empty: the score where only one does.
    """

    connectivity: Connectivity = 26
    matching: Matching = "any_overlap"
    both_empty: float | None = 1.0
    one_empty: float | None = 0.0

    @property
    def about(self) -> About:
        """The description, which says how lesions are matched."""
        return About(
            title="Lesion recall",
            better="higher",
            definition="TP / (TP + FN): reference lesions that are found per reference lesion"
            + _describe(self.matching),
            perfect=1.0,
            source="Liew 2022",
        )

    def measure(self, pair: MaskPair) -> float | None:
        """Return the recall, 0 to 1."""
        if pair.empty_masks:
            return self.both_empty if pair.empty_masks == 2 else self.one_empty
        match = pair.match_lesions(self.connectivity, self.matching)
        return match.found / (match.found + match.missed)


@dataclass(frozen=True, kw_only=True, slots=True)
class FoundLesionsOptions:
    """Number of reference lesions that are found.

    Attributes:
        connectivity: as for `LesionF1Options`.
        matching: as for `LesionF1Options`.
    """

    connectivity: Connectivity = 26
    matching: Matching = "any_overlap"

    @property
    def about(self) -> About:
        """The description, which says how lesions are matched."""
        return About(
            title="Found lesions",
            better="higher",
            definition="TP: number of reference lesions that are found" + _describe(self.matching),
            source="Liew 2022",
        )

    def measure(self, pair: MaskPair) -> float | None:
        """Return the number."""
        return pair.match_lesions(self.connectivity, self.matching).found


@dataclass(frozen=True, kw_only=True, slots=True)
class FalseLesionsOptions:
    """Number of predicted lesions that are not in the reference.

    Attributes:
        connectivity: as for `LesionF1Options`.
        matching: as for `LesionF1Options`.
    """

    connectivity: Connectivity = 26
    matching: Matching = "any_overlap"

    @property
    def about(self) -> About:
        """The description, which says how lesions are matched."""
        return About(
            title="False lesions",
            better="lower",
            definition="FP: number of predicted lesions that are not in the reference" + _describe(self.matching),
            perfect=0.0,
            source="Liew 2022",
        )

    def measure(self, pair: MaskPair) -> float | None:
        """Return the number."""
        return pair.match_lesions(self.connectivity, self.matching).false


@dataclass(frozen=True, kw_only=True, slots=True)
class MissedLesionsOptions:
    """Number of reference lesions that are missed.

    Attributes:
        connectivity: as for `LesionF1Options`.
        matching: as for `LesionF1Options`.
    """

    connectivity: Connectivity = 26
    matching: Matching = "any_overlap"

    @property
    def about(self) -> About:
        """The description, which says how lesions are matched."""
        return About(
            title="Missed lesions",
            better="lower",
            definition="FN: number of reference lesions that are missed" + _describe(self.matching),
            perfect=0.0,
            source="Liew 2022",
        )

    def measure(self, pair: MaskPair) -> float | None:
        """Return the number."""
        return pair.match_lesions(self.connectivity, self.matching).missed
