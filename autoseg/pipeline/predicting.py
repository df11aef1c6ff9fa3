"""`predict`: masks for new scans, on their own grid."""

from __future__ import annotations

import logging
import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

from autoseg.pipeline.existing_masks import Made, Masks, find_kept
from autoseg.pipeline.known_cases import report_known_cases
from autoseg.pipeline.new_scans import NewScan, explain_channels, explain_digits, find_scans, list_left_out
from autoseg.pipeline.outputs import choose_targets
from autoseg.pipeline.planning import read_plan
from autoseg.pipeline.prediction_report import begin_report
from autoseg.pipeline.segmenting import Job, Outcome, Segmenting
from autoseg.pipeline.sources import USUAL, ModelChoice, Place, find_source
from autoseg.pipeline.trained import load_models
from autoseg.progress import Progress
from autoseg.workspace.workspace import Workspace
from dataset_fingerprints.checking.formats import describe_unsized, is_unsized
from dataset_fingerprints.errors import DataError, PartlyDoneError, WorkspaceError
from dataset_fingerprints.failures import Failure, list_failures
from dataset_fingerprints.files.atomic import sweep_partials
from dataset_fingerprints.layouts import Selection, find_layout
from dataset_fingerprints.names import counted, some_of
from dataset_fingerprints.reading.file_names import show_left_out

_log = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True, slots=True)
class PredictionOptions:
    """Options of predicting; all have a default.

    Attributes:
        choice: of a workspace, what to predict with.
        mirror: average over flips, which costs up to eight times the time and is worth about a point of Dice.
        overwrite: predict scans again whose mask exists.
        zero_missing: take scans that lack some of their channels, and fill in zeros.
        series: which DICOM series to take where there are several: a part of the description, or a SeriesInstanceUID.
        max_memory_gb: that predicting a scan may use beside the program itself, in GiB; infinite for what is free.
    """

    choice: ModelChoice = USUAL
    mirror: bool = True
    overwrite: bool = False
    zero_missing: bool = False
    series: str = ""
    channels: tuple[str, ...] = ()
    max_memory_gb: float = math.inf

    def check(self) -> None:
        """Make sure that the numbers can be meant.

        Raises:
            DataError: one cannot; the message names it.
        """
        if not self.max_memory_gb > 0:
            raise DataError(f"--max-memory-gb is {self.max_memory_gb:g}. Expected more than 0.")


def predict(scans: Path, out: Path, place: Place, options: PredictionOptions, progress: Progress) -> Masks:
    """Predict a file or all scans of a folder, and write one mask each.

    Args:
        scans: a file, or a folder of files (CASE.nii.gz, or CASE_0000.nii.gz and so on per channel); a DICOM series is
            a folder of its own, in place of a file, or lies in sub-folders of a folder.
        out: a folder, where masks have their scans' formats; for a single scan also the mask's own name.
        place: of the model.
        options: what a person said.
        progress: receiver of progress reports.

    Returns:
        The masks' paths, and which of them were there before.

    Raises:
        DataError: nothing to predict, a channel is missing, masks would lie on scans or raw data, or all scans failed.
        PartlyDoneError: some scans failed; all that could be done is done first.
        WorkspaceError: nothing is trained yet.
    """
    options.check()
    search = partial(
        find_scans,
        scans,
        zero_missing=options.zero_missing,
        series=options.series,
        selection=Selection(channels=options.channels),
    )
    workspace = place if isinstance(place, Workspace) else None
    try:
        source = find_source(place, options.choice)
    except WorkspaceError:
        # What is wrong with the scans is reported before, as far as the plan knows.
        if workspace is not None:
            choose_targets(search(read_plan(workspace, options.choice.plan_name)[0].channels), scans, out, workspace)
        raise
    found = search(source.run.channels)
    targets = choose_targets(found, scans, out, workspace)
    models = source.read()
    model = load_models(models, mirror=options.mirror, layout=find_layout(scans))
    model = replace(model, memory_gb=options.max_memory_gb)
    _introduce(
        found, scans, model.channels, progress, f"{model.description}, flips {'on' if options.mirror else 'off'}"
    )
    selected = models.selection.describe_taken() if models.selection else ""
    for sentence in (selected, *source.doubts):
        if sentence:
            progress.say(sentence)
    report_known_cases(found, source, progress)
    sweep_partials(*targets)
    made = Made(values=model.scheme.known_values(), weights=source.files)
    kept = find_kept(found, targets, made, progress, overwrite=options.overwrite)
    report = begin_report(source.run, model, targets[0].parent)
    jobs = [Job(scan=scan, target=target, kept=target in kept) for scan, target in zip(found, targets, strict=True)]
    with progress.task("Predicting", len(found)) as task:
        working = Segmenting(model=model, series=options.series, report=report, task=task)
        outcomes = dict(zip(targets, working.run(jobs), strict=True))
    _conclude([outcome for outcome in outcomes.values() if isinstance(outcome, Outcome)], progress)
    failures = [outcome for outcome in outcomes.values() if isinstance(outcome, Failure)]
    written = report.conclude(progress, named=targets == (out,))
    masks = Masks(
        paths=tuple(target for target in targets if not isinstance(outcomes.get(target), Failure)),
        failed=len(failures),
        kept=kept,
        warnings=tuple(report.warnings),
        table=written.table,
        pictures=written.pictures,
    )
    if failures:
        message = f"{len(failures)} of {counted(len(found), 'scan')} could not be predicted:\n{list_failures(failures)}"
        raise PartlyDoneError(message, result=masks) if len(failures) < len(found) else DataError(message)
    return masks


def _introduce(found: Sequence[NewScan], scans: Path, channels: Sequence[str], progress: Progress, model: str) -> None:
    """Say what is predicted and by what, and what about the files is remarkable."""
    progress.say(f"{counted(len(found), 'scan')}, {model}.")
    lacking = [scan.name for scan in found if scan.absent()]
    if lacking:
        progress.say(
            f"{counted(len(lacking), 'scan lacks', 'scans lack')} channels, filled with zeros: expect worse masks for "
            f"{'it' if len(lacking) == 1 else 'them'} ({some_of(lacking)})."
        )
    left_out, digits = list_left_out(scans, found), explain_digits(found, channels)
    if left_out:
        progress.say(f"{show_left_out(left_out)}.")
    for sentence in (digits, explain_channels(found, channels)):
        if sentence:
            progress.say(sentence)
    unsized = [scan for scan in found if is_unsized(scan.files()[0])]
    if unsized:
        _log.warning("%s", describe_unsized([scan.name for scan in unsized], [scan.files()[0] for scan in unsized]))


def _conclude(outcomes: Sequence[Outcome], progress: Progress) -> None:
    """Say which masks are another kind of answer than the others."""
    whole: dict[str, list[str]] = {}
    for outcome in outcomes:
        for fallback in outcome.fallbacks:
            whole.setdefault(fallback.describe(), []).append(outcome.scan)
    for what, scans in whole.items():
        progress.say(f"{counted(len(scans), 'scan was', 'scans were')} looked at whole ({some_of(scans)}): {what}")
    blank = [outcome.scan for outcome in outcomes if outcome.blank]
    if blank:
        hold = counted(len(blank), "scan holds one value everywhere", "scans hold one value everywhere")
        progress.say(f"{hold} and got an empty mask: {some_of(blank)}.")
