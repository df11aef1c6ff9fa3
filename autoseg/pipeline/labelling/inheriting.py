"""What a round's workspace takes over from the one before: measurements, and arrays without copying a voxel."""

from __future__ import annotations

import os
import shutil
from collections.abc import Sequence
from pathlib import Path

from autoseg.workspace.locks import locked
from autoseg.workspace.workspace import Workspace
from dataset_fingerprints.files.atomic import replacing


def inherit(before: Workspace, now: Workspace, cases: Sequence[str]) -> None:
    """Give a new workspace what an earlier one knows of cases; planning looks at what of it still holds.

    Arrays are the same files under a second name where the disk can do that, else copies: a file of ours is never
    changed, only replaced, so that neither workspace sees what becomes of the other.

    Args:
        before: of the earlier round.
        now: of the later one; one that was planned in is left alone.
        cases: of the later round.
    """
    if now.dataset.is_file():
        return
    with locked(now.root, "this workspace's plan"):
        for journal in before.cases.glob("*.jsonl"):
            # It grows by lines, so that it has to be a copy; one that is there may know more by now.
            if not (now.cases / journal.name).exists():
                _copy(journal, now.cases / journal.name)
        for store in before.stores():
            own = now.store(store.root.name)
            own.root.mkdir(parents=True, exist_ok=True)
            for case in cases:
                for old, new in zip(store.files(case), own.files(case), strict=True):
                    if old.is_file() and not new.exists():
                        _link(old, new)


def _link(old: Path, new: Path) -> None:
    try:
        os.link(old, new)
    except OSError:  # as of a disk without links
        _copy(old, new)


def _copy(old: Path, new: Path) -> None:
    with replacing(new) as temporary:
        shutil.copyfile(old, temporary)
