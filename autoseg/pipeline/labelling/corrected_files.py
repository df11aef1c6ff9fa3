"""Corrected masks as people give them back: found in a folder, read on the scan's grid, and checked."""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from autoseg.evaluation.files import round_labels
from dataset_fingerprints.dataset import LabelScheme
from dataset_fingerprints.errors import DataError
from dataset_fingerprints.geometry import Grid, show_lengths
from dataset_fingerprints.names import some_of
from dataset_fingerprints.reading.alignment import move_onto, same_place
from dataset_fingerprints.reading.images import Image, case_stem, is_image, read_label_map
from dataset_fingerprints.reading.segmentations import SUFFIX, is_segmentation, read_segmentation

_NAMED = 10


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Corrected:
    """A mask as it was read.

    Attributes:
        labels: (x, y, z) values on the scan's canonical grid.
    """

    path: Path
    labels: NDArray[np.integer]


def find_masks(folder: Path, cases: Sequence[str]) -> tuple[dict[str, list[Path]], list[Path]]:
    """Return the mask files in a folder by the case that they are called after, and those called after none."""
    found: dict[str, list[Path]] = {}
    strange = []
    known = frozenset(cases)
    for path in sorted(folder.iterdir()):
        if not (path.is_file() and is_image(path)):
            continue
        name = _name_case(path)
        if name in known:
            found.setdefault(name, []).append(path)
        else:
            strange.append(path)
    return found, strange


def _name_case(path: Path) -> str:
    if is_segmentation(path):
        return unicodedata.normalize("NFC", path.name[: -len(SUFFIX)])
    return case_stem(path)


def read_corrected(path: Path, scheme: LabelScheme, scan: Grid) -> Corrected:
    """Return a mask on its scan's grid, whatever its axes; of segmentations also what 3D Slicer has cut.

    Args:
        path: of the mask.
        scheme: of the labels that it may hold.
        scan: the canonical grid of the scan.

    Raises:
        DataError: it cannot be read, lies on other voxels, or holds other values or names than the labels.
    """
    values = {label.name: label.value for label in scheme.labels}
    values |= {} if scheme.ignore_value is None else {"ignore": scheme.ignore_value}
    image = read_segmentation(path, values) if is_segmentation(path) else read_label_map(path)
    labels = round_labels(path, image.voxels[0])
    unknown = np.setdiff1d(np.unique(labels), scheme.known_values())
    if len(unknown):
        named = ", ".join(f"{value} ({name})" for name, value in values.items())
        raise DataError(
            f"{path}: holds the values {some_of([str(value) for value in unknown], _NAMED)}. Expected 0 and {named}."
        )
    return Corrected(path=path, labels=_place(path, image, labels, scan))


def _place(path: Path, image: Image, labels: NDArray[np.integer], scan: Grid) -> NDArray[np.integer]:
    """Return labels on the scan's grid."""
    if same_place(image.grid(), scan):
        return labels
    if labels.size == 1 and not labels.any():
        # As 3D Slicer saves segmentations of which no segment has a voxel.
        return np.zeros(scan.shape, dtype=labels.dtype)
    # Segmentations of 3D Slicer are cut to what they hold. A label map that is smaller was made on another grid, and
    # where its voxels belong is not sure: programs that cut leave the origin as it was.
    cut = is_segmentation(path)
    moved = move_onto(labels, image.grid(), scan) if cut or image.grid().shape == scan.shape else None
    if moved is None:
        raise DataError(
            f"{path}: its voxels ({show_lengths(image.grid().shape)}) have other sizes or places than the scan's "
            f"({show_lengths(scan.shape)}). Expected the scan's own grid: save the mask on the grid of the scan."
        )
    lost = int(np.count_nonzero(labels)) - int(np.count_nonzero(moved))
    if lost:
        raise DataError(f"{path}: {lost} labelled voxels lie outside of the scan. Expected none: take them out.")
    return moved


def choose_corrected(read: Sequence[Corrected], before: NDArray[np.integer] | None) -> tuple[Corrected, bool]:
    """Return the one of a case's masks that is meant, and whether somebody changed it.

    Args:
        read: masks of one case, for different programs.
        before: the pre-segmentation that all of them were; None where there was none.

    Raises:
        DataError: several were changed, in different ways.
    """
    changed = [one for one in read if before is None or not np.array_equal(one.labels, before)]
    if not changed:
        return read[0], False
    first, *others = changed
    if any(not np.array_equal(first.labels, one.labels) for one in others):
        names = " and ".join(one.path.name for one in changed)
        raise DataError(f"{names} hold different masks. Keep the corrected one there, and move the others away.")
    return first, True
