"""Trees of small scans and label maps, written by the paths of their files."""

from __future__ import annotations

import errno
import os
import zlib
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from dataset_fingerprints.layouts.modalities import is_label_name
from tests.synthetic.scans import head, write_nifti

SHAPE = (10, 12, 8)
ATLAS = "space-MNI152NLin2009aSym"


def write_tree(root: Path, *files: str, shape: tuple[int, int, int] = SHAPE) -> Path:
    """Write a small head for every path; label maps, by their names, of the one dark label in it.

    Files of one folder have the same head, so that channels and label map belong together.
    """
    for file in files:
        seed = zlib.crc32(file.split("/")[0].encode())
        image, labels = head(seed, shape)
        name = file.rsplit("/", 1)[-1]
        write_nifti(root / f"{file}.nii.gz", (labels == 1).astype(np.uint8) if is_label_name(name) else image)
    return root


def bids(subjects: Iterable[str], *names: str, session: str = "", folder: str = "anat") -> list[str]:
    """Return the paths of files of BIDS names in every subject's folder."""
    between, within = (f"_{session}", f"/{session}") if session else ("", "")
    return [f"{subject}{within}/{folder}/{subject}{between}_{name}" for subject in subjects for name in names]


def atlas(root: Path, cohort: str, subjects: Iterable[str], *, masks: bool) -> Path:
    """Write a cohort as ATLAS R2.0 lays it out."""
    kinds = ["T1w", "label-L_desc-T1lesion_mask"] if masks else ["T1w"]
    return write_tree(root / cohort, *bids(subjects, *(f"{ATLAS}_{kind}" for kind in kinds), session="ses-1"))


def people(root: Path, text: str) -> Path:
    """Write a participants.tsv, whose columns stand apart by blanks here."""
    lines = ["\t".join(line.split()) for line in text.strip().splitlines()]
    root.mkdir(parents=True, exist_ok=True)
    (root / "participants.tsv").write_text("\n".join(lines) + "\n", encoding="utf-8")
    return root


def close_folders(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    """Let folders of a name refuse to be listed, also for root, who may list everything."""
    listed = os.scandir

    def refuse(place: Any = ".") -> Any:
        if os.fspath(place).endswith(f"/{name}"):
            raise PermissionError(errno.EACCES, "Permission denied", os.fspath(place))
        return listed(place)

    monkeypatch.setattr(os, "scandir", refuse)
