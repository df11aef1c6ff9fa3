"""`predict`: masks for new scans, on their own grid."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TypeVar

from autoseg.hardware import ran_out_of_memory, release_memory
from autoseg.pipeline.new_scans import NewScan, find_scans
from autoseg.pipeline.planning import read_plan
from autoseg.pipeline.stopping import undisturbed
from autoseg.pipeline.trained import load_predictor
from autoseg.prediction import Fallback, Predictor, decide
from autoseg.progress import Progress
from autoseg.workspace.workspace import Workspace
from dataset_fingerprints.errors import DataError, PartlyDoneError
from dataset_fingerprints.failures import Failure, attempt, list_failures
from dataset_fingerprints.fault_log import first_line
from dataset_fingerprints.measuring.scans import read_scan
from dataset_fingerprints.reading.images import is_image, write_label_map
from planners.plan import Plan

T = TypeVar("T")

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
        series: which DICOM series to take where there are several: a part of the description, or a SeriesInstanceUID.
    """

    plan_name: str = "default"
    configurations: tuple[str, ...] = ()
    folds: tuple[str, ...] = ()
    mirror: bool = True
    overwrite: bool = False
    zero_missing: bool = False
    series: str = ""


def predict(
    scans: Path, out: Path, workspace: Workspace, options: PredictionOptions, progress: Progress
) -> tuple[Path, ...]:
    """Predict a file or all scans of a folder, and write one mask each.

    Args:
        scans: a file, or a folder of files (CASE.nii.gz, or CASE_0000.nii.gz and so on per channel); a DICOM series is
            a folder of its own, in place of a file, or lies in sub-folders of a folder.
        out: a folder, where masks have their scans' formats; for a single scan also the mask's own name.
        workspace: with trained folds.
        options: what a person said.
        progress: receiver of progress reports.

    Returns:
        The masks' paths.

    Raises:
        DataError: nothing to predict, a channel is missing, or all scans failed.
        PartlyDoneError: some scans failed; all that could be done is done first.
        WorkspaceError: nothing is trained yet.
    """
    plan, _ = read_plan(workspace, options.plan_name)
    found = find_scans(scans, plan.channels, zero_missing=options.zero_missing, series=options.series)
    targets = _targets(found, out)
    model = load_predictor(workspace, plan, options.configurations, options.folds, mirror=options.mirror)
    flips = f"flips {'on' if options.mirror else 'off'}"
    progress.say(f"{len(found)} scans, {model.description}, {flips}.")
    lacking = sum(scan.absent() > 0 for scan in found)
    if lacking:
        progress.say(f"{lacking} scans lack channels, filled with zeros: expect worse masks for them.")
    there = 0 if options.overwrite else sum(target.is_file() for target in targets)
    if there:
        progress.say(f"{there} masks are there already and stay as they are. Give --overwrite to predict them again.")
    outcomes = []
    with progress.task("Predicting", len(found)) as task:
        for scan, target in zip(found, targets, strict=True):
            if options.overwrite or not target.is_file():
                work = partial(_predict_one, model.predictor, scan, target, plan, options.series)
                outcomes.append(_try_one(scan.name, work))
            task.advance()
    whole = sum(bool(outcome) for outcome in outcomes if not isinstance(outcome, Failure))
    if whole:
        progress.say(f"{whole} scans were looked at whole, because a stage found nothing to crop to.")
    failures = [outcome for outcome in outcomes if isinstance(outcome, Failure)]
    if failures:
        message = f"{len(failures)} of {len(found)} scans could not be predicted:\n{list_failures(failures)}"
        raise PartlyDoneError(message) if len(failures) < len(found) else DataError(message)
    return targets


def _targets(found: tuple[NewScan, ...], out: Path) -> tuple[Path, ...]:
    if len(found) == 1 and is_image(out):
        return (out,)
    if out.is_file():
        raise DataError(f"{out}: is a file. Give a folder for the masks with -o.")
    if any(image.absolute().parent == out.absolute() for scan in found for image in scan.images if image):
        raise DataError(
            f"{out}: holds the scans, among which masks would be taken for scans. Name another folder with -o."
        )
    return tuple(out / f"{scan.name}{scan.mask_suffix()}" for scan in found)


def _try_one(case: str, work: Callable[[], tuple[Fallback, ...]]) -> tuple[Fallback, ...] | Failure:
    """Return what came of one scan, or its failure; memory that it held is given back for the next."""
    outcome = attempt(case, "cannot be predicted", partial(_name_lack_of_memory, work))
    if isinstance(outcome, Failure):
        release_memory()
    return outcome


def _name_lack_of_memory(work: Callable[[], T]) -> T:
    try:
        return work()
    except RuntimeError as error:  # as torch reports a device without any memory left
        if ran_out_of_memory(error):
            raise MemoryError(first_line(error)) from error
        raise


def _predict_one(predictor: Predictor, scan: NewScan, target: Path, plan: Plan, series: str) -> tuple[Fallback, ...]:
    """Write a scan's mask, and return where a stage found nothing to crop to."""
    read = read_scan(scan.name, scan.images, plan.channels, series)
    probabilities = predictor.predict(read)
    for fallback in probabilities.fallbacks:
        _log.warning("case %s: %s", scan.name, fallback.describe())
    labels = plan.scheme.to_values(decide(probabilities))
    with undisturbed():
        write_label_map(target, labels, read.source_grid, read.header)
    return probabilities.fallbacks
