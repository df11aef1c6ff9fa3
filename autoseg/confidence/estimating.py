"""Predicted Dice of a segmented scan."""

from __future__ import annotations

from dataclasses import dataclass

from autoseg.confidence.signs import MaskSigns
from autoseg.models.predicted_dice import DiceCalibration, DiceEstimate, TargetCalibration, estimate


@dataclass(frozen=True, kw_only=True, slots=True)
class Assessment:
    """How far the mask of a scan can be trusted.

    Attributes:
        scan: predicted mean Dice over labels or regions; None where nothing is predicted.
        targets: predicted Dice of each label or region; None where it is not predicted.
        signs: of each label or region.
    """

    scan: DiceEstimate | None
    targets: tuple[DiceEstimate | None, ...]
    signs: tuple[MaskSigns, ...]


def assess(signs: tuple[MaskSigns, ...], calibration: DiceCalibration | None) -> Assessment:
    """Return what the signs of a scan's masks predict.

    Args:
        signs: of each label or region.
        calibration: None where nothing was measured.
    """
    if calibration is None or len(calibration.targets) != len(signs):
        return Assessment(scan=None, targets=(None,) * len(signs), signs=signs)
    targets = tuple(_estimate(one, own) for one, own in zip(calibration.targets, signs, strict=True))
    return Assessment(scan=_estimate_scan(calibration, targets), targets=targets, signs=signs)


def _estimate_scan(calibration: DiceCalibration, targets: tuple[DiceEstimate | None, ...]) -> DiceEstimate | None:
    # A single label has an interval of its own, and of an empty mask it is known that its Dice is 0 or 1.
    if len(targets) == 1:
        return targets[0]
    known = [target.value for target in targets if target is not None]
    return estimate(calibration.scan, sum(known) / len(known)) if known and calibration.scan is not None else None


def _estimate(calibration: TargetCalibration, signs: MaskSigns) -> DiceEstimate | None:
    if not signs.voxels:
        share = calibration.predict_empty()
        return None if share is None else DiceEstimate(value=share, low=0.0, high=1.0)
    if calibration.rule is None or calibration.error is None:
        return None
    return estimate(calibration.error, calibration.rule.predict(signs.numbers()))
