"""Files that are written whole or not at all, whatever kills the process."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

PARTIAL = ".partial-"


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """Give a temporary path beside `path` that takes its name when the block ends without an error.

    The file is synchronised to the disk first, so that a killed process or a full disk leaves the old content or
    the new, never a part. The temporary name keeps the suffixes of `path`, which some libraries choose a format by.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    descriptor, name = tempfile.mkstemp(dir=path.parent, prefix=PARTIAL, suffix=f"-{path.name}")
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


def write_bytes(path: Path, content: bytes) -> None:
    """Write a file in one step."""
    with replacing(path) as temporary:
        temporary.write_bytes(content)
