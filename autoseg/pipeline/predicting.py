"""`predict`: masks for new scans, on their own grid."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

from autoseg.hardware import choose_device
from autoseg.pipeline.new_scans import NewScan, find_scans
from autoseg.pipeline.planning import read_plan
from autoseg.prediction import Ensemble, load_ensemble
from autoseg.progress import Progress
from autoseg.workspace.fold import FoldFolder
from autoseg.workspace.workspace import Workspace
from dataset_fingerprints.errors import DataError, WorkspaceError
from dataset_fingerprints.measuring.scans import read_scan
from dataset_fingerprints.reading.images import is_image, write_label_map
from planners.order import find_configuration
from planners.plan import Configuration, Plan


@dataclass(frozen=True, kw_only=True, slots=True)
class PredictionOptions:
    """What a person may say about predicting; everything has a default.

    Attributes:
        configuration: None for the plan's default.
        folds: names of the folds to average; empty for all that are trained.
        mirror: average over flips, which costs up to eight times the time and is worth about a point of Dice.
        overwrite: predict scans again whose mask exists.
        zero_missing: take scans that lack some of their channels, and fill in zeros.
    """

    plan_name: str = "default"
    configuration: str | None = None
    folds: tuple[str, ...] = ()
    mirror: bool = True
    overwrite: bool = False
    zero_missing: bool = False


def predict(
    scans: Path, out: Path, workspace: Workspace, options: PredictionOptions, progress: Progress
) -> tuple[Path, ...]:
    """Predict a file or all scans of a folder, and write one mask each.

    Args:
        scans: a file, or a folder of files (CASE.nii.gz, or CASE_0000.nii.gz and so on per channel); a DICOM series is
            a folder of its own, in place of a file.
        out: a folder, where masks have their scans' formats; for a single scan also the mask's own name.
        workspace: with trained folds.
        options: what a person said.
        progress: who listens.

    Returns:
        The masks' paths.

    Raises:
        DataError: nothing to predict, a channel is missing, or scans failed; all that could be done is done first.
        WorkspaceError: nothing is trained yet.
    """
    plan, _ = read_plan(workspace, options.plan_name)
    found = find_scans(scans, plan.channels, zero_missing=options.zero_missing)
    targets = _targets(found, out)
    ensemble = _load(workspace, plan, options)
    flips = f"flips {'on' if options.mirror else 'off'}"
    progress.say(f"{len(found)} scans, {_describe(ensemble)}, {flips}.")
    lacking = sum(scan.absent() > 0 for scan in found)
    if lacking:
        progress.say(f"{lacking} scans lack channels, filled with zeros: expect worse masks for them.")
    failures = []
    with progress.task("Predicting", len(found)) as task:
        for scan, target in zip(found, targets, strict=True):
            if options.overwrite or not target.is_file():
                failures += _predict_one(ensemble, scan, target)
            task.advance()
    if failures:
        raise DataError(f"{len(failures)} of {len(found)} scans could not be predicted:\n" + "\n".join(failures))
    return targets


def _describe(ensemble: Ensemble) -> str:
    folds = f"{len(ensemble.networks)} {'fold' if len(ensemble.networks) == 1 else 'folds averaged'}"
    if ensemble.previous is None:
        return folds
    name = ensemble.previous.window.configuration.name
    return f"{folds}, after a first stage {name} ({_describe(ensemble.previous)})"


def _targets(found: tuple[NewScan, ...], out: Path) -> tuple[Path, ...]:
    if len(found) == 1 and is_image(out):
        return (out,)
    if out.is_file():
        raise DataError(f"{out}: is a file. Give a folder for the masks with -o.")
    return tuple(out / f"{scan.name}{scan.mask_suffix()}" for scan in found)


def _load(workspace: Workspace, plan: Plan, options: PredictionOptions) -> Ensemble:
    """Load the chosen folds, and for a cascade all folds of its first stage, whichever are chosen of the second."""
    name = options.configuration or plan.default_configuration
    configuration = find_configuration(plan.configurations, name, f"plan {plan.name}")
    folders, previous = _folders(workspace, plan, configuration, options), None
    for entry in configuration.masks():
        previous = _load(workspace, plan, replace(options, configuration=entry.configuration, folds=()))
    return load_ensemble(folders, choose_device(), mirror=options.mirror, previous=previous)


def _folders(
    workspace: Workspace, plan: Plan, configuration: Configuration, options: PredictionOptions
) -> tuple[FoldFolder, ...]:
    if options.folds:
        chosen = tuple(workspace.fold(plan.name, configuration.name, fold) for fold in options.folds)
        missing = [folder.root.name for folder in chosen if not folder.weight_files()]
        if missing:
            raise WorkspaceError(f"{workspace.root}: {', '.join(missing)} of {configuration.name} is not trained yet.")
        return chosen
    found = workspace.trained_folds(plan.name, configuration.name)
    if not found:
        raise WorkspaceError(
            f"{workspace.root}: no fold of {configuration.name} is trained yet. Run `autoseg train 0` first."
        )
    return found


def _predict_one(ensemble: Ensemble, scan: NewScan, target: Path) -> list[str]:
    try:
        read = read_scan(scan.name, scan.images, ensemble.run.channels)
    except DataError as error:
        return [f"  {error}"]
    try:
        write_label_map(target, ensemble.predict(read), read.source_grid)
    except DataError as error:
        return [f"  case {scan.name}: {error}"]
    return []
