"""Errors that autoseg raises on purpose.

AutosegError                 what a person can act on; the command line prints it and exits with 2
├── ArgumentError            a Python function was called with a value of a wrong type; it is a TypeError, too
├── DataError                a data set, an image or a label map is not what it should be
├── FileFormatError          a JSON file of ours cannot be read as what it should hold
├── PartlyDoneError          some cases failed and are listed, all others are done; the exit code is 1
├── PlanError                a plan names an unknown part or option, or cannot be made
├── StoppedError             a signal stopped a training, which is saved; the exit code is the signal's
└── WorkspaceError           a workspace is missing, of another schema, or in use
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from typing import Any


class AutosegError(Exception):
    """Error that a person can fix; the message says where, what was found, what was expected and what to do."""


class ArgumentError(AutosegError, TypeError):
    """A Python function was called with a value of a wrong type."""


class DataError(AutosegError):
    """A data set, an image or a label map is not what it should be."""


class FileFormatError(AutosegError):
    """A file written by autoseg, or a dataset.json, cannot be read as what it should hold."""


class PartlyDoneError(AutosegError):
    """Some of the cases failed, which the message lists; what could be done is done.

    Attributes:
        result: what the call would have returned, of the cases that are done.
    """

    def __init__(self, message: str, result: Any = None) -> None:
        super().__init__(message)
        self.result = result


class PlanError(AutosegError):
    """A plan names an unknown part or option, or no plan can be made."""


class StoppedError(AutosegError):
    """A signal stopped a training; all of it is saved.

    Attributes:
        exit_code: what a shell expects of a process that the signal ended, for example 143 for SIGTERM.
    """

    def __init__(self, message: str, exit_code: int) -> None:
        super().__init__(message)
        self.exit_code = exit_code


class WorkspaceError(AutosegError):
    """A workspace is missing, was made by another schema version, or is in use by another process."""


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """Return a sentence that names the nearest known name, whatever its capitals, or else lists them all."""
    candidates = sorted(known)
    lowered = {candidate.lower(): candidate for candidate in candidates}
    nearest = [lowered[close] for close in difflib.get_close_matches(name.lower(), lowered, n=1)]
    if nearest:
        return f"Did you mean '{nearest[0]}'?"
    return f"Known: {', '.join(candidates)}."
