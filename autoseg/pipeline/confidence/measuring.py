"""Everything that is measured of trained models for the trust in their masks, in one go."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

from autoseg.models.predicted_dice import DiceCalibration
from autoseg.models.quality import MeasuredEfforts
from autoseg.pipeline.confidence.decisions import find_decision
from autoseg.pipeline.confidence.predicted_dice import find_calibration, measure_predicted_dice
from autoseg.pipeline.confidence.quality import MOST_MINUTES, find_efforts, measure_quality
from autoseg.pipeline.confidence.texts import describe_efforts
from autoseg.pipeline.models.trained_folds import TrainedFolds, find_trained
from autoseg.pipeline.plans.reading import read_plan
from autoseg.progress import Progress
from autoseg.workspace.links import refuse_links_out
from autoseg.workspace.locks import locked
from autoseg.workspace.workspace import Workspace
from dataset_fingerprints.errors import AutosegError, StoppedError
from planners.plan import Plan

# Of the time that a fold is given, what may go into the ways to predict after all of them.
_FOLD_SHARE = 0.2


@dataclass(frozen=True, kw_only=True, slots=True)
class Confidence:
    """What was measured of the models that predict together.

    Attributes:
        efforts: of each configuration of which it was measured.
        calibration: of predicted Dice.
    """

    efforts: tuple[MeasuredEfforts, ...]
    calibration: DiceCalibration


def measure_confidence(
    workspace: Workspace,
    plan_name: str,
    configurations: Sequence[str],
    progress: Progress,
    most_minutes: float = MOST_MINUTES,
) -> Confidence:
    """Measure flips and overlaps of configurations, and the predicted Dice of their mean, and write both.

    Args:
        workspace: with trained and validated folds.
        plan_name: of the workspace's plan.
        configurations: that predict together; empty for those that are selected, or that the plan predicts with.
        progress: receiver of progress reports.
        most_minutes: for the flips of each configuration.

    Raises:
        WorkspaceError: nothing is trained.
    """
    plan, _ = read_plan(workspace, plan_name)
    names, decision = find_decision(workspace, plan, configurations)
    files = (workspace.quality(plan_name), workspace.predicted_dice(plan_name))
    refuse_links_out(workspace.root, files)
    with locked(workspace.models(plan_name), "measuring what flips bring"):
        efforts = [measure_quality(workspace, plan_name, name, progress, most_minutes) for name in names]
        calibration = measure_predicted_dice(workspace, plan_name, names, decision, progress)
    return Confidence(efforts=tuple(one for one in efforts if one is not None), calibration=calibration)


def measure_if_missing(
    workspace: Workspace, plan_name: str, configuration: str, progress: Progress, fold_minutes: float | None = None
) -> None:
    """Measure after a training, which is as good without; what is known of these weights is not measured again.

    Args:
        workspace: with the trained folds.
        plan_name: of the workspace's plan.
        configuration: that was trained.
        progress: receiver of progress reports.
        fold_minutes: that a fold was given to train; None where these were not limited.
    """
    most_minutes = MOST_MINUTES if fold_minutes is None else min(MOST_MINUTES, _FOLD_SHARE * fold_minutes)
    with _saying("What flips bring and how well a Dice can be predicted", progress):
        plan, _ = read_plan(workspace, plan_name)
        names, _ = find_decision(workspace, plan, ())
        for wanted in dict.fromkeys(((configuration,), names)):
            trained = _measure_missing_dice(workspace, plan, wanted, progress)
            _measure_missing_efforts(workspace, plan_name, trained, progress, most_minutes)


def measure_selected(workspace: Workspace, plan_name: str, progress: Progress) -> None:
    """Measure the predicted Dice of what was just selected, which is as good without."""
    with _saying("How well a Dice can be predicted", progress):
        plan, _ = read_plan(workspace, plan_name)
        _measure_missing_dice(workspace, plan, (), progress)


@contextmanager
def _saying(what: str, progress: Progress) -> Iterator[None]:
    try:
        yield
    except StoppedError:
        raise
    except AutosegError as error:
        progress.say(f"{what} is not measured: {error}")


def _measure_missing_dice(
    workspace: Workspace, plan: Plan, configurations: Sequence[str], progress: Progress
) -> TrainedFolds:
    """Measure unless it is known, and return the folds that it is measured on."""
    names, decision = find_decision(workspace, plan, configurations)
    trained = find_trained(workspace, plan, names)
    if find_calibration(workspace, plan.name, trained, decision, warned=False) is None:
        measure_predicted_dice(workspace, plan.name, names, decision, progress)
    return trained


def _measure_missing_efforts(
    workspace: Workspace, plan_name: str, trained: TrainedFolds, progress: Progress, most_minutes: float
) -> None:
    known = {one.configuration for one in find_efforts(workspace, plan_name, trained)}
    for one in trained.stages:
        name = [*one][-1]
        if name not in known:
            measured = measure_quality(workspace, plan_name, name, progress, most_minutes)
            if measured is not None:
                progress.say(describe_efforts(measured))
