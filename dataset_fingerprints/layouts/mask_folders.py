"""Patients' folders with a main mask and sub-masks: the folder stands for a label map of both."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

from dataset_fingerprints.dataset import Label, LabelScheme
from dataset_fingerprints.layouts.tree_files import TreeCase, TreeFile
from dataset_fingerprints.reading.images import find_masks
from dataset_fingerprints.reading.mask_folders import MAIN, SUB, sort_masks

# How the label map of a folder is called in messages and options.
KIND = "masks"
SCHEME = LabelScheme(labels=(Label(name="main", value=MAIN), Label(name="sub", value=SUB)))


def with_mask_folders(cases: Iterable[TreeCase]) -> tuple[TreeCase, ...]:
    """Add the folder as a label map to every case with a main mask, where any of them has a sub-mask."""
    known = tuple(cases)
    folders = {case.name: folder for case in known if (folder := _find_folder(case))}
    if not any(masks.subs for folder in folders.values() if (masks := find_masks(folder))):
        return known
    return tuple(_add(case, folders[case.name]) if case.name in folders else case for case in known)


def is_mask_folder(file: TreeFile) -> bool:
    """Return whether a label map is a folder of masks."""
    return file.suffix == KIND and file.path.is_dir()


def _find_folder(case: TreeCase) -> Path | None:
    """Return the folder of a case's masks: there is a main mask, and every label map in it is one of them."""
    labels = [file.path for file in case.labels()]
    folders = {path.parent for path in labels}
    masks = sort_masks(labels)
    return folders.pop() if len(folders) == 1 and masks is not None and len(masks.all()) == len(labels) else None


def _add(case: TreeCase, folder: Path) -> TreeCase:
    return replace(case, files=(*case.files, TreeFile(path=folder, words=(), suffix=KIND)))
