"""What an import left, as tests look at it."""

from __future__ import annotations

import hashlib
from pathlib import Path

import numpy as np

from autoseg.progress import SilentProgress
from dataset_fingerprints.reading.images import read_label_map


class Said(SilentProgress):
    """What a person would read."""

    def __init__(self) -> None:
        self.lines: list[str] = []

    def say(self, message: str) -> None:
        self.lines.append(message)


def state_of(root: Path) -> dict[str, tuple[int, str]]:
    """Return time and content of everything below a folder."""
    return {
        str(path.relative_to(root)): (
            path.lstat().st_mtime_ns,
            hashlib.sha256(path.read_bytes()).hexdigest() if path.is_file() else "",
        )
        for path in root.rglob("*")
    }


def label_of(out: Path, case: str, folder: str = "labelsTr") -> np.ndarray:
    return read_label_map(out / folder / f"{case}.nii.gz").voxels[0]


def table_of(out: Path) -> dict[str, dict[str, str]]:
    rows = [line.split("\t") for line in (out / "cases.tsv").read_text(encoding="utf-8").splitlines()]
    return {row[0]: dict(zip(rows[0], row, strict=True)) for row in rows[1:]}


def left_out(out: Path) -> dict[str, str]:
    return dict(line.split("\t") for line in (out / "left_out.tsv").read_text(encoding="utf-8").splitlines()[1:])
