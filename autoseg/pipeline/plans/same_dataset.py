"""Keeping the workspace of one data set from being planned into for another one."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from autoseg.workspace.workspace import Workspace
from dataset_fingerprints.dataset import Case, Dataset, is_there
from dataset_fingerprints.errors import FileFormatError, WorkspaceError
from dataset_fingerprints.files.jsonfiles import read_json
from dataset_fingerprints.files.places import resolve
from dataset_fingerprints.fingerprint import DatasetFingerprint, FileIdentity
from dataset_fingerprints.layouts import read_dataset
from dataset_fingerprints.layouts.table_text import TABLE_SUFFIXES
from dataset_fingerprints.measuring.identity import confirm, identify
from dataset_fingerprints.names import counted


def find_place(dataset: Dataset) -> Path:
    """Return the path that a data set's workspace is called after: its folder, or its CSV without the suffix."""
    root = Path(dataset.root)
    return root / dataset.name if dataset.layout == "csv" else root


def find_data(workspace: Workspace) -> Path:
    """Return the path that a workspace's data set was read from: its folder, or its CSV.

    Raises:
        WorkspaceError: the CSV is not there any more, or a TSV of its name lies beside it.
    """
    dataset = read_json(workspace.dataset, Dataset)
    if dataset.layout != "csv":
        return Path(dataset.root)
    tables = [Path(dataset.root) / f"{dataset.name}{suffix}" for suffix in TABLE_SUFFIXES]
    found = [table for table in tables if table.is_file()]
    if len(found) != 1:
        raise WorkspaceError(
            f"{workspace.root}: was made of a table, {' or '.join(map(str, tables))}, of which {len(found)} are there. "
            "Expected one: name the table with --data."
        )
    return found[0]


def refuse_other_place(workspace: Workspace, place: Path) -> None:
    """Do the same as `refuse_other_dataset` for a path, without reading the data set where it is the one known.

    Raises:
        WorkspaceError: the workspace was made of another data set.
        DataError: at another path there is no data set.
    """
    known = find_place(read_json(workspace.dataset, Dataset))
    name = place.stem if place.suffix.lower() in TABLE_SUFFIXES else place.name
    if resolve(place.parent) / name != known:
        refuse_other_dataset(workspace, read_dataset(place))


def refuse_other_dataset(workspace: Workspace, dataset: Dataset) -> None:
    """Make sure that a workspace is new, or was made of this data set, which may have moved and changed.

    A data set that lies elsewhere now is known by its name and by the scans of the cases that are in both.

    Raises:
        WorkspaceError: it was made of another data set.
    """
    try:
        before = read_json(workspace.dataset, Dataset)
    except FileFormatError:
        return
    here = (before.root, before.layout, before.name) == (dataset.root, dataset.layout, dataset.name)
    if here or (before.name == dataset.name and _share_content(workspace, before, dataset)):
        return
    raise WorkspaceError(
        f"{workspace.root}: was made of another data set, {_describe(before)}; this one is {_describe(dataset)}. "
        "Name a workspace of its own with -w."
    )


def _share_content(workspace: Workspace, before: Dataset, dataset: Dataset) -> bool:
    """Return whether cases are in both data sets, and most of these have the scan that was measured.

    Where no measurements can be read, as of a first planning that was killed, cases of the same names are enough.
    """
    try:
        known = {case.case: case.identities for case in read_json(workspace.fingerprint, DatasetFingerprint).cases}
    except FileFormatError:
        return not {case.name for case in before.cases}.isdisjoint(case.name for case in dataset.cases)
    same = [_is_same(case, known[case.name]) for case in dataset.cases if case.name in known]
    return 2 * sum(same) > len(same)


def _is_same(case: Case, measured: Sequence[FileIdentity]) -> bool:
    """Return whether a case has the files that were measured, or at least the same scan with another label map."""
    if confirm(case, measured) is not None:
        return True
    scan = case.images[0]
    return is_there(scan) and identify(Path(scan)).sha256 == measured[0].sha256


def _describe(dataset: Dataset) -> str:
    return f"'{dataset.name}' ({dataset.layout} layout, {counted(len(dataset.cases), 'case')}, in {dataset.root})"
