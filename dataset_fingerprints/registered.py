"""Entries that other packages register: loading them, and naming the package where that fails."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from importlib.metadata import EntryPoint
from typing import Any, TypeVar

from dataset_fingerprints.errors import AutosegError, PlanError
from dataset_fingerprints.fault_log import first_line, write_traceback

Result = TypeVar("Result")


def load_entry(entry: EntryPoint) -> Any:
    """Return what an entry point names.

    Raises:
        PlanError: it names nothing, or importing it fails.
    """
    try:
        return entry.load()
    except Exception as error:
        where = write_traceback(error, describe_entry(entry))
        raise PlanError(
            f"{describe_entry(entry)} cannot be loaded ({type(error).__name__}: {first_line(error)}). Correct the "
            f"package or uninstall it. {where}"
        ) from error


def guard(function: Callable[..., Result], what: str) -> Callable[..., Result]:
    """Return a function of another package whose errors name the package.

    Args:
        function: as it was registered.
        what: it is, in words, with its package.
    """

    @wraps(function, updated=())
    def call(*arguments: Any, **keywords: Any) -> Result:
        try:
            return function(*arguments, **keywords)
        except (AutosegError, MemoryError):
            raise
        except Exception as error:
            where = write_traceback(error, what)
            raise PlanError(f"{what}: failed ({type(error).__name__}: {first_line(error)}). {where}") from error

    return call


def describe_entry(entry: EntryPoint) -> str:
    """Return an entry point in words: its package, its group and name, and what it names."""
    package = entry.dist.name if entry.dist else "an unknown package"
    return f"package {package}: {entry.group}, {entry.name} = {entry.value}"
