"""Models that are ready to predict, from wherever they were read."""

from __future__ import annotations

from functools import partial

from autoseg.confidence import assess, measure_signs
from autoseg.hardware import choose_device
from autoseg.models import ModelSet
from autoseg.models.predicted_dice import DiceCalibration, DiceEstimate
from autoseg.pipeline.confidence.ways import USUAL_WAY, Way, choose_way
from autoseg.pipeline.scans.scan_warnings import make_known
from autoseg.prediction import Decision, LoadedModel, Segmented, build_cascade, decision_of, join_predictors


def load_models(models: ModelSet, *, way: Way = USUAL_WAY, layout: str = "") -> LoadedModel:
    """Return the average of trained models, of one or several configurations, each with the same weight.

    Args:
        models: with their weights.
        way: to predict.
        layout: of the scans that are predicted; empty for plain files.

    Raises:
        WorkspaceError: weights do not fit their configuration.
    """
    chosen = choose_way(models, way)
    models = chosen.models
    members = tuple(
        build_cascade(one, choose_device(), mirror=True, rule=models.rule, predictions=chosen.predictions)
        for one in models.stages
    )
    decision = decision_of(models.selection)
    return LoadedModel(
        predictor=join_predictors(members, models.regions()),
        scheme=models.scheme(),
        channels=models.channels(),
        description=f"{models.describe()}, {chosen.description}",
        patches=models.patches(),
        known=make_known(models.traits, models.run(), layout),
        decision=decision,
        calibration=models.predicted_dice,
        assess=partial(_assess, decision, models.predicted_dice),
    )


def _assess(decision: Decision, calibration: DiceCalibration | None, segmented: Segmented) -> DiceEstimate | None:
    return assess(measure_signs(segmented, decision.thresholds), calibration).scan
