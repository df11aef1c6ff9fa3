"""A disk that fails at any point is one message; nothing is lost, and the same command ends as if it had not failed."""

from __future__ import annotations

import errno
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from autoseg.workspace.locks import locked
from dataset_fingerprints.errors import AutosegError, WorkspaceError
from tests.autoseg.workspace.failing_disk import ERRORS, FailingDisk
from tests.autoseg.workspace.small import COMMANDS

# What is there before a command begins.
BEFORE = {"plan": (), "go on": ("ws",), "score": ("plans", "preprocessed", "cases"), "predict": ("ws",)}


def begin(small: Path, root: Path, name: str) -> Path:
    """Copy what a command needs, and nothing of what it makes."""
    shutil.copytree(small / "raw", root / "raw")
    if BEFORE[name] == ("ws",):
        shutil.copytree(small / "ws", root / "ws")
    elif BEFORE[name]:
        shutil.copytree(small / "ws", root / "ws", ignore=shutil.ignore_patterns("models"))
    return root


@pytest.fixture(scope="module")
def undisturbed(small: Path, tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, tuple[Any, int]]:
    """By command, its result, and how often it reaches the disk."""
    found = {}
    for name in BEFORE:
        root = begin(small, tmp_path_factory.mktemp("undisturbed") / "here", name)
        disk = FailingDisk(root)
        with pytest.MonkeyPatch.context() as patch:
            disk.install(patch)
            found[name] = (COMMANDS[name](root), disk.done)
    return found


def fail_and_repeat(root: Path, name: str, disk: FailingDisk, expected: Any) -> str:
    """Run a command on a failing disk and then on a sound one, and return what it said first."""
    said, failed = "", None
    with pytest.MonkeyPatch.context() as patch:
        disk.install(patch)
        try:
            found = COMMANDS[name](root)
        except AutosegError as error:
            said = str(error)
        except OSError as error:
            failed, said = error, f"{error.filename}: {error.strerror}"
        else:
            assert found == expected, disk.what
    if failed is not None:
        # The command line shows both; an error without a file's name would be of no use to anybody.
        assert (failed.errno, bool(failed.filename)) == (disk.error, True), disk.what
    assert COMMANDS[name](root) == expected, disk.what
    return said


def fail_at(
    small: Path, tmp_path: Path, undisturbed: Mapping[str, tuple[Any, int]], points: list[tuple[str, int]]
) -> int:
    """Let the disk fail at some points, and return how often that was reported."""
    reported = 0
    for number, (name, point) in enumerate(points):
        root = begin(small, tmp_path / str(number), name)
        disk = FailingDisk(root, point, ERRORS[number % len(ERRORS)])
        reported += bool(fail_and_repeat(root, name, disk, undisturbed[name][0]))
        assert not list(root.rglob(".partial-*")), disk.what
        shutil.rmtree(root)
    return reported


@pytest.mark.slow
def test_a_disk_that_fails_once_is_reported_and_the_second_run_ends_as_an_undisturbed_one(
    small: Path, tmp_path: Path, undisturbed: Mapping[str, tuple[Any, int]]
) -> None:
    rng = np.random.default_rng(0)
    points = [(name, int(rng.integers(count))) for name, (_, count) in undisturbed.items() for _ in range(3)]
    assert fail_at(small, tmp_path, undisturbed, points) > len(points) // 2


@pytest.mark.long
@pytest.mark.timeout(3600)
def test_wherever_it_fails(small: Path, tmp_path: Path, undisturbed: Mapping[str, tuple[Any, int]]) -> None:
    points = [(name, point) for name, (_, count) in undisturbed.items() for point in range(count)]
    assert fail_at(small, tmp_path, undisturbed, points) > len(points) // 2


@pytest.mark.parametrize("error", [errno.ENOLCK, errno.ENOSYS, errno.EOPNOTSUPP])
def test_a_file_system_without_locks_is_said_and_used(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, error: int
) -> None:
    FailingDisk(tmp_path, 1, error).install(monkeypatch)
    with locked(tmp_path, "fold 0"):
        assert "this file system has no locks" in caplog.text
        assert "Start one at a time" in caplog.text


@pytest.mark.parametrize("error", [errno.EIO, errno.ESTALE])
def test_a_lock_that_fails_is_one_message(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, error: int) -> None:
    FailingDisk(tmp_path, 1, error).install(monkeypatch)
    with pytest.raises(WorkspaceError, match=r"\.lock: cannot be locked"), locked(tmp_path, "fold 0"):
        pytest.fail("the block runs")
