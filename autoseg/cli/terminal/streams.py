"""Standard output and error as files that lose text rather than end the work: `autoseg predict ... | head -1`."""

from __future__ import annotations

import os
import sys
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Literal


@dataclass(frozen=True, kw_only=True, slots=True)
class LastingStream:
    """Standard output or error, whichever file that is at the moment.

    What it cannot write is lost, and so is everything after it: the reader of a pipe has gone, a log's disk is full.
    Characters that the stream's encoding does not have are written as escapes.
    """

    name: Literal["stdout", "stderr"]

    def write(self, text: str) -> int:
        """Write text, if it can be written, and return its length."""
        stream = self._stream()
        if stream is not None:
            encoding = getattr(stream, "encoding", None) or "utf-8"
            try:
                stream.write(text.encode(encoding, "backslashreplace").decode(encoding))
            except OSError:
                _silence(stream)
        return len(text)

    def flush(self) -> None:
        """Hand to the system what was written, if it takes it."""
        stream = self._stream()
        if stream is not None:
            try:
                stream.flush()
            except OSError:
                _silence(stream)

    def isatty(self) -> bool:
        """Return whether a person sees it on a terminal."""
        stream = self._stream()
        return stream is not None and not stream.closed and bool(stream.isatty())

    def fileno(self) -> int:
        """Return the number of the file, which is asked for the width of a terminal.

        Raises:
            OSError: it has none.
        """
        stream = self._stream()
        if stream is None:
            raise OSError(f"{self.name} is closed")
        return int(stream.fileno())

    @property
    def encoding(self) -> str:
        """The encoding of the text."""
        return getattr(self._stream(), "encoding", None) or "utf-8"

    def _stream(self) -> Any:
        stream = getattr(sys, self.name)
        # A progress bar puts itself in place of the stream while it is shown.
        return getattr(stream, "rich_proxied_file", stream)


def finish_output() -> None:
    """Write what is still waiting to be written, so that the interpreter does not fail at it when it ends."""
    for stream in (LastingStream(name="stdout"), LastingStream(name="stderr")):
        stream.flush()


def _silence(stream: Any) -> None:
    """Send everything that is still to come to nowhere."""
    with suppress(OSError, ValueError), open(os.devnull, "wb") as nowhere:  # noqa: PTH123
        os.dup2(nowhere.fileno(), stream.fileno())
    with suppress(OSError, ValueError):
        stream.flush()
