"""Keeping a second process out of a folder."""

from __future__ import annotations

import fcntl
import os
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


@contextmanager
def shared(folder: Path, what: str) -> Iterator[None]:
    """Keep out of a folder, while the block runs, who would change it with `locked`; any number may share it.

    Where no lock can be made, for lack of rights or on a read-only disk, the block runs without: nobody can change it.

    Args:
        folder: that is read.
        what: somebody else may be at work on, for the message.

    Raises:
        WorkspaceError: another process is changing the folder.
    """
    try:
        descriptor = os.open(folder / LOCK, os.O_RDONLY | os.O_CREAT, 0o644)
    except OSError:
        yield
        return
    with os.fdopen(descriptor) as stream:
        try:
            fcntl.flock(stream, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise WorkspaceError(
                f"{folder}: another process is at work on {what}. Wait for it, or stop it first."
            ) from error
        yield


def was_locked(folder: Path) -> bool:
    """Return whether a folder has been locked before, so that autoseg made it."""
    return (folder / LOCK).is_file()
