"""The end of a command's output: where everything lies that it wrote."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path

from autoseg.cli.display import console


def show_written(written: Iterable[tuple[str, Path | None]]) -> None:
    """Show a line per file or folder that is there, each with what it is."""
    there = [(what, path) for what, path in written if path is not None and path.exists()]
    width = max((len(what) for what, _ in there), default=0)
    for what, path in there:
        console.print(f"{what + ':':<{width + 1}} {shorten_path(path)}", soft_wrap=True)


def shorten_path(path: Path) -> str:
    """Return a path from the current directory where that is shorter."""
    try:
        relative = os.path.relpath(path)
    except ValueError:  # on another drive
        return str(path)
    return relative if len(relative) < len(str(path)) else str(path)
