"""Places are compared by where paths lead."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from dataset_fingerprints.errors import DataError
from dataset_fingerprints.files.places import (
    find_around,
    find_too_long,
    is_case_blind,
    is_same,
    is_within,
    name_bytes,
    nearest_there,
    resolve,
)


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A file with links of every kind."""
    (tmp_path / "folder" / "below").mkdir(parents=True)
    (tmp_path / "folder" / "file").write_text("content")
    (tmp_path / "other").write_text("content")
    os.link(tmp_path / "folder" / "file", tmp_path / "hard")
    (tmp_path / "soft").symlink_to("folder/file")
    (tmp_path / "link").symlink_to("folder", target_is_directory=True)
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.parametrize(
    "spelled", ["folder/file", "./folder/../folder/file", "hard", "soft", "link/file", "folder/below/../file"]
)
def test_a_file_is_the_same_by_every_path(root: Path, spelled: str) -> None:
    for path in (Path(spelled), root / spelled):
        assert is_same(path, root / "folder" / "file")
        assert is_same(root / "folder" / "file", path)
        assert not is_same(path, root / "other")


def test_what_is_not_there_is_compared_by_where_it_would_be(root: Path) -> None:
    assert is_same(root / "link" / "new", Path("folder/below/../new"))
    assert not is_same(root / "new", root / "folder" / "new")


@pytest.mark.parametrize("inner", ["folder", "folder/below", "folder/new/deep", "link", "link/below", "link/../folder"])
def test_a_folder_holds_what_leads_into_it(root: Path, inner: str) -> None:
    assert is_within(Path(inner), root / "folder")
    assert find_around(Path(inner), [root / "nowhere", root / "link"]) == root / "link"


@pytest.mark.parametrize("inner", [".", "folder2/below", "hard", "folder/.."])
def test_a_folder_does_not_hold_what_lies_elsewhere(root: Path, inner: str) -> None:
    assert not is_within(Path(inner), root / "folder")
    assert find_around(Path(inner), [root / "folder"]) is None


def test_names_are_measured_in_bytes(root: Path) -> None:
    longest = name_bytes(root / "not" / "there")
    fitting, long = "ü" * (longest // 2), "ü" * (longest // 2 + 1)
    assert find_too_long(root, [fitting, long]) == [long]
    assert nearest_there(root / "not" / "there") == root


def test_case_counts_where_the_disk_tells_names_apart(root: Path) -> None:
    (root / "Probe").mkdir()
    assert is_case_blind(root / "Probe" / "new") == (root / "pROBE").exists()


@pytest.mark.parametrize("place", ["loop", "loop/below", "other_loop"])
def test_a_link_that_leads_back_to_itself_is_named(root: Path, place: str) -> None:
    (root / "loop").symlink_to("other_loop")
    (root / "other_loop").symlink_to("loop")
    for look in (resolve, lambda path: is_within(path, root), lambda path: find_around(path, [root])):
        with pytest.raises(DataError, match=f"{place}: is or lies behind a link that leads back to itself. Remove"):
            look(root / place)
