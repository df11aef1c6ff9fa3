"""Failures of single cases: whatever goes wrong with one of them is listed, and the others go on."""

from __future__ import annotations

import errno
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import TypeVar

from dataset_fingerprints.errors import AutosegError, StoppedError
from dataset_fingerprints.fault_log import first_line, printable, write_traceback
from dataset_fingerprints.system_errors import describe_system_error

T = TypeVar("T")
# A disk that is full or cannot be written to fails every case that follows, too.
_OF_THE_DISK = (errno.ENOSPC, errno.EDQUOT, errno.EROFS)


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
        return Failure(case=case, error=kind, message=printable(str(error)))
    if isinstance(error, MemoryError):
        reason = f": there is not enough memory for it ({first_line(error)})"
        return Failure(case=case, error=kind, message=f"{what}{reason}. Use a machine with more, or take the case out.")
    if isinstance(error, OSError) and error.filename is not None:
        return Failure(case=case, error=kind, message=f"{what}: {printable(describe_system_error(error))}")
    where = write_traceback(error, f"case {case}: {what}")
    return Failure(case=case, error=kind, message=f"{what} ({kind}: {first_line(error)}). {where}")


def list_failures(failures: Iterable[Failure]) -> str:
    """Return failures as the lines of a message."""
    return "\n".join(f"  {failure.describe()}" for failure in failures)
