"""Entries that other packages register: loading them, and naming the package where that fails."""

from __future__ import annotations

from importlib.metadata import EntryPoint
from typing import Any

from dataset_fingerprints.errors import PlanError
from dataset_fingerprints.failures import first_line, write_traceback


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


def describe_entry(entry: EntryPoint) -> str:
    """Return an entry point in words: its package, its group and name, and what it names."""
    package = entry.dist.name if entry.dist else "an unknown package"
    return f"package {package}: {entry.group}, {entry.name} = {entry.value}"
