"""Masks that lie in sub-folders: those of a BIDS derivative, and those that keep the folders of their scans."""

from __future__ import annotations

from pathlib import Path

from dataset_fingerprints.errors import AutosegError, DataError
from dataset_fingerprints.layouts import list_masks
from dataset_fingerprints.layouts.tree_files import walk_images
from dataset_fingerprints.reading.file_names import images_in, stem_of


def find_derived(folder: Path) -> dict[str, Path] | None:
    """Return the masks of a BIDS tree that holds nothing else, by case; None for another folder, or a file."""
    if not folder.is_dir() or images_in(folder, series=False):
        return None
    try:
        return list_masks(folder)
    except AutosegError:
        return None


def find_nested(prediction: Path, reference: Path) -> tuple[dict[str, Path], dict[str, Path]] | None:
    """Return the files of two folders by paths such as `site/patient`, where both have some in the same sub-folders.

    Args:
        prediction: the folder of the masks.
        reference: that of the references.

    Returns:
        All files of both, those in the folders themselves by their names; None where no sub-folders are alike.

    Raises:
        DataError: there are, and two files of one folder are of one case.
    """
    sides = [_list(folder) for folder in (prediction, reference)]
    if not any("/" in name for name in sides[0].keys() & sides[1].keys()):
        return None
    for folder, files in zip((prediction, reference), sides, strict=True):
        twice = next((several for several in files.values() if len(several) > 1), None)
        if twice is not None:
            raise DataError(f"{folder}: holds {twice[0].name} and {twice[1].name}. Keep one file per case.")
    first, second = ({name: files[0] for name, files in side.items()} for side in sides)
    return first, second


def _list(folder: Path) -> dict[str, list[Path]]:
    """Return the images below a folder by their paths from it, without suffixes."""
    listed: dict[str, list[Path]] = {}
    for parts, files in walk_images(folder):
        for file in files:
            listed.setdefault("/".join((*parts, stem_of(file))), []).append(file)
    return listed
