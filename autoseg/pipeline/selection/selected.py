"""The selection of a workspace, and whether it is about the folds that predict."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from autoseg.models.selection import REMEDY, MeasuredFold, Selection
from autoseg.pipeline.folds.out_of_fold import identify_weights
from autoseg.workspace.fold import FoldFolder
from autoseg.workspace.workspace import Workspace
from dataset_fingerprints.files.jsonfiles import read_json

GONE = "What `autoseg select` chose is not used: its folds are not there. Give `autoseg select` again."


def read_selection(workspace: Workspace, plan: str) -> Selection | None:
    """Return what was selected for a plan's trained configurations, or None where nothing was.

    Raises:
        FileFormatError: the file is damaged.
    """
    path = workspace.selection(plan)
    return read_json(path, Selection, REMEDY) if path.is_file() else None


def measure_folds(folders: Iterable[FoldFolder]) -> tuple[MeasuredFold, ...]:
    """Return folds with the hashes of their weights."""
    return tuple(
        MeasuredFold(configuration=folder.root.parent.name, fold=folder.name(), weights=identify_weights(folder))
        for folder in folders
    )


def find_mismatch(selection: Selection, folders: Sequence[FoldFolder]) -> str:
    """Return why a selection does not hold for folds that predict together, in a sentence; empty where it does.

    Args:
        selection: of their workspace.
        folders: of all averaged configurations, and of the stages that these need, as `find_trained` returns them.
    """
    known = {(one.configuration, one.fold): one.weights for one in selection.measured_on}
    given = {(folder.root.parent.name, folder.name()): folder for folder in folders}
    if known.keys() != given.keys():
        return f"it was made on {_list(known)}, and {_list(given)} predict{'s' if len(given) == 1 else ''}."
    changed = [key for key, folder in given.items() if identify_weights(folder) != known[key]]
    if changed:
        return f"{_list(changed)} {'was' if len(changed) == 1 else 'were'} trained since. Give `autoseg select` again."
    return ""


def say_unused(selection: Selection, folders: Sequence[FoldFolder]) -> str:
    """Return the sentence that a selection is not used for folds that predict together, and why; empty where it is."""
    mismatch = find_mismatch(selection, folders)
    return f"What `autoseg select` chose is not used: {mismatch}" if mismatch else ""


def _list(keys: Iterable[tuple[str, str]]) -> str:
    """Return folds in words: `folds 0, 1 of 2d and fold 0 of 3d_fullres`."""
    by_configuration: dict[str, list[str]] = {}
    for configuration, fold in keys:
        by_configuration.setdefault(configuration, []).append(fold)
    return " and ".join(
        f"fold{'s' if len(folds) > 1 else ''} {', '.join(sorted(folds))} of {configuration}"
        for configuration, folds in sorted(by_configuration.items())
    )
