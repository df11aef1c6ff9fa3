"""A disk that fails once: the n-th time that something is done to a file below a folder."""

from __future__ import annotations

import errno
import fcntl
import io
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

ERRORS = (errno.EIO, errno.ENOSPC, errno.ESTALE, errno.ENOLCK)


class FailingDisk:
    """Counts writes, renames, synchronisations, new files and locks, and lets one of them fail.

    Args:
        root: below which files count.
        at: the number of what fails, from 0; -1 for none.
        error: that it fails with.
    """

    def __init__(self, root: Path, at: int = -1, error: int = errno.EIO) -> None:
        self.root, self.at, self.error = root, at, error
        self.done = 0
        self.what = ""

    def tick(self, what: str, path: object) -> None:
        """Count something that is done to a file, or raise."""
        name = self._name(path)
        if not name.startswith(str(self.root)):
            return
        self.done += 1
        if self.done == self.at + 1:
            self.what = f"{what} {name}"
            # As the system does: what is given a number and not a path names no file.
            named = () if what in ("write", "fsync", "flock") else (name,)
            raise OSError(self.error, os.strerror(self.error), *named)

    def install(self, patch: pytest.MonkeyPatch) -> None:
        """Take the place of the functions that reach the disk."""
        for module, name in ((os, "replace"), (os, "fsync"), (os, "unlink"), (fcntl, "flock")):
            patch.setattr(module, name, self._counted(name, getattr(module, name)))
        real_open, real_stream = os.open, io.open

        def opened(path: Any, flags: int, *rest: Any, **given: Any) -> int:
            if flags & os.O_CREAT:
                self.tick("open", path)
            return real_open(path, flags, *rest, **given)

        def streamed(file: Any, mode: str = "r", *rest: Any, **given: Any) -> Any:
            stream = real_stream(file, mode, *rest, **given)
            return Stream(stream, file, self) if set(mode) & set("wa+") else stream

        patch.setattr(os, "open", opened)
        patch.setattr(io, "open", streamed)

    def _counted(self, name: str, real: Callable[..., Any]) -> Callable[..., Any]:
        def called(path: Any, *rest: Any, **given: Any) -> Any:
            self.tick(name, path)
            return real(path, *rest, **given)

        return called

    def _name(self, path: object) -> str:
        """Return the name of a file that is given by its path, its number or its stream."""
        number = path if isinstance(path, int) else path.fileno() if hasattr(path, "fileno") else None
        return str(Path(f"/proc/self/fd/{number}").readlink()) if number is not None else str(path)


class Stream:
    """A stream whose writing counts."""

    def __init__(self, stream: Any, file: object, disk: FailingDisk) -> None:
        self._stream, self._file, self._disk = stream, file, disk

    def write(self, content: Any) -> Any:
        self._disk.tick("write", self._file)
        return self._stream.write(content)

    def writelines(self, lines: Any) -> None:
        for line in lines:
            self.write(line)

    def __enter__(self) -> Stream:
        return self

    def __exit__(self, *raised: object) -> None:
        self._stream.close()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)
