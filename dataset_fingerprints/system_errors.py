"""Errors of files, disks and the system, as one sentence with the file's name and what to do."""

from __future__ import annotations

import errno
import os
from pathlib import Path

from dataset_fingerprints.fault_log import write_traceback

_KEPT = "then give the same command again: what was finished is kept."
_CANNOT_WRITE = f"Free some space or name another place with -w or -o, {_KEPT}"
_BROKEN = f"The disk, or the network that it is behind, fails: check it, {_KEPT}"
_GONE = (
    "Another program may have moved or deleted it, or its folder cannot be written to: look for it, or name another."
)

# number -> what cannot be done to the file, and what to do
_ADVICE: dict[int, tuple[str, str]] = {
    errno.ENOSPC: ("cannot be written to", _CANNOT_WRITE),
    errno.EDQUOT: ("cannot be written to", _CANNOT_WRITE),
    errno.EROFS: ("cannot be written to", _CANNOT_WRITE),
    errno.EFBIG: (
        "cannot be written",
        f"It is larger than this disk or this shell (ulimit -f) allows: use another disk or raise the limit, {_KEPT}",
    ),
    errno.EIO: ("cannot be read or written", _BROKEN),
    errno.ESTALE: ("cannot be read or written", _BROKEN),
    errno.ENXIO: ("cannot be read or written", _BROKEN),
    errno.ETIMEDOUT: ("cannot be read or written", _BROKEN),
    errno.ENAMETOOLONG: ("cannot be used", "The name is longer than the disk allows: give a shorter one."),
    errno.ELOOP: ("cannot be used", "It is a link that leads to itself: give the file that is meant."),
    errno.ENOENT: ("is not there", _GONE),
    errno.ENOTDIR: ("is not there", "A part of the path is a file and not a folder: correct the path."),
    errno.EISDIR: ("is a folder", "Expected a file: name another path."),
    errno.EEXIST: ("is there already", "Name another place with -w or -o."),
    errno.EMFILE: ("cannot be opened", f"Too many files are open at once: raise the limit (ulimit -n), {_KEPT}"),
    errno.ENFILE: ("cannot be opened", f"Too many files are open on this machine: wait or close some, {_KEPT}"),
    errno.ENOMEM: ("cannot be used", f"There is not enough memory: free some, {_KEPT}"),
    errno.EAGAIN: ("cannot be used", f"The system has none left of what it takes: wait or close programs, {_KEPT}"),
}


def describe_system_error(error: OSError) -> str:
    """Return where something went wrong, what, and what to do, as one message."""
    if error.errno == errno.ENOENT and error.filename is None and not _has_current_directory():
        return "The current directory does not exist any more. Change into one that does, and give the command again."
    where, reason = _name(error), error.strerror or str(error)
    if error.errno in (errno.EACCES, errno.EPERM):
        what, advice = _describe_refusal(error.filename)
    elif error.errno in _ADVICE:
        what, advice = _ADVICE[error.errno]
    else:
        return f"{where}: cannot be used ({reason}). {write_traceback(error, where)}"
    return f"{where}: {what} ({reason}). {advice}"


def _name(error: OSError) -> str:
    name = error.filename2 if error.filename2 is not None else error.filename
    if name is None or isinstance(name, int):
        return "the disk"
    return os.fsdecode(name)


def _describe_refusal(name: object) -> tuple[str, str]:
    """Return what a missing right keeps from, as far as it can be found out, and what to do."""
    if not isinstance(name, str | bytes | os.PathLike):
        return "cannot be used", "Ask for the right to use it."
    path = Path(os.fsdecode(name))
    closed = next((folder for folder in path.parents if _is_closed(folder)), None)
    if closed is not None:
        return "cannot be reached", f"Ask the owner of {closed} for the right to enter that folder, {_KEPT}"
    # `Path.exists` raises what is described here, where a folder cannot be entered.
    there = os.path.exists(path)  # noqa: PTH110
    if there and not os.access(path, os.R_OK):
        return "cannot be read", "Ask its owner for the right to read it."
    if not os.access(path if there else path.parent, os.W_OK):
        return "cannot be written to", f"Name another place with -w or -o, {_KEPT}"
    return "cannot be used", f"Ask its owner for the right to use it, {_KEPT}"


def _is_closed(folder: Path) -> bool:
    """Return whether a folder that can be seen cannot be entered."""
    return os.path.isdir(folder) and not os.access(folder, os.X_OK)  # noqa: PTH112


def _has_current_directory() -> bool:
    try:
        Path.cwd()
    except OSError:
        return False
    return True
