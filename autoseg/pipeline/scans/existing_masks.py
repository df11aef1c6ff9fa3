"""Masks that are there already: which stay, and which of them may not belong to their scans."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from autoseg.pipeline.scans.new_scans import BETWEEN, NewScan
from autoseg.pipeline.scans.scan_warnings import ScanWarning
from autoseg.progress import Progress
from dataset_fingerprints.errors import DataError
from dataset_fingerprints.files.places import is_same
from dataset_fingerprints.geometry import Grid, canonical_grid
from dataset_fingerprints.measuring.identity import files_behind, identify
from dataset_fingerprints.names import counted, some_of
from dataset_fingerprints.reading.alignment import same_place
from dataset_fingerprints.reading.images import read_grid, read_image, read_label_map

_log = logging.getLogger(__name__)
# A label map of another model has at most so many other labels; a scan has more values.
MOST_FOREIGN = 32


@dataclass(frozen=True, kw_only=True, slots=True)
class Masks:
    """The masks of all scans, in their order; as a sequence it is their paths.

    Attributes:
        paths: of all masks that are there now.
        failed: number of scans that could not be predicted; the mask of one may stay, whose maps could not be made.
        kept: those of them that were there before and stay.
        warnings: what is remarkable about scans that were predicted now, such as being unlike the training scans.
        table: of all scans: volumes, numbers of lesions, warnings; None where none was written.
        pictures: of the scans that were predicted now.
        folder: that the masks lie in, some perhaps below it; None where a person gave the single mask's own name.
        record: of this prediction, for programs: what was predicted by what; None where none was written.
        lesions: the table of all lesions; None where no scan was predicted now.
        maps: of probabilities and uncertainty, those of masks that stay too.
        segmentations: the same masks as DICOM SEG, of DICOM series.
    """

    paths: tuple[Path, ...]
    failed: int = 0
    kept: frozenset[Path] = frozenset()
    warnings: tuple[ScanWarning, ...] = ()
    table: Path | None = None
    pictures: tuple[Path, ...] = ()
    folder: Path | None = None
    record: Path | None = None
    lesions: Path | None = None
    maps: tuple[Path, ...] = ()
    segmentations: tuple[Path, ...] = ()

    def __iter__(self) -> Iterator[Path]:
        return iter(self.paths)

    def __len__(self) -> int:
        return len(self.paths)

    def __getitem__(self, position: int) -> Path:
        return self.paths[position]

    def made(self) -> tuple[Path, ...]:
        """Return the masks that were made now."""
        return tuple(path for path in self.paths if path not in self.kept)

    def describe(self) -> str:
        """Return in words how many were made, and how many were there."""
        made, kept = len(self.paths) - len(self.kept), len(self.kept)
        stay = f", {kept} {'was there and stays' if kept == 1 else 'were there and stay'}" if kept else ""
        missing = f", {counted(self.failed, 'scan')} failed" if self.failed else ""
        return f"{counted(made, 'mask')} made{stay}{missing}"


@dataclass(frozen=True, kw_only=True, slots=True)
class _There:
    """A file in the place of a mask.

    Attributes:
        is_other_image: whether it is an image, but none of labels.
        grid: of a mask; None where the file is not a mask.
        has_other_labels: than the model.
    """

    path: Path
    is_other_image: bool = False
    grid: Grid | None = None
    has_other_labels: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class _Doubt:
    """A mask that stays though it may not belong to its scan, and why it may not."""

    mask: Path
    reason: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Origin:
    """What is known of a mask that is there.

    Attributes:
        known: whether it is known what made it.
        doubt: why it may not be what the model would make, as what is said of masks goes on; empty for no doubt.
    """

    known: bool
    doubt: str


UNKNOWN = Origin(known=False, doubt="")


@dataclass(frozen=True, kw_only=True, slots=True)
class Made:
    """What masks that were made by a model look like.

    Attributes:
        values: that its masks hold.
        weights: the files of its weights.
        recall: returns what is recorded of a mask.
        made_of: returns the files that a mask was made of, as `NewScan.list_files` does; empty where nobody knows.
    """

    values: tuple[int, ...]
    weights: Sequence[Path]
    recall: Callable[[Path], Origin] = lambda _: UNKNOWN
    made_of: Callable[[Path], str] = lambda _: ""


def find_kept(
    scans: Sequence[NewScan],
    targets: Sequence[Path],
    model: Made,
    progress: Progress,
    *,
    overwrite: bool = False,
) -> frozenset[Path]:
    """Return the masks that are there and stay, and say which of them may not belong to their scans.

    A file that cannot be read, or not to its end, does not count as a mask: its scan is predicted.

    Args:
        scans: all scans.
        targets: the path of each scan's mask.
        model: that predicts.
        progress: receiver of what is found.
        overwrite: let no mask stay.

    Raises:
        DataError: what stands in the place of a mask is a sound image, but no mask; the message names it.
    """
    there = [
        (scan, _look_at(target, model.values)) for scan, target in zip(scans, targets, strict=True) if target.is_file()
    ]
    _refuse_images([found.path for _, found in there if found.is_other_image])
    if overwrite:
        return frozenset()
    damaged = [found.path for _, found in there if found.grid is None]
    kept = [(scan, found) for scan, found in there if found.grid is not None]
    trained_ns = max((path.stat().st_mtime_ns for path in model.weights), default=0)
    _report(damaged, len(kept), progress)
    doubts = []
    for scan, found in kept:
        origin = model.recall(found.path)
        reasons = _find_doubts(scan, found, 0 if origin.known else trained_ns)
        if _is_of_another(scan, model.made_of(found.path)):
            reasons.append("were made of other scans of the same names")
        doubts += [_Doubt(mask=found.path, reason=reason) for reason in (*filter(None, [origin.doubt]), *reasons)]
    _warn(doubts)
    return frozenset(found.path for _, found in kept)


def _look_at(path: Path, values: Sequence[int]) -> _There:
    try:
        image = read_label_map(path)
    except DataError:
        return _There(path=path, is_other_image=_is_sound(path))
    foreign = _find_foreign(image.voxels, values)
    if foreign is None or len(foreign) > MOST_FOREIGN:
        return _There(path=path, is_other_image=True)
    return _There(path=path, grid=image.grid(), has_other_labels=len(foreign) > 0)


def _refuse_images(paths: Sequence[Path]) -> None:
    if paths:
        stand = counted(
            len(paths),
            "file stands in the place of a mask, but is not a label map of the model",
            "files stand in the place of masks, but are not label maps of the model",
        )
        raise DataError(
            f"{paths[0].parent}: {stand}: {some_of([path.name for path in paths], 10)}. Nothing is written over: give "
            "another folder with -o, or move what is there."
        )


def _report(damaged: Sequence[Path], kept: int, progress: Progress) -> None:
    if damaged:
        names = some_of([path.name for path in damaged], 10)
        what = counted(
            len(damaged),
            "file in the place of a mask cannot be read as a mask and is replaced",
            "files in the place of masks cannot be read as masks and are replaced",
        )
        progress.say(f"{what}: {names}.")
    if kept:
        stay = counted(
            kept,
            "mask is there already and stays as it is",
            "masks are there already and stay as they are",
        )
        progress.say(f"{stay}. Give --overwrite to predict {'it' if kept == 1 else 'them'} again.")


def _is_sound(path: Path) -> bool:
    """Return whether a file is an image, if not one of labels, rather than a mask that was damaged."""
    try:
        read_image([path])
    except DataError:
        return False
    return True


def _find_foreign(voxels: NDArray[Any], values: Sequence[int]) -> NDArray[Any] | None:
    """Return the values of an image that are not labels; None where they are not whole numbers."""
    found = np.unique(voxels)
    if found.dtype.kind == "f" and not (np.isfinite(found) & (found == np.rint(found))).all():
        return None
    return found[~np.isin(found, values)]


def _find_doubts(scan: NewScan, found: _There, trained_ns: int) -> list[str]:
    made_ns = found.path.stat().st_mtime_ns
    reasons = []
    if found.grid is not None and not _fits(scan, found.grid):
        reasons.append("lie on another grid than their scans")
    if _is_newer(scan, made_ns):
        reasons.append("are older than their scans")
    if trained_ns > made_ns:
        reasons.append("are older than the weights of the model")
    if found.has_other_labels:
        reasons.append("hold other values than the labels of the model")
    return reasons


def _is_newer(scan: NewScan, made_ns: int) -> bool:
    """Return whether a file of a scan is newer than its mask; a scan that is gone or cannot be read is not judged."""
    try:
        files = [file for image in scan.files() for file in files_behind(image)]
        return any(file.stat().st_mtime_ns > made_ns for file in files)
    except (DataError, OSError):
        return False


def _is_of_another(scan: NewScan, made_of: str) -> bool:
    """Return whether a mask was made of files that are there and hold something else than the scan's."""
    files, others = scan.files(), [Path(other) for other in made_of.split(BETWEEN)]
    if made_of in ("", scan.list_files()) or len(files) != len(others):
        return False
    try:
        pairs = [pair for pair in zip(files, others, strict=True) if not is_same(*pair)]
        return any(identify(file).sha256 != identify(other).sha256 for file, other in pairs)
    except (DataError, OSError):
        return False


def _fits(scan: NewScan, grid: Grid) -> bool:
    """Return whether a mask's grid is the scan's; a scan that cannot be read is not judged."""
    try:
        return same_place(grid, canonical_grid(read_grid(scan.files()[0])))
    except DataError:
        return True


def _warn(doubts: Sequence[_Doubt]) -> None:
    for reason in dict.fromkeys(doubt.reason for doubt in doubts):
        names = [doubt.mask.name for doubt in doubts if doubt.reason == reason]
        _log.warning(
            "Masks that stay but %s (%d): %s. They may be of other scans or models, as maps that are made for them now "
            "may be: give --overwrite to predict them again, or another folder with -o.",
            reason,
            len(names),
            some_of(names, 10),
        )
