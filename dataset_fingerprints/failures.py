"""Failures of single cases: whatever goes wrong with one of them is listed, and the others go on."""

from __future__ import annotations

import errno
import logging
import os
import tempfile
import threading
import time
import traceback
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TypeVar

from dataset_fingerprints.errors import AutosegError, StoppedError

T = TypeVar("T")
# A disk that is full or cannot be written to fails every case that follows, too.
_OF_THE_DISK = (errno.ENOSPC, errno.EDQUOT, errno.EROFS)
_LONGEST = 300

_lock = threading.Lock()
_log = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True, slots=True)
class Failure:
    """A case that could not be worked on.

    Attributes:
        case: its name.
        error: the class of what went wrong.
        message: what went wrong, for a person.
    """

    case: str
    error: str
    message: str

    def describe(self) -> str:
        """Return the message with the case in front."""
        known = self.message.startswith(f"case {self.case}:")
        return self.message if known else f"case {self.case}: {self.message}"


def attempt(
    case: str, what: str, work: Callable[[], T], passes: Callable[[Exception], bool] = lambda error: False
) -> T | Failure:
    """Return what `work` returns, or the failure of the case if it raises an error of any kind.

    What is not the case's own fault is raised: a signal, and a disk that is full or cannot be written to. The traceback
    of an error that was not foreseen goes into a log, which the failure's message names.

    Args:
        case: its name.
        what: could not be done, as the message begins: `cannot be predicted`.
        work: to do.
        passes: for errors that the caller takes care of itself.
    """
    try:
        return work()
    except Exception as error:
        if passes(error) or ends_everything(error):
            raise
        return describe_failure(case, what, error)


def lacks_memory(error: Exception) -> bool:
    """Return whether an error means that there was no memory left."""
    return isinstance(error, MemoryError)


def ends_everything(error: Exception) -> bool:
    """Return whether an error would meet every other case as well."""
    return isinstance(error, StoppedError) or (isinstance(error, OSError) and error.errno in _OF_THE_DISK)


def describe_failure(case: str, what: str, error: Exception) -> Failure:
    """Return an error as a case's failure."""
    kind = type(error).__name__
    if isinstance(error, AutosegError):
        return Failure(case=case, error=kind, message=_printable(str(error)))
    if isinstance(error, MemoryError):
        reason = f": there is not enough memory for it ({first_line(error)})"
        return Failure(case=case, error=kind, message=f"{what}{reason}. Use a machine with more, or take the case out.")
    where = write_traceback(error, f"case {case}: {what}")
    return Failure(case=case, error=kind, message=f"{what} ({kind}: {first_line(error)}). {where}")


def list_failures(failures: Iterable[Failure]) -> str:
    """Return failures as the lines of a message."""
    return "\n".join(f"  {failure.describe()}" for failure in failures)


def first_line(error: BaseException) -> str:
    """Return the first line of an error's text, and not all of a long one."""
    lines = _printable(str(error)).strip().splitlines() or ["no message"]
    return lines[0][:_LONGEST]


def _printable(text: str) -> str:
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
