"""Opening files of a folder that somebody else may have made: no link is written through, and nothing is waited for."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from dataset_fingerprints.errors import WorkspaceError

# What a file of text may hold: more than the measurements of a hundred thousand cases of one label, or of ten thousand
# cases of a hundred labels.
MOST_TEXT_BYTES = 1 << 31


def open_to_write(path: Path, flags: int) -> BinaryIO:
    """Open a file of ours unbuffered, making it where it is missing; its content stays.

    Args:
        path: of the file.
        flags: beside reading and writing, such as `os.O_APPEND`.

    Raises:
        WorkspaceError: it is a link or not a file at all.
        OSError: it cannot be opened.
    """
    refuse_link(path)
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC | flags, 0o666)
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise WorkspaceError(f"{path}: is not a file. Remove it, then give the same command again.")
    return os.fdopen(descriptor, "r+b" if not flags & os.O_APPEND else "ab", buffering=0)


def append_to(path: Path, content: bytes) -> None:
    """Add to the end of a file of ours, all of it.

    Raises:
        WorkspaceError: it is a link or not a file at all.
        OSError: it cannot be written to; the error names the file.
    """
    with naming(path), open_to_write(path, os.O_APPEND) as stream:
        write_all(stream, content)


def write_all(stream: BinaryIO, content: bytes) -> None:
    """Write everything to an unbuffered stream, which may take less at a time, as on a disk that is nearly full."""
    left = memoryview(content)
    while left:
        left = left[stream.write(left) :]


@contextmanager
def naming(path: Path) -> Iterator[None]:
    """Let the errors of a disk in the block name the file: a full disk does not say where it is."""
    try:
        yield
    except OSError as error:
        if error.filename is None:
            error.filename = str(path)
        raise


def refuse_link(path: Path) -> None:
    """Make sure that a file of ours is not a link: writing would change what it leads to.

    Raises:
        WorkspaceError: it is one.
    """
    if path.is_symlink():
        raise WorkspaceError(
            f"{path}: is a link to {path.readlink()}, which autoseg would write to. Remove the link, then give the "
            "same command again."
        )


def read_file(path: Path, most_bytes: int | None = None) -> bytes:
    """Return the content of a file.

    Args:
        path: of the file.
        most_bytes: what it may hold, such as `MOST_TEXT_BYTES`, where its size is not known from elsewhere.

    Raises:
        OSError: it cannot be read, holds more, or is a pipe, a device or a folder.
    """
    descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    with naming(path), os.fdopen(descriptor, "rb") as stream:
        status = os.fstat(descriptor)
        if not stat.S_ISREG(status.st_mode):
            raise OSError(0, "it is not a file", str(path))
        if most_bytes is not None and status.st_size > most_bytes:
            raise OSError(0, f"it holds {status.st_size} bytes; at most {most_bytes} can be meant", str(path))
        return stream.read()
