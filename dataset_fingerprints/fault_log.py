"""Tracebacks of errors that were not foreseen: in a file of this process, which messages name."""

from __future__ import annotations

import logging
import os
import tempfile
import threading
import time
import traceback
from functools import cache
from pathlib import Path

_LONGEST = 300

_lock = threading.Lock()
_log = logging.getLogger(__name__)


def first_line(error: BaseException) -> str:
    """Return the first line of an error's text, and not all of a long one."""
    lines = printable(str(error)).strip().splitlines() or ["no message"]
    return lines[0][:_LONGEST]


def printable(text: str) -> str:
    """Return text that every file takes: names of files may hold bytes that are no characters."""
    return text.encode("utf-8", "backslashreplace").decode()


def write_traceback(error: BaseException, title: str) -> str:
    """Add the traceback of an error to this process's log, and return the sentence that says where it is."""
    text = "".join(traceback.format_exception(error))
    try:
        with _lock, _log_file().open("a", encoding="utf-8", errors="backslashreplace") as stream:
            stream.write(f"{time.strftime('%Y-%m-%d %H:%M:%S')} {title}\n{text}\n")
    except OSError as refused:
        _log.debug("%s\n%s", title, text)
        return f"No log of it could be written ({refused.strerror})."
    return f"The traceback is in {_log_file()}."


@cache
def _log_file() -> Path:
    """Make a file for the tracebacks of this process."""
    descriptor, name = tempfile.mkstemp(prefix="autoseg-", suffix=".log")
    os.close(descriptor)
    return Path(name)
