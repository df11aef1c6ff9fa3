"""What was measured of a workspace's models, as it goes with them."""

from __future__ import annotations

from dataclasses import replace

from autoseg.models import ModelSet
from autoseg.pipeline.confidence.predicted_dice import find_calibration
from autoseg.pipeline.confidence.quality import find_efforts
from autoseg.pipeline.lesion_classes.kept import find_classifier
from autoseg.pipeline.models.trained_folds import TrainedFolds
from autoseg.prediction import decision_of
from autoseg.workspace.workspace import Workspace


def add_confidence(workspace: Workspace, plan_name: str, trained: TrainedFolds, models: ModelSet) -> ModelSet:
    """Return models with what was measured of them, as far as it is of the weights and the rule that they have now.

    Args:
        workspace: that they were read from.
        plan_name: of the workspace's plan.
        trained: their folds.
        models: with their selection.
    """
    decision = decision_of(models.selection)
    return replace(
        models,
        predicted_dice=find_calibration(workspace, plan_name, trained, decision),
        efforts=find_efforts(workspace, plan_name, trained),
        lesion_classes=find_classifier(workspace, plan_name, trained, decision),
    )
