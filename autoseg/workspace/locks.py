"""Keeping a second process out of a folder."""

from __future__ import annotations

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from dataset_fingerprints.errors import WorkspaceError

# Made first of all in a folder of ours, so that it also marks a workspace that was killed at its start.
LOCK = ".lock"


@contextmanager
def locked(folder: Path, what: str) -> Iterator[None]:
    """Keep a second process out of a folder while the block runs; a killed process leaves no lock behind.

    Args:
        folder: is made if it does not exist.
        what: the second process is kept from, for its message.

    Raises:
        WorkspaceError: another process is in the block, or the folder cannot be written to.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        stream = (folder / LOCK).open("w")
    except OSError as error:
        raise WorkspaceError(f"{folder}: cannot be written to ({error.strerror}). Choose a place with -w.") from error
    with stream:
        try:
            fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise WorkspaceError(
                f"{folder}: another process is at work on {what}. Wait for it, or stop it first."
            ) from error
        yield


def was_locked(folder: Path) -> bool:
    """Return whether a folder has been locked before, so that autoseg made it."""
    return (folder / LOCK).is_file()
