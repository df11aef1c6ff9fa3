"""`predict`: masks for new scans, on their own grid."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from autoseg.hardware import choose_device
from autoseg.pipeline.planning import find_configuration
from autoseg.pipeline.training import fold_folders, read_plan
from autoseg.prediction import Ensemble, load_ensemble
from autoseg.progress import Progress
from autoseg.workspace import Workspace
from dataset_fingerprints.errors import DataError, WorkspaceError
from dataset_fingerprints.images import IMAGE_SUFFIXES, case_stem, is_image, read_channel_count, write_label_map
from dataset_fingerprints.scans import read_scan
from planners.plan import Plan

_CHANNEL = re.compile(r"_(\d{4})$")


@dataclass(frozen=True, kw_only=True, slots=True)
class PredictionOptions:
    """What a person may say about predicting; everything has a default.

    Attributes:
        configuration: None for the plan's default.
        folds: names of the folds to average; empty for all that are trained.
        mirror: average over flips, which costs up to eight times the time and is worth about a point of Dice.
        overwrite: predict scans again whose mask exists.
    """

    plan_name: str = "default"
    configuration: str | None = None
    folds: tuple[str, ...] = ()
    mirror: bool = True
    overwrite: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class NewScan:
    """A scan to predict: its name and its channels' files."""

    name: str
    images: tuple[Path, ...]


def predict(
    scans: Path, out: Path, workspace: Workspace, options: PredictionOptions, progress: Progress
) -> tuple[Path, ...]:
    """Predict a file or all scans of a folder, and write one mask each.

    Args:
        scans: a file, or a folder of files (CASE.nii.gz, or CASE_0000.nii.gz and so on per channel).
        out: a folder; for a single file also the mask's own name.
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
    found = find_scans(scans, len(plan.channels))
    targets = _targets(found, scans, out)
    ensemble = load_ensemble(_folders(workspace, plan, options), choose_device(), mirror=options.mirror)
    progress.say(
        f"{len(found)} scans, {len(ensemble.networks)} folds averaged, flips {'on' if options.mirror else 'off'}."
    )
    failures = []
    with progress.task("Predicting", len(found)) as task:
        for scan, target in zip(found, targets, strict=True):
            if options.overwrite or not target.is_file():
                failures += _predict_one(ensemble, scan, target)
            task.advance()
    if failures:
        raise DataError(f"{len(failures)} of {len(found)} scans could not be predicted:\n" + "\n".join(failures))
    return targets


def find_scans(scans: Path, channels: int) -> tuple[NewScan, ...]:
    """Find the scans in a folder, or the one that a file belongs to.

    Raises:
        DataError: there is none, or channels are missing.
    """
    if not scans.exists():
        raise DataError(f"{scans}: does not exist. Expected a scan or a folder of scans.")
    if scans.is_file() and not is_image(scans):
        raise DataError(f"{scans}: is no image that can be read ({', '.join(IMAGE_SUFFIXES)}).")
    folder = scans if scans.is_dir() else scans.parent
    files = [file for file in sorted(folder.iterdir()) if is_image(file)]
    groups: dict[str, list[Path]] = {}
    for file in files:
        groups.setdefault(_case_name(file), []).append(file)
    if scans.is_file():
        name = _case_name(scans)
        groups = {name: groups[name] if channels > 1 else [scans]}
    if not groups:
        raise DataError(f"{scans}: holds no images ({', '.join(IMAGE_SUFFIXES)}).")
    wrong = [f"{name} ({len(group)})" for name, group in groups.items() if not _complete(group, channels)]
    if wrong:
        raise DataError(
            f"{scans}: expected {channels} channels per scan, found otherwise: {', '.join(wrong[:10])}. "
            "Name them CASE_0000, CASE_0001 and so on in the order of the training data, or give one 4D file."
        )
    return tuple(NewScan(name=name, images=tuple(group)) for name, group in groups.items())


def _case_name(file: Path) -> str:
    return _CHANNEL.sub("", case_stem(file))


def _complete(files: list[Path], channels: int) -> bool:
    return len(files) == channels or (len(files) == 1 and read_channel_count(files[0]) == channels)


def _targets(found: tuple[NewScan, ...], scans: Path, out: Path) -> tuple[Path, ...]:
    if scans.is_file() and is_image(out):
        return (out,)
    if out.is_file():
        raise DataError(f"{out}: is a file. Give a folder for the masks with -o.")
    return tuple(out / f"{scan.name}.nii.gz" for scan in found)


def _folders(workspace: Workspace, plan: Plan, options: PredictionOptions) -> tuple[Path, ...]:
    configuration = find_configuration(plan, options.configuration or plan.default_configuration)
    if options.folds:
        chosen = tuple(workspace.fold(plan.name, configuration.name, fold) for fold in options.folds)
        missing = [path.name for path in chosen if not (path / "weights.safetensors").is_file()]
        if missing:
            raise WorkspaceError(f"{workspace.root}: {', '.join(missing)} of {configuration.name} is not trained yet.")
        return chosen
    found = fold_folders(workspace, plan, configuration.name)
    if not found:
        raise WorkspaceError(
            f"{workspace.root}: no fold of {configuration.name} is trained yet. Run `autoseg train 0` first."
        )
    return found


def _predict_one(ensemble: Ensemble, scan: NewScan, target: Path) -> list[str]:
    try:
        read = read_scan(scan.name, scan.images, ensemble.plan.channels)
    except DataError as error:
        return [f"  {error}"]
    write_label_map(target, ensemble.predict(read), read.source_grid)
    return []
