"""Files that are written whole or not at all, whatever kills the process."""

from __future__ import annotations

import errno
import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

PARTIAL = ".partial-"
# File systems that synchronise no folders say so in one of these ways.
_NO_FOLDERS = (errno.EINVAL, errno.ENOTSUP, errno.ENOSYS, errno.EBADF, errno.EACCES, errno.EISDIR)


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """Give a temporary path beside `path` that takes its name when the block ends without an error.

    The file is synchronised to the disk first, and its folder after the renaming, so that a killed process, a full disk
    or a power cut leaves the old content or the new, never a part. The temporary name keeps the suffixes of `path`,
    which some libraries choose a format by. Others may read the file as far as the process' umask allows.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = _make_beside(path)
    try:
        yield temporary
        with temporary.open("rb") as stream:
            os.fsync(stream.fileno())
        temporary.replace(path)
        _synchronise_folder(path.parent)
    except BaseException as error:
        with suppress(OSError):  # a disk that is gone is reported for what was to be written
            temporary.unlink(missing_ok=True)
        if isinstance(error, OSError) and error.filename in (None, str(temporary)):
            error.filename = str(path)  # a full disk does not say where
        raise


def sweep(*folders: Path) -> None:
    """Delete what killed processes left half written in these folders; only for the process that holds their lock."""
    for folder in folders:
        for partial in folder.glob(f"{PARTIAL}*"):
            partial.unlink(missing_ok=True)


def write_bytes(path: Path, content: bytes) -> None:
    """Write a file in one step."""
    with replacing(path) as temporary:
        temporary.write_bytes(content)


def _make_beside(path: Path) -> Path:
    """Make an empty file of a name that nobody else has."""
    while True:
        temporary = path.with_name(f"{PARTIAL}{secrets.token_hex(4)}-{path.name}")
        try:
            os.close(os.open(temporary, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, 0o666))
        except FileExistsError:
            continue
        except OSError as error:
            error.filename = str(path)
            raise
        return temporary


def _synchronise_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    except OSError as error:
        if error.errno not in _NO_FOLDERS:
            raise
    finally:
        os.close(descriptor)
