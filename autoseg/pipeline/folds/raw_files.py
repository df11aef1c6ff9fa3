"""The arrays that a fold is trained on, and their raw files: whether these are what they were when it was planned."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from autoseg.pipeline.folds.measured import read_measured
from autoseg.preprocessing import Store
from autoseg.workspace.workspace import Workspace
from dataset_fingerprints.dataset import Case, Dataset, is_there
from dataset_fingerprints.errors import WorkspaceError
from dataset_fingerprints.files.jsonfiles import read_json
from dataset_fingerprints.fingerprint import FileIdentity
from dataset_fingerprints.measuring.identity import confirm
from dataset_fingerprints.measuring.journal import read_journal
from dataset_fingerprints.names import counted, some_of
from planners.plan import Splits

Identities = tuple[FileIdentity, ...]
# Of cases whose files have other times than when they were measured, by what was measured: the same with today's times.
_TODAY: dict[tuple[str, Identities], Identities] = {}
# Workspaces of which it is said that raw files are read again.
_SAID: set[Path] = set()

_log = logging.getLogger(__name__)


def refuse_changed_files(workspace: Workspace, store: Store, cases: Sequence[str], *, begun: bool) -> None:
    """Make sure that the arrays are those of the measured raw files, and that these have not changed since.

    Raw files that are not there, as beside a workspace that was moved, are not missed.

    Args:
        workspace: with the fingerprint; without one, nothing is compared.
        store: of the arrays.
        cases: that are trained or judged on.
        begun: whether the fold was begun before.

    Raises:
        WorkspaceError: a scan or a label map was replaced; the message names the cases.
    """
    if not workspace.fingerprint.is_file():
        return
    known = read_measured(workspace).identities
    measured = {case: known[case] for case in cases if case in known}
    changed = sorted({*_find_replaced(workspace, measured), *_find_stale(store, measured)})
    if not changed:
        return
    then = (
        " Then begin the fold anew with --restart, for it was begun with what was there before; or put the old files "
        "back and plan again to go on."
        if begun
        else ""
    )
    raise WorkspaceError(
        f"{workspace.root}: scans or label maps of {some_of(changed)} were replaced since they were preprocessed. Run "
        f"`autoseg plan_and_preprocess` again with the same options: it preprocesses what has changed.{then}"
    )


def refuse_missing_arrays(workspace: Workspace, store: Store, cases: Sequence[str], configuration: str) -> None:
    """Make sure that the arrays of cases are there.

    Args:
        workspace: of the fold.
        store: of the arrays.
        cases: that the fold is trained or validated on.
        configuration: that is trained, for the message.

    Raises:
        WorkspaceError: some are not, or not whole.
    """
    missing = [case for case in cases if not store.is_whole(case)]
    if missing:
        raise WorkspaceError(
            f"{workspace.root}: {counted(len(missing), 'case is', 'cases are')} not preprocessed for {configuration}, "
            f"or not whole, for example {missing[0]}. Run `autoseg plan_and_preprocess DATASET -c {configuration}` "
            "first."
        )


def _find_replaced(workspace: Workspace, measured: Mapping[str, Identities]) -> Iterator[str]:
    """Yield the cases whose raw files are there but are not those that were measured."""
    cases = {case.name: case for case in read_json(workspace.dataset, Dataset).cases}
    for name, identities in measured.items():
        case = cases.get(name)
        if case is None or not all(map(is_there, case.files())):
            continue
        try:
            same = _is_same(workspace, case, identities)
        except OSError:  # it cannot be read: training needs it no more than one that is not there
            continue
        if not same:
            yield name


def _is_same(workspace: Workspace, case: Case, measured: Identities) -> bool:
    """Return whether the files of a case hold what they held; of changed times, contents are read once per process."""
    key = (case.name, measured)
    known = _TODAY.get(key, measured)
    today = confirm(case, known, lambda: _say_read_again(workspace.root, case.name))
    if today is not None and today != known:
        _TODAY[key] = today
    return today is not None


def _say_read_again(root: Path, case: str) -> None:
    """Say once per process why the raw files of a workspace are read."""
    if root in _SAID:
        return
    _SAID.add(root)
    _log.warning(
        "%s: raw files have other times than when they were measured, as after a copy, first those of case %s. Their "
        "contents are read now to see whether they are the same, and each training reads them again until `autoseg "
        "plan_and_preprocess` is given once more with the same data set and options, which keeps the new times",
        root,
        case,
    )


def _find_stale(store: Store, measured: Mapping[str, Identities]) -> Iterator[str]:
    """Yield the cases whose arrays were made from other files than those that were measured."""
    for name, identities in measured.items():
        if not store.has(name):  # a finished fold needs none
            continue
        made_from = [identity.sha256 for identity in store.read_identities(name)]
        measured_from = [identity.sha256 for identity in identities]
        # Another number of files is another choice of channels, which the plan says.
        if len(made_from) == len(measured_from) and made_from != measured_from:
            yield name


def remark_on_cases(workspace: Workspace, plan: str, cases: Sequence[str]) -> Iterator[str]:
    """Yield a sentence about cases of the data set that a plan lacks, and one about a fold's cases that are gone.

    Args:
        workspace: with the data set as it was looked at last.
        plan: the name of the fold's.
        cases: of the fold.
    """
    dataset, splits = read_json(workspace.dataset, Dataset), read_json(workspace.splits(plan), Splits)
    left_out = _describe_left_out(workspace, dataset, plan, splits.cases())
    yield from filter(None, (left_out, _describe_removed(dataset, cases)))


def _describe_left_out(workspace: Workspace, dataset: Dataset, plan: str, cases: Sequence[str]) -> str:
    """Return a sentence about the cases of the data set that a plan's folds do not know, or nothing.

    Cases that a planning has only measured, for it was refused or killed, count as well.
    """
    found = {*read_journal(workspace.cases, dataset), *(case.name for case in dataset.cases)}
    others = sorted(found - set(cases))
    if not others:
        return ""
    return (
        f"The data set has {counted(len(others), 'other case')}, which plan {plan} lacks "
        f"({some_of(others)}): to train on all, plan again under another name (plan_and_preprocess --plan-name NEW)."
    )


def _describe_removed(dataset: Dataset, cases: Sequence[str]) -> str:
    """Return a sentence about cases of a fold that were taken out of the data set, or nothing.

    Where no raw file is there at all, as beside a workspace that was moved, nothing was taken out.
    """
    there = {case.name: all(is_there(file) for file in (*case.images, case.label)) for case in dataset.cases}
    removed = sorted(name for name in cases if not there.get(name, False))
    if not removed or not any(there.values()):
        return ""
    return (
        f"{some_of(removed)}: the raw files are gone, those of other cases are there. The fold uses the arrays made of "
        "them; to leave such cases out, plan again (plan_and_preprocess, with --plan-name NEW where folds are begun)."
    )
