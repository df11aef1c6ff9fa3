"""`predict`: masks for new scans, on their own grid."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from autoseg.models.bundle import own_version
from autoseg.pipeline.confidence.ways import USUAL_WAY, Way
from autoseg.pipeline.models.sources import USUAL, ModelChoice, ModelSource, Place, find_source
from autoseg.pipeline.models.trained import load_models
from autoseg.pipeline.plans.reading import read_plan
from autoseg.pipeline.predictions.extras import NO_MORE, Extras, Wanted, choose_extras
from autoseg.pipeline.predictions.inputs import Inputs, Search, find_inputs
from autoseg.pipeline.predictions.prediction_report import Written, begin_report
from autoseg.pipeline.predictions.recording import describe_model
from autoseg.pipeline.predictions.saying import conclude, describe_lacking, introduce
from autoseg.pipeline.predictions.stopped import recorded_if_stopped
from autoseg.pipeline.predictions.targets import Targets, choose_targets
from autoseg.pipeline.scans.existing_masks import Made, Masks, find_kept
from autoseg.pipeline.scans.known_cases import report_known_cases
from autoseg.pipeline.scans.scan_warnings import ScanWarning
from autoseg.pipeline.scans.segmenting import Job, Outcome, Segmenting
from autoseg.progress import Progress
from autoseg.workspace.workspace import Workspace
from dataset_fingerprints.errors import DataError, PartlyDoneError, WorkspaceError
from dataset_fingerprints.failures import Failure, list_failures
from dataset_fingerprints.files.atomic import sweep_partials
from dataset_fingerprints.layouts import Selection
from dataset_fingerprints.names import counted, some_of


@dataclass(frozen=True, kw_only=True, slots=True)
class PredictionOptions:
    """Options of predicting; all have a default.

    Attributes:
        choice: of a workspace, what to predict with.
        way: to predict: flips cost up to eight times the time and are worth about a point of Dice.
        overwrite: predict scans again whose mask exists.
        zero_missing: take scans that lack some of their channels, and fill in zeros.
        series: which DICOM series to take where there are several: a part of the description, or a SeriesInstanceUID.
        channels: of trees and tables, the files that are the model's channels; empty for those called so.
        wanted: maps beside the masks.
        bids: write masks of BIDS trees as a BIDS derivative.
        max_memory_gb: that predicting a scan may use beside the program itself, in GiB; infinite for what is free.
    """

    choice: ModelChoice = USUAL
    way: Way = USUAL_WAY
    overwrite: bool = False
    zero_missing: bool = False
    series: str = ""
    channels: tuple[str, ...] = ()
    wanted: Wanted = NO_MORE
    bids: bool = True
    max_memory_gb: float = math.inf

    def check(self) -> None:
        """Make sure that the numbers can be meant.

        Raises:
            DataError: one cannot; the message names it.
        """
        if not self.max_memory_gb > 0:
            raise DataError(f"--max-memory-gb is {self.max_memory_gb:g}. Expected more than 0.")


@dataclass(frozen=True, kw_only=True, slots=True)
class _Work:
    """Everything that is known before the first scan is predicted.

    Attributes:
        targets: places of the masks.
        place: of the model.
    """

    inputs: Inputs
    targets: Targets
    place: Place
    source: ModelSource


def predict(scans: Sequence[Path], out: Path, place: Place, options: PredictionOptions, progress: Progress) -> Masks:
    """Predict the scans of all inputs, and write one mask each.

    Args:
        scans: files; folders of files (CASE.nii.gz, or CASE_0000.nii.gz and so on per channel), with those in their
            sub-folders; data sets as training takes them. A DICOM series is a folder of its own, in place of a file,
            or lies in sub-folders of a folder.
        out: a folder, where masks have their scans' formats and sub-folders; for a single scan also the mask's own
            name, beside which only a record is written. Masks of BIDS trees make a BIDS derivative.
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
    work = _find_work(scans, out, place, options)
    models = work.source.read()
    models = models.take_first() if options.choice.single else models
    model = load_models(models, way=options.way, layout=work.inputs.layout())
    model = replace(model, memory_gb=options.max_memory_gb)
    recorded = describe_model(place, work.source, models, model, options.way)
    several = models.count_networks() > 1
    wanted = replace(options.wanted, disagreement=options.wanted.uncertainty and models.can_disagree())
    extras = choose_extras(work.inputs.scans(), work.targets, (model.scheme, model.mask_scheme), wanted, options.series)
    introduce(work.inputs, model, progress)
    selected = models.selection.describe_taken() if models.selection else ""
    classes = models.lesion_classes.description.describe() if models.lesion_classes else ""
    del models
    lacking = describe_lacking(extras, work.inputs, work.targets, wanted, several=several)
    for sentence in (selected, classes, *work.source.doubts, *lacking):
        if sentence:
            progress.say(sentence)
    known = report_known_cases(work.inputs.scans(), work.source, progress)
    named = work.targets.paths[0] if work.targets.named else None
    report = begin_report(work.source.run, model, work.targets.folder, recorded, known=known, named=named)
    made = Made(
        values=model.mask_scheme.known_values(),
        weights=work.source.files,
        recall=report.recall,
        made_of=report.made_of,
    )
    kept = _find_kept(work, made, extras, progress, overwrite=options.overwrite)
    jobs = _list_jobs(work, extras, kept)
    if work.targets.derivative is not None:
        work.targets.derivative.describe(own_version(), model.description)
    with (
        progress.task("Predicting", len(jobs)) as task,
        recorded_if_stopped(report, jobs, work.targets, overwrite=options.overwrite),
    ):
        outcomes = tuple(Segmenting(model=model, series=options.series, report=report, task=task).run(jobs))
    conclude([outcome for outcome in outcomes if isinstance(outcome, Outcome)], progress)
    written = report.conclude(progress)
    return _settle(work.targets, extras, kept, outcomes, written, tuple(report.warnings))


def _find_work(scans: Sequence[Path], out: Path, place: Place, options: PredictionOptions) -> _Work:
    """Return the scans, the places of their masks and the model, whose weights are not read yet."""
    workspace = place if isinstance(place, Workspace) else None
    search = Search(
        zero_missing=options.zero_missing, series=options.series, selection=Selection(channels=options.channels)
    )
    try:
        source = find_source(place, options.choice)
    except WorkspaceError:
        # What is wrong with the scans is reported before, as far as the plan knows.
        if workspace is not None:
            plan, _ = read_plan(workspace, options.choice.plan_name)
            found = find_inputs(scans, plan.channels, search, out)
            choose_targets(found, out, workspace, plan.scheme if options.bids else None)
        raise
    inputs = find_inputs(scans, source.run.channels, search, out)
    targets = choose_targets(inputs, out, workspace, source.mask_scheme() if options.bids else None)
    return _Work(inputs=inputs, targets=targets, place=place, source=source)


def _find_kept(
    work: _Work, made: Made, extras: Sequence[Extras], progress: Progress, *, overwrite: bool
) -> frozenset[Path]:
    """Return the masks that stay, when what a killed run left half written is gone."""
    sweep_partials(*work.targets.paths, *(path for one in extras for path in one.paths()))
    return find_kept(work.inputs.scans(), work.targets.paths, made, progress, overwrite=overwrite)


def _list_jobs(work: _Work, extras: Sequence[Extras], kept: frozenset[Path]) -> tuple[Job, ...]:
    return tuple(
        Job(scan=scan, target=target, kept=target in kept, extras=more)
        for scan, target, more in zip(work.inputs.scans(), work.targets.paths, extras, strict=True)
    )


def _settle(
    targets: Targets,
    extras: Sequence[Extras],
    kept: frozenset[Path],
    outcomes: Sequence[Outcome | Failure | None],
    written: Written,
    warnings: tuple[ScanWarning, ...],
) -> Masks:
    """Return the masks, or raise what failed."""
    failed = {path for path, outcome in zip(targets.paths, outcomes, strict=True) if isinstance(outcome, Failure)}
    masks = Masks(
        paths=tuple(path for path in targets.paths if path not in failed or path in kept),
        failed=len(failed),
        kept=kept,
        warnings=warnings,
        table=written.table,
        pictures=written.pictures,
        folder=None if targets.named else targets.folder,
        record=written.record,
        lesions=written.lesions,
        maps=tuple(path for one in extras for path in one.maps.paths() if path.is_file()),
        segmentations=tuple(one.seg for one in extras if one.seg is not None and one.seg.is_file()),
    )
    failures = [outcome for outcome in outcomes if isinstance(outcome, Failure)]
    if failures:
        scans = counted(len(outcomes), "scan")
        stale = [path.name for path in targets.paths if path in failed and path not in kept and path.is_file()]
        message = f"{len(failures)} of {scans} could not be predicted:\n{list_failures(failures)}{_warn_of(stale)}"
        raise PartlyDoneError(message, result=masks) if masks.paths else DataError(message)
    return masks


def _warn_of(stale: Sequence[str]) -> str:
    """Return a line about masks that were to be replaced and are still there; empty where there are none."""
    if not stale:
        return ""
    there = counted(len(stale), "mask of an earlier run is", "masks of an earlier run are")
    return f"\n{there} still there: {some_of(stale, 10)}. Delete what is not to lie among the new masks."
