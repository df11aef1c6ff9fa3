"""Masks that are there already: which stay, and which of them may not belong to their scans."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from autoseg.pipeline.new_scans import NewScan
from autoseg.progress import Progress
from dataset_fingerprints.errors import DataError
from dataset_fingerprints.geometry import Grid, canonical_grid
from dataset_fingerprints.measuring.identity import files_behind
from dataset_fingerprints.names import counted, some_of
from dataset_fingerprints.reading.alignment import same_place
from dataset_fingerprints.reading.images import read_grid, read_label_map

_log = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True, slots=True)
class Masks:
    """The masks of all scans, in their order; as a sequence it is their paths.

    Attributes:
        paths: of all masks.
        kept: those of them that were there before and stay.
    """

    paths: tuple[Path, ...]
    kept: frozenset[Path] = frozenset()

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
        return f"{counted(made, 'mask')} made{stay}"


@dataclass(frozen=True, kw_only=True, slots=True)
class _Doubt:
    """A mask that stays though it may not belong to its scan, and why it may not."""

    mask: Path
    reason: str


def find_kept(
    scans: Sequence[NewScan], targets: Sequence[Path], weights: Sequence[Path], progress: Progress
) -> frozenset[Path]:
    """Return the masks that are there and stay, and say which of them may not belong to their scans.

    A file that cannot be read as a label map is no mask: its scan is predicted.

    Args:
        scans: all scans.
        targets: the path of each scan's mask.
        weights: the files of the models.
        progress: receiver of what is found.
    """
    kept, damaged, doubts = [], [], []
    trained = max((path.stat().st_mtime_ns for path in weights), default=0)
    for scan, target in zip(scans, targets, strict=True):
        if not target.is_file():
            continue
        try:
            grid = read_label_map(target).grid()
        except DataError:
            damaged.append(target)
            continue
        kept.append(target)
        doubts += [_Doubt(mask=target, reason=reason) for reason in _find_doubts(scan, target, grid, trained)]
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
            len(kept),
            "mask is there already and stays as it is",
            "masks are there already and stay as they are",
        )
        again = "it" if len(kept) == 1 else "them"
        progress.say(f"{stay}. Give --overwrite to predict {again} again.")
    _warn(doubts)
    return frozenset(kept)


def _find_doubts(scan: NewScan, mask: Path, grid: Grid, trained_ns: int) -> list[str]:
    files = [file for image in scan.files() for file in files_behind(image)]
    made_ns = mask.stat().st_mtime_ns
    reasons = []
    if not _fits(scan, grid):
        reasons.append("lie on another grid than their scans")
    if any(file.stat().st_mtime_ns > made_ns for file in files):
        reasons.append("are older than their scans")
    if trained_ns > made_ns:
        reasons.append("are older than the weights of the model")
    return reasons


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
            "Masks that stay but %s (%d): %s. They may be of other scans or models: give --overwrite to predict them "
            "again.",
            reason,
            len(names),
            some_of(names, 10),
        )
