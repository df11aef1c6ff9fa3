"""Keeping the workspace of one data set from being planned into for another one."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

from autoseg.workspace.workspace import Workspace
from dataset_fingerprints.dataset import Dataset
from dataset_fingerprints.errors import FileFormatError, WorkspaceError
from dataset_fingerprints.files.jsonfiles import read_json
from dataset_fingerprints.fingerprint import DatasetFingerprint
from dataset_fingerprints.measuring.identity import confirm


def find_place(dataset: Dataset) -> Path:
    """Return the path that a data set's workspace is called after: its folder, or its CSV without the suffix."""
    root = Path(dataset.root)
    return root / dataset.name if dataset.layout == "csv" else root


def refuse_other_dataset(workspace: Workspace, dataset: Dataset) -> None:
    """Make sure that a workspace is new, or was made of this data set, which may have moved and changed.

    A data set that lies elsewhere now is known by its name and by the content of the cases that are in both.

    Raises:
        WorkspaceError: it was made of another data set.
    """
    with suppress(FileFormatError):
        before = read_json(workspace.dataset, Dataset)
        here = (before.root, before.layout, before.name) == (dataset.root, dataset.layout, dataset.name)
        if here or (before.name == dataset.name and _share_content(workspace, dataset)):
            return
        raise WorkspaceError(
            f"{workspace.root}: was made of another data set, {_describe(before)}; this one is {_describe(dataset)}. "
            "Name a workspace of its own with -w."
        )


def _share_content(workspace: Workspace, dataset: Dataset) -> bool:
    """Return whether cases are in both data sets, and all of these have the files that were measured."""
    known = {case.case: case.identities for case in read_json(workspace.fingerprint, DatasetFingerprint).cases}
    common = [case for case in dataset.cases if case.name in known]
    return bool(common) and all(confirm(case, known[case.name]) is not None for case in common)


def _describe(dataset: Dataset) -> str:
    return f"'{dataset.name}' ({dataset.layout} layout, {len(dataset.cases)} cases, in {dataset.root})"
