"""A sound data set and a trained workspace, made once for all tests of the command line."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.autoseg.cli.places import Place, make_sound
from tests.synthetic.once import make_once


@pytest.fixture(scope="session")
def sound(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folders `raw` and `ws`, which stay as they are."""
    return make_once(tmp_path_factory, "sound", make_sound)


@pytest.fixture
def place(sound: Path, tmp_path: Path) -> Iterator[Place]:
    before = {path: path.stat().st_mtime_ns for path in sound.rglob("*") if path.is_file() and path.name != ".lock"}
    yield Place(sound=sound, root=tmp_path)
    after = {path: path.stat().st_mtime_ns for path in sound.rglob("*") if path.is_file() and path.name != ".lock"}
    assert after == before
