"""Measurement of predicted Dice on a cross-validation, and its use for new scans."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from functools import partial

from autoseg.confidence import Measured, calibrate, measure_signs
from autoseg.evaluation import DICE_ONLY, scheme_targets, score_case
from autoseg.models.predicted_dice import REMEDY, DiceCalibration, PredictedDiceFile
from autoseg.pipeline.confidence.unseen_cases import UnseenCase, are_known, identify_folds, list_unseen
from autoseg.pipeline.folds.seen_cases import describe_seen
from autoseg.pipeline.models.trained_folds import TrainedFolds, find_trained
from autoseg.pipeline.plans.reading import read_plan
from autoseg.prediction import Decision, Segmented, decide
from autoseg.progress import Progress
from autoseg.workspace.fold import FULL
from autoseg.workspace.workspace import Workspace
from dataset_fingerprints.errors import FileFormatError
from dataset_fingerprints.failures import Failure, attempt, list_failures
from dataset_fingerprints.files.jsonfiles import read_json, write_json
from dataset_fingerprints.geometry import canonical_grid
from dataset_fingerprints.names import counted

_log = logging.getLogger(__name__)


def measure_predicted_dice(
    workspace: Workspace,
    plan_name: str,
    configurations: Sequence[str],
    decision: Decision,
    progress: Progress,
) -> DiceCalibration:
    """Measure how well the Dice of masks is predicted, write it beside the plan's models, and return it.

    A single trained fold is enough, if it was validated on `LEAST_CASES` cases with masks that are not empty.

    Args:
        workspace: with validated folds.
        plan_name: of the workspace's plan.
        configurations: whose mean predicts; empty for those that the plan predicts with.
        decision: that makes masks of it.
        progress: receiver of progress reports.

    Raises:
        WorkspaceError: nothing is trained.
    """
    plan, _ = read_plan(workspace, plan_name)
    trained = find_trained(workspace, plan, configurations)
    weights = identify_folds(trained)
    cases = list(list_unseen(workspace, trained, weights))
    measured = _measure(cases, decision, progress)
    scheme = trained.scheme()
    targets, scan = calibrate(measured, [part.name for part in scheme.regions or scheme.labels])
    calibration = DiceCalibration(
        configurations=tuple([*one][-1] for one in trained.stages),
        thresholds=decision.thresholds,
        postprocessing=decision.postprocessing,
        measured_on=tuple(weights.values()),
        targets=targets,
        scan=scan,
        seen=describe_seen((case.name for case in cases), weights),
    )
    place = workspace.predicted_dice(plan_name)
    write_json(place, _read_file(workspace, plan_name).put(calibration))
    return calibration


def _measure(cases: Sequence[UnseenCase], decision: Decision, progress: Progress) -> list[Measured]:
    """Return the signs and the Dice of out-of-fold masks; cases whose files are damaged are logged and left out."""
    outcomes = []
    with progress.task(f"Predicted Dice: {counted(len(cases), 'case')}", len(cases)) as task:
        for case in cases:
            outcomes.append(attempt(case.name, "is left out", partial(measure_case, case, decision)))
            task.advance()
    failures = [outcome for outcome in outcomes if isinstance(outcome, Failure)]
    if failures:
        _log.warning("The Dice is predicted without %s:\n%s", counted(len(failures), "case"), list_failures(failures))
    return [outcome for outcome in outcomes if isinstance(outcome, Measured)]


def measure_case(case: UnseenCase, decision: Decision) -> Measured:
    """Return the signs and the Dice of one out-of-fold mask.

    Raises:
        AutosegError: a file is damaged.
    """
    probabilities, reference = case.read()
    scheme = probabilities.scheme
    labels = scheme.to_values(decide(probabilities, decision))
    segmented = Segmented(labels=labels, probabilities=probabilities, members=(probabilities,))
    spacing_mm = canonical_grid(probabilities.source_grid).spacing_mm()
    scores = score_case(labels, scheme.to_values(reference), scheme_targets(scheme), spacing_mm, case.name, DICE_ONLY)
    return Measured(
        subject=case.subject,
        fold=case.fold,
        signs=measure_signs(segmented, decision.thresholds, divided=False),
        dice=tuple(label.number("dice") for label in scores.labels),
    )


def find_calibration(
    workspace: Workspace, plan_name: str, trained: TrainedFolds, decision: Decision, *, warned: bool = True
) -> DiceCalibration | None:
    """Return how the Dice of what some folds predict is predicted; None where it was not measured on these.

    Args:
        workspace: with the folds.
        plan_name: of the workspace's plan.
        trained: that predict together: all folds that it was measured on, or some of them.
        decision: that makes masks of it.
        warned: whether it is logged where something was measured, but not on these.
    """
    names = [[*one][-1] for one in trained.stages]
    found = _read_file(workspace, plan_name).find(names)
    # A model of all cases has left none to measure it on.
    if found is None or any(folder.name() == FULL for folder in trained.folders()):
        return None
    doubt = doubt_calibration(workspace, plan_name, found, trained, decision)
    if not doubt:
        return found
    if warned:
        _log.warning("%s", doubt)
    return None


def doubt_calibration(
    workspace: Workspace, plan_name: str, found: DiceCalibration, trained: TrainedFolds, decision: Decision
) -> str:
    """Return why a calibration does not hold for folds that predict together, in a sentence; empty where it does.

    Args:
        workspace: with the folds.
        plan_name: of the workspace's plan.
        found: the calibration.
        trained: the folds.
        decision: that makes masks of what they predict.
    """
    if (found.thresholds, found.postprocessing) != (decision.thresholds, decision.postprocessing):
        why = "was measured for masks that are decided by another rule"
    elif not are_known(trained, found.measured_on):
        why = "was measured with other weights"
    else:
        return ""
    return f"{workspace.predicted_dice(plan_name)}: {why}, so that no Dice is predicted. {REMEDY}"


def _read_file(workspace: Workspace, plan_name: str) -> PredictedDiceFile:
    """Return what was measured; nothing where the file is not there or damaged, which is logged."""
    place = workspace.predicted_dice(plan_name)
    if place.is_file():
        try:
            return read_json(place, PredictedDiceFile, REMEDY)
        except FileFormatError as error:
            _log.warning("%s", error)
    return PredictedDiceFile(calibrations=())
