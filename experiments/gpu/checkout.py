"""The checkout that is measured, and the environment of processes that import it."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

ROOT = Path(__file__).parents[2]


def environment(variables: Mapping[str, str] | None = None) -> dict[str, str]:
    """Return the environment of a process that imports this checkout, and else what this process does."""
    path = os.pathsep.join(filter(None, (str(ROOT), os.environ.get("PYTHONPATH"))))
    return {**os.environ, "PYTHONPATH": path, **(variables or {})}
