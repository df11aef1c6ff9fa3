"""Keeping a second process out of a folder."""

from __future__ import annotations

import errno
import fcntl
import logging
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

from dataset_fingerprints.errors import WorkspaceError
from dataset_fingerprints.files.opening import open_to_write

# Made first of all in a folder of ours, so that it also marks a workspace that was killed at its start.
LOCK = ".lock"
# How file systems without locks answer: some network and user-space ones.
_NO_LOCKS = (errno.ENOLCK, errno.ENOSYS, errno.EOPNOTSUPP, errno.ENOTSUP, errno.EINVAL)

# More than the writing of tables takes; and between two tries to take a lock.
PATIENCE_SECONDS, _PAUSE_SECONDS = 30.0, 0.05

_log = logging.getLogger(__name__)


@contextmanager
def locked(folder: Path, what: str, cure: str = "Choose a place with -w.") -> Iterator[None]:
    """Keep a second process out of a folder while the block runs; a killed process leaves no lock behind.

    Where the file system has no locks, that is said, and a second process is not kept out.

    Args:
        folder: is made if it does not exist.
        what: the second process is kept from, for its message.
        cure: what to do where the folder cannot be written to.

    Raises:
        WorkspaceError: another process is in the block, or the folder cannot be written to.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        stream = open_to_write(folder / LOCK, 0)
    except OSError as error:
        raise WorkspaceError(f"{folder}: cannot be written to ({error.strerror}). {cure}") from error
    with stream:
        _lock(stream, fcntl.LOCK_EX, folder, what)
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
        descriptor = os.open(folder / LOCK, os.O_RDONLY | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o666)
    except OSError:
        yield
        return
    with os.fdopen(descriptor) as stream:
        _lock(stream, fcntl.LOCK_SH, folder, what)
        yield


@contextmanager
def in_turn(place: Path, patience: float = PATIENCE_SECONDS) -> Iterator[None]:
    """Let processes that read and then write the same files do so one after the other.

    The block runs also where no lock can be made, or another process is in such a block for longer than patience.

    Args:
        place: of the lock's file, which is made, and stays.
        patience: in seconds.
    """
    try:
        stream = open_to_write(place, 0)
    except (OSError, WorkspaceError):
        yield
        return
    with stream:
        _wait_for(stream, patience)
        yield


def _wait_for(stream: IO[Any], patience: float) -> None:
    """Take a lock as soon as nobody has it; nothing where that takes too long, or there are no locks."""
    end = time.monotonic() + patience
    while True:
        try:
            fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() >= end:
                return
            time.sleep(_PAUSE_SECONDS)
        except OSError:
            return
        else:
            return


def was_locked(folder: Path) -> bool:
    """Return whether a folder has been locked before, so that autoseg made it."""
    return (folder / LOCK).is_file()


def is_locked(folder: Path) -> bool:
    """Return whether a process is in a `locked` block of a folder at the moment; nothing is made."""
    try:
        descriptor = os.open(folder / LOCK, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
    except OSError:
        return False
    with os.fdopen(descriptor) as stream:
        try:
            fcntl.flock(stream, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
        except OSError:
            return False
    return False


def refuse_locked(folder: Path, what: str) -> None:
    """Make sure that no process is in a `locked` block of a folder, before what takes long; nothing is made.

    Raises:
        WorkspaceError: one is.
    """
    if is_locked(folder):
        raise _busy(folder, what)


def _busy(folder: Path, what: str) -> WorkspaceError:
    return WorkspaceError(f"{folder}: another process is at work on {what}. Wait for it, or stop it first.")


def _lock(stream: IO[Any], kind: int, folder: Path, what: str) -> None:
    """Take a lock; where the file system has none, that is said instead.

    Raises:
        WorkspaceError: another process has it, or the disk fails.
    """
    try:
        fcntl.flock(stream, kind | fcntl.LOCK_NB)
    except BlockingIOError as error:
        raise _busy(folder, what) from error
    except OSError as error:
        if error.errno not in _NO_LOCKS:
            raise WorkspaceError(
                f"{folder / LOCK}: cannot be locked ({error.strerror}). Give the same command again; if that does not "
                "help, choose another disk with -w."
            ) from error
        _log.warning(
            "%s: this file system has no locks (%s): a second process is not kept away from %s. Start one at a time.",
            folder,
            error.strerror,
            what,
        )
