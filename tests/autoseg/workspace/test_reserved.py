"""Folders of a workspace that nothing else may be written into."""

from __future__ import annotations

from pathlib import Path

import pytest

from autoseg.workspace.locks import locked
from autoseg.workspace.reserved import find_reserved, is_workspace_root


@pytest.mark.parametrize("folder", ["cases", "models", "plans", "preprocessed", "tuning"])
@pytest.mark.parametrize("below", ["", "new", "deep/below/file.json"])
def test_the_folders_of_a_workspace_are_reserved_also_by_links(tmp_path: Path, folder: str, below: str) -> None:
    with locked(tmp_path / "ws", "a test"):
        pass
    (tmp_path / "ws" / "models").mkdir()
    (tmp_path / "link").symlink_to("ws", target_is_directory=True)
    for way in ("ws", "link", "ws/../link"):
        assert find_reserved(tmp_path / way / folder / below) == tmp_path / "ws" / folder


@pytest.mark.parametrize("place", ["ws", "ws/masks", "ws/metrics.json", "models/new", "other/cases/new"])
def test_other_places_are_free(tmp_path: Path, place: str) -> None:
    (tmp_path / "ws" / "plans").mkdir(parents=True)
    (tmp_path / "ws" / "dataset.json").write_text("{}")
    (tmp_path / "models").mkdir()
    assert is_workspace_root(tmp_path / "ws")
    assert not is_workspace_root(tmp_path)
    assert find_reserved(tmp_path / place) is None
