"""A bit that flips on the disk is refused, made good or without effect; it never changes a result silently."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from autoseg.workspace.locks import LOCK
from dataset_fingerprints.errors import AutosegError
from tests.autoseg.workspace.small import COMMANDS

# By a part of a file's path, the commands that read it.
READERS = {
    "cases/": ("plan",),
    "plan.json": ("explain", "plan", "predict", "score"),
    "splits.json": ("plan", "score", "go on"),
    "fingerprint.json": ("plan",),
    "dataset.json": ("plan", "score"),
    "preprocessed/": ("plan", "go on"),
    "checkpoint.safetensors": ("go on",),
    "weights.safetensors": ("predict",),
    "run.json": ("predict", "score", "go on"),
    "record.json": ("score", "go on"),
    "metrics.jsonl": ("go on",),
    "validation/": ("score",),
}


@pytest.fixture(scope="module")
def expected(small: Path, tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, Any]:
    """What every command makes of the sound workspace."""
    found = {}
    for name, command in COMMANDS.items():
        root = tmp_path_factory.mktemp("sound") / "here"
        shutil.copytree(small, root)
        found[name] = command(root)
    return found


def list_files(root: Path) -> list[tuple[Path, tuple[str, ...]]]:
    """Return the files that commands read, each with these commands."""
    paths = [path for path in sorted((root / "ws").rglob("*")) if path.is_file() and path.name != LOCK]
    return [(path, commands) for path in paths for part, commands in READERS.items() if part in str(path)]


def flip(path: Path, rng: np.random.Generator) -> str:
    """Flip a bit, and return which."""
    content = bytearray(path.read_bytes())
    place, bit = int(rng.integers(len(content))), int(rng.integers(8))
    content[place] ^= 1 << bit
    path.write_bytes(content)
    return f"{path.name}, byte {place}, bit {bit}"


def look(root: Path, name: str, expected: Mapping[str, Any], what: str) -> bool:
    """Return whether a command refuses a damaged workspace; where it does not, its result is that of the sound one."""
    try:
        found = COMMANDS[name](root)
    except AutosegError:
        return True
    assert found == expected[name], f"{name}: {what}"
    return False


def flip_and_look(small: Path, tmp_path: Path, expected: Mapping[str, Any], seeds: range) -> int:
    """Flip bits one at a time, let a command look at each, and return how many of them it refused."""
    refused = 0
    for seed in seeds:
        rng, root = np.random.default_rng(seed), tmp_path / str(seed)
        shutil.copytree(small, root)
        files = list_files(root)
        path, commands = files[int(rng.integers(len(files)))]
        what = flip(path, rng)
        refused += look(root, commands[int(rng.integers(len(commands)))], expected, f"seed {seed}: {what}")
        shutil.rmtree(root)
    return refused


@pytest.mark.slow
def test_a_flipped_bit_never_changes_a_result_silently(
    small: Path, tmp_path: Path, expected: Mapping[str, Any]
) -> None:
    assert flip_and_look(small, tmp_path, expected, range(24)) > 4


@pytest.mark.long
@pytest.mark.timeout(3600)
def test_nor_do_five_hundred(small: Path, tmp_path: Path, expected: Mapping[str, Any]) -> None:
    assert flip_and_look(small, tmp_path, expected, range(24, 524)) > 100


# By a part of a file's path, the command that makes it again.
MAKERS = {
    ".reference.b2nd": "plan",
    "preprocessed/": "plan",
    "validation/sub": "score",
    "probabilities/": "score",
    "validation/cases/": "score",
    "validation/metrics.json": "score",
}


@pytest.mark.parametrize("part", MAKERS)
@pytest.mark.parametrize("damage", ["cut", "gone"])
def test_the_remedy_makes_good_what_was_cut_or_is_gone(
    small: Path, tmp_path: Path, expected: Mapping[str, Any], part: str, damage: str
) -> None:
    root = tmp_path / "here"
    shutil.copytree(small, root)
    for path in [path for path in (root / "ws").rglob("*") if part in str(path) and path.is_file()]:
        if damage == "cut":
            path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
        else:
            path.unlink()
    assert COMMANDS[MAKERS[part]](root) == expected[MAKERS[part]]
    assert COMMANDS["score"](root) == expected["score"]
