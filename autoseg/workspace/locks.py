"""Keeping a second process out of a folder."""

from __future__ import annotations

import errno
import fcntl
import logging
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from dataset_fingerprints.errors import WorkspaceError
from dataset_fingerprints.files.opening import open_to_write

# Made first of all in a folder of ours, so that it also marks a workspace that was killed at its start.
LOCK = ".lock"
# How file systems without locks answer: some network and user-space ones.
_NO_LOCKS = (errno.ENOLCK, errno.ENOSYS, errno.EOPNOTSUPP, errno.ENOTSUP, errno.EINVAL)

_log = logging.getLogger(__name__)


@contextmanager
def locked(folder: Path, what: str) -> Iterator[None]:
    """Keep a second process out of a folder while the block runs; a killed process leaves no lock behind.

    Where the file system has no locks, that is said, and a second process is not kept out.

    Args:
        folder: is made if it does not exist.
        what: the second process is kept from, for its message.

    Raises:
        WorkspaceError: another process is in the block, or the folder cannot be written to.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        stream = open_to_write(folder / LOCK, 0)
    except OSError as error:
        raise WorkspaceError(f"{folder}: cannot be written to ({error.strerror}). Choose a place with -w.") from error
    with stream:
        try:
            fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise WorkspaceError(
                f"{folder}: another process is at work on {what}. Wait for it, or stop it first."
            ) from error
        except OSError as error:
            if error.errno not in _NO_LOCKS:
                raise WorkspaceError(
                    f"{folder / LOCK}: cannot be locked ({error.strerror}). Give the same command again; if that does "
                    "not help, choose another disk with -w."
                ) from error
            _log.warning(
                "%s: this file system has no locks (%s), so a second process is not kept away from %s. Start one at a "
                "time.",
                folder,
                error.strerror,
                what,
            )
        yield


def was_locked(folder: Path) -> bool:
    """Return whether a folder has been locked before, so that autoseg made it."""
    return (folder / LOCK).is_file()
