"""Folders below a folder of scans that hold scans, too; masks and other results in there are not scans."""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from pathlib import Path

from autoseg.pipeline.predictions.places import holds_masks, is_report
from autoseg.workspace.reserved import is_workspace_root
from dataset_fingerprints.files.places import SYSTEM_FOLDERS, identify_place, is_same, refuse_closed
from dataset_fingerprints.reading.file_names import images_in
from dataset_fingerprints.reading.images import is_series, suffix_of
from dataset_fingerprints.reading.itk import PICTURE_SUFFIXES

# Root, group, patient, visit, kind, and some to spare.
_DEEPEST = 8
# Of label maps. A word such as `stroke` may be that of patients.
_LABELS = re.compile(
    r"masks?|labels?(tr|ts)?|segs?|segmentations?|gt|rois?|predictions?|references?|derivatives|"
    r"(lesion|label|ground)[_-]?(masks?|segs?|labels?|maps?|truth)",
    re.IGNORECASE,
)
NO_SCANS = {
    "labels": "a folder of label maps, by its name",
    "results": "masks of an earlier prediction",
    "report": "the report on masks",
    "out": "where the masks go",
    "workspace": "a workspace",
}


def why_no_scans(folder: Path, apart: Sequence[Path] = ()) -> str:
    """Return the reason why no scans are looked for in a folder, one of `NO_SCANS`; empty where they are.

    Args:
        folder: below that of the scans.
        apart: folders that masks of this run, and what belongs to them, go to.
    """
    if any(is_same(folder, place) for place in apart):
        return "out"
    if is_report(folder):
        return "report"
    if holds_masks(folder):
        return "results"
    if is_workspace_root(folder):
        return "workspace"
    return "labels" if _LABELS.fullmatch(folder.name) else ""


def find_nested(root: Path, apart: Sequence[Path] = ()) -> dict[Path, list[Path]]:
    """Return the images, and the folders of DICOM series, of every folder below one, by the folder.

    Empty where no image file lies in any of them: DICOM series are left to whoever names these. Hidden folders are
    left out. Pictures (.png and such) are scans where the folder itself holds some, or there is nothing else.

    Args:
        root: the folder; what it holds itself does not count.
        apart: folders that masks of this run go to.
    """
    folders = _walk(root, apart)
    own = images_in(root, series=False)
    volumes = any(not _is_picture(file) for files in (own, *folders.values()) for file in files)
    pictured = any(map(_is_picture, own))
    kept = {
        folder: [file for file in files if pictured or not volumes or not _is_picture(file)]
        for folder, files in folders.items()
    }
    if all(file.is_dir() for files in kept.values() for file in files):
        return {}
    return {folder: files for folder, files in kept.items() if files}


def _walk(root: Path, apart: Sequence[Path]) -> dict[Path, list[Path]]:
    """Return the images, and the folders of DICOM series, of every folder below one.

    Raises:
        DataError: one of them cannot be listed.
    """
    found: dict[Path, list[Path]] = {}
    seen = set()
    for place, names, _ in os.walk(root, onerror=refuse_closed, followlinks=True):
        folder = Path(place)
        identity = identify_place(folder)
        if identity in seen:  # a link that leads back
            names.clear()
            continue
        seen.add(identity)
        deep = len(folder.relative_to(root).parts)
        names[:] = sorted(name for name in names if deep < _DEEPEST and _may_hold(folder / name, apart))
        if deep:
            found[folder] = images_in(folder)
    return found


def _may_hold(folder: Path, apart: Sequence[Path]) -> bool:
    unlooked = folder.name.startswith(".") or folder.name in SYSTEM_FOLDERS
    return not (unlooked or why_no_scans(folder, apart) or is_series(folder))


def _is_picture(file: Path) -> bool:
    return suffix_of(file) in PICTURE_SUFFIXES and not file.is_dir()
