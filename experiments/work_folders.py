"""Folders that experiments work in: what is measured from the start needs one that holds nothing yet."""

from __future__ import annotations

from pathlib import Path

from dataset_fingerprints.errors import AutosegError


def refuse_used(work: Path) -> None:
    """Make sure that commands find nothing done in a folder: what is there already would be measured as quick.

    Raises:
        AutosegError: the folder holds something.
    """
    if work.is_dir() and any(work.iterdir()):
        raise AutosegError(
            f"{work}: holds something already. Expected an empty or new folder: delete it, or name another with --work."
        )
