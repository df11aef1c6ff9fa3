"""`predict`: masks for new scans, on their own grid."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from autoseg.pipeline.existing_masks import Masks, find_kept
from autoseg.pipeline.new_scans import NewScan, explain_digits, find_scans, list_left_out
from autoseg.pipeline.outputs import choose_targets
from autoseg.pipeline.planning import read_plan
from autoseg.pipeline.trained import list_weights, load_predictor
from autoseg.prediction import Fallback, Predictor, decide
from autoseg.progress import Progress
from autoseg.workspace.workspace import Workspace
from dataset_fingerprints.errors import DataError, PartlyDoneError
from dataset_fingerprints.files.atomic import sweep_partials
from dataset_fingerprints.measuring.scans import read_scan
from dataset_fingerprints.reading.file_names import show_left_out
from dataset_fingerprints.reading.images import write_label_map
from planners.plan import Plan

_log = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True, slots=True)
class PredictionOptions:
    """Options of predicting; all have a default.

    Attributes:
        configurations: names of those to average; empty for the plan's default.
        folds: names of the folds to average; empty for all that are trained.
        mirror: average over flips, which costs up to eight times the time and is worth about a point of Dice.
        overwrite: predict scans again whose mask exists.
        zero_missing: take scans that lack some of their channels, and fill in zeros.
    """

    plan_name: str = "default"
    configurations: tuple[str, ...] = ()
    folds: tuple[str, ...] = ()
    mirror: bool = True
    overwrite: bool = False
    zero_missing: bool = False


def predict(scans: Path, out: Path, workspace: Workspace, options: PredictionOptions, progress: Progress) -> Masks:
    """Predict a file or all scans of a folder, and write one mask each.

    Args:
        scans: a file, or a folder of files (CASE.nii.gz, or CASE_0000.nii.gz and so on per channel); a DICOM series is
            a folder of its own, in place of a file.
        out: a folder, where masks have their scans' formats; for a single scan also the mask's own name.
        workspace: with trained folds.
        options: what a person said.
        progress: receiver of progress reports.

    Returns:
        The masks' paths, and which of them were there before.

    Raises:
        DataError: nothing to predict, a channel is missing, masks would lie on scans or raw data, or all scans failed.
        PartlyDoneError: some scans failed; all that could be done is done first.
        WorkspaceError: nothing is trained yet.
    """
    plan, _ = read_plan(workspace, options.plan_name)
    found = find_scans(scans, plan.channels, zero_missing=options.zero_missing)
    targets = choose_targets(found, scans, out, workspace)
    model = load_predictor(workspace, plan, options.configurations, options.folds, mirror=options.mirror)
    _introduce(found, scans, plan, progress, f"{model.description}, flips {'on' if options.mirror else 'off'}")
    sweep_partials(*targets)
    weights = list_weights(workspace, plan, options.configurations, options.folds)
    kept = frozenset() if options.overwrite else find_kept(found, targets, weights, progress)
    outcomes = []
    with progress.task("Predicting", len(found)) as task:
        for scan, target in zip(found, targets, strict=True):
            if target not in kept:
                outcomes.append(_predict_one(model.predictor, scan, target, plan))
            task.advance()
    whole = sum(bool(outcome.fallbacks) for outcome in outcomes)
    if whole:
        progress.say(f"{whole} scans were looked at whole, because a stage found nothing to crop to.")
    failures = [outcome.failure for outcome in outcomes if outcome.failure]
    if failures:
        message = f"{len(failures)} of {len(found)} scans could not be predicted:\n" + "\n".join(failures)
        raise PartlyDoneError(message) if len(failures) < len(found) else DataError(message)
    return Masks(paths=targets, kept=kept)


def _introduce(found: Sequence[NewScan], scans: Path, plan: Plan, progress: Progress, model: str) -> None:
    """Say what is predicted and by what, and what about the files is remarkable."""
    progress.say(f"{len(found)} scans, {model}.")
    lacking = sum(scan.absent() > 0 for scan in found)
    if lacking:
        progress.say(f"{lacking} scans lack channels, filled with zeros: expect worse masks for them.")
    left_out, digits = list_left_out(scans, found), explain_digits(found, plan.channels)
    if left_out:
        progress.say(f"{show_left_out(left_out)}.")
    if digits:
        progress.say(digits)


@dataclass(frozen=True, kw_only=True, slots=True)
class _Outcome:
    """Result of one scan; `failure` is empty where a mask was written."""

    failure: str = ""
    fallbacks: tuple[Fallback, ...] = ()


def _predict_one(predictor: Predictor, scan: NewScan, target: Path, plan: Plan) -> _Outcome:
    try:
        read = read_scan(scan.name, scan.images, plan.channels)
    except DataError as error:
        return _Outcome(failure=f"  {error}")
    probabilities = predictor.predict(read)
    for fallback in probabilities.fallbacks:
        _log.warning("case %s: %s", scan.name, fallback.describe())
    try:
        write_label_map(target, plan.scheme.to_values(decide(probabilities)), read.source_grid)
    except DataError as error:
        return _Outcome(failure=f"  case {scan.name}: {error}")
    return _Outcome(fallbacks=probabilities.fallbacks)
