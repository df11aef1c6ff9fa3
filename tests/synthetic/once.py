"""Workspaces that one process of a test run makes, and of which every process that asks gets a copy."""

from __future__ import annotations

import fcntl
import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from dataset_fingerprints.dataset import Dataset
from dataset_fingerprints.files.checksums import CHECKSUM
from dataset_fingerprints.files.jsonfiles import from_plain, write_json

# Of the labelled cases, and of scans without labels where there are some.
DESCRIPTIONS = ("ws/dataset.json", "ws/unlabelled/dataset.json")


def make_once(factory: pytest.TempPathFactory, name: str, make: Callable[[Path], object]) -> Path:
    """Return this process's own copy of a folder that is made once in a test run, however many processes share it.

    Args:
        factory: pytest's own.
        name: of the folder.
        make: fills an empty folder; the raw data in `raw`, a workspace of them in `ws`.
    """
    own = factory.getbasetemp()
    # pytest-xdist gives each of its processes a folder in that of the run.
    run = own.parent if "PYTEST_XDIST_WORKER" in os.environ else own
    made = run / f"{name}-once"
    with (run / f"{name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not made.exists():
            making = run / f"{name}-unfinished"
            shutil.rmtree(making, ignore_errors=True)
            making.mkdir()
            make(making)
            making.rename(made)
            _tell_its_place(made, making)
    return copy_workspace(made, own / name)


def copy_workspace(root: Path, copy: Path) -> Path:
    """Copy the folders `raw` and `ws`, and let the copied workspace know the copied raw files."""
    shutil.copytree(root, copy, symlinks=True)
    _tell_its_place(copy, root)
    return copy


def _tell_its_place(root: Path, before: Path) -> None:
    """Write where the raw files lie now; nothing else in a workspace names a place."""
    for path in (root / name for name in DESCRIPTIONS if (root / name).is_file()):
        text = path.read_text(encoding="utf-8").replace(str(before), str(root))
        plain = {key: value for key, value in json.loads(text).items() if key != CHECKSUM}
        write_json(path, from_plain(plain, Dataset, "a copy"))
