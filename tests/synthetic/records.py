"""Listens in on a store as it reads the records of its cases."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from autoseg.preprocessing import store


@contextmanager
def noting_records() -> Iterator[list[str]]:
    """Give the list that the names of records are added to, each time that one is read from the disk in the block."""
    names: list[str] = []
    read: Callable[..., Any] = store.read_json

    def read_noted(path: Path, *arguments: Any) -> Any:
        names.append(path.name)
        return read(path, *arguments)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(store, "read_json", read_noted)
        yield names
