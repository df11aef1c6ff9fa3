"""Files that are written whole or not at all, whatever kills the process."""

from __future__ import annotations

import glob
import hashlib
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

PARTIAL = ".partial-"
# Letters that `tempfile` chooses, between the prefix and our ending.
_CHOSEN = "?" * 8
# A name of more bytes does not fit into a temporary name, which may have as many bytes as any other: 255.
_LONG_BYTES, _KEPT_LETTERS = 200, 32


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """Give a temporary path beside `path` that takes its name when the block ends without an error.

    The file is synchronised to the disk first, so that a killed process or a full disk leaves the old content or
    the new, never a part. The temporary name keeps the suffixes of `path`, the last one in lower case: some libraries
    choose a format by it.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    descriptor, name = tempfile.mkstemp(dir=path.parent, prefix=PARTIAL, suffix=_ending(path.name))
    os.close(descriptor)
    temporary = Path(name)
    try:
        yield temporary
        with temporary.open("rb") as stream:
            os.fsync(stream.fileno())
        temporary.chmod(0o644)
        temporary.replace(path)
    except BaseException as error:
        temporary.unlink(missing_ok=True)
        if isinstance(error, OSError) and error.filename is None:
            error.filename = str(path)  # a full disk does not say where
        raise


def sweep(*folders: Path) -> None:
    """Delete what killed processes left half written in these folders; only for the process that holds their lock."""
    for folder in folders:
        for partial in folder.glob(f"{PARTIAL}*"):
            partial.unlink(missing_ok=True)


def sweep_partials(*files: Path) -> None:
    """Delete what killed processes left of these files; what belongs to others in the same folders stays."""
    for file in files:
        for partial in file.parent.glob(f"{PARTIAL}{_CHOSEN}{glob.escape(_ending(file.name))}"):
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
