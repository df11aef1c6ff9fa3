"""Files that are written whole or not at all, whatever kills the process."""

from __future__ import annotations

import errno
import hashlib
import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

PARTIAL = ".partial-"
# File systems that synchronise no folders say so in one of these ways.
_NO_FOLDERS = (errno.EINVAL, errno.ENOTSUP, errno.ENOSYS, errno.EBADF, errno.EACCES, errno.EISDIR)
# Letters drawn, between the prefix and our ending.
_DRAWN = 8
# A name of more bytes does not fit into a temporary name, which may have as many bytes as any other: 255.
_LONG_BYTES, _KEPT_LETTERS = 200, 32


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """Give a temporary path beside `path` that takes its name when the block ends without an error.

    The file is synchronised to the disk first, and its folder after the renaming, so that a killed process, a full disk
    or a power cut leaves the old content or the new, never a part. The temporary name keeps the suffixes of `path`,
    the last one in lower case: some libraries choose a format by it. Others may read the file as far as the process'
    umask allows.
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


def sweep_partials(*files: Path) -> None:
    """Delete what killed processes left of these files; what belongs to others in the same folders stays."""
    endings: dict[Path, set[str]] = {}
    for file in files:
        endings.setdefault(file.parent, set()).add(_ending(file.name))
    for folder, own in endings.items():
        for partial in folder.glob(f"{PARTIAL}*"):
            if partial.name[len(PARTIAL) + _DRAWN :] in own:
                partial.unlink(missing_ok=True)


def _ending(name: str) -> str:
    """Return the end of a file's temporary name: its own name, or a digest of that and its suffixes."""
    encoded, suffix = os.fsencode(name), Path(name).suffix
    spelled = name.removesuffix(suffix) + suffix.lower()
    if len(encoded) <= _LONG_BYTES:
        return f"-{spelled}"
    return f"-{hashlib.sha256(encoded).hexdigest()[:16]}{spelled[-_KEPT_LETTERS:]}"


def write_bytes(path: Path, content: bytes) -> None:
    """Write a file in one step."""
    with replacing(path) as temporary:
        temporary.write_bytes(content)


def _make_beside(path: Path) -> Path:
    """Make an empty file of a name that nobody else has."""
    while True:
        temporary = path.with_name(f"{PARTIAL}{secrets.token_hex(_DRAWN // 2)}{_ending(path.name)}")
        try:
            os.close(os.open(temporary, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, 0o666))
        except FileExistsError:
            continue
        except OSError as error:
            if error.errno == errno.ENOENT and path.parent.is_dir():  # as in /proc
                raise OSError(errno.EROFS, "no new files can be made there", str(path)) from error
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
