"""Settings that a fold was begun with, read and compared."""

from __future__ import annotations

from collections.abc import Sequence

from autoseg.models.model import REMEDY as RUN_REMEDY
from autoseg.preprocessing import Store
from autoseg.workspace.fold import FoldFolder
from dataset_fingerprints.errors import WorkspaceError
from dataset_fingerprints.files.jsonfiles import read_json
from planners.editing.plan_checks import check_run
from planners.run import CaseContent, Run, find_differences


def read_run(folder: FoldFolder) -> Run | None:
    """Return what a fold was begun with, or None for a fold that was not.

    Raises:
        FileFormatError: the file is damaged.
    """
    return read_json(folder.run, Run, RUN_REMEDY, check_run) if folder.run.is_file() else None


def refuse_other_run(folder: FoldFolder, begun: Run, now: Run) -> None:
    """Make sure that a fold was begun as it would be today, or only with fewer iterations.

    Raises:
        WorkspaceError: it was not; the message names the first difference.
    """
    for difference in find_differences(begun, now):
        raise WorkspaceError(
            f"{folder.root}: was begun with {difference.field} = {difference.before!r}, now it is {difference.now!r}. "
            "Give the same plan and --set values to go on, delete the folder to start over, or name another plan with "
            "--plan."
        )


def read_contents(store: Store, cases: Sequence[str]) -> tuple[CaseContent, ...]:
    """Return what the raw files of preprocessed cases held."""
    return tuple(
        CaseContent(case=case, sha256=tuple(identity.sha256 for identity in store.read_identities(case)))
        for case in cases
    )
