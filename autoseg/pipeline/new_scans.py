"""Scans to predict: the files that belong to each, and the paths of their masks."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from dataset_fingerprints.errors import DataError
from dataset_fingerprints.reading.dicom import name_folders
from dataset_fingerprints.reading.images import IMAGE_SUFFIXES, case_stem, is_image, is_series, read_channel_count

_CHANNEL = re.compile(r"_(\d{4})$")
# The format of a mask for a scan in a format that holds no labels, or only in two files; a DICOM series has no suffix.
_MASK_SUFFIXES = {".mhd": ".mha", ".bmp": ".png", "": ".nii.gz"}


@dataclass(frozen=True, kw_only=True, slots=True)
class NewScan:
    """A scan to predict.

    Attributes:
        images: one path per channel, None for a channel that is not there, or a single 4D file.
    """

    name: str
    images: tuple[Path | None, ...]

    def absent(self) -> int:
        """Return how many channels are not there."""
        return sum(image is None for image in self.images)

    def mask_suffix(self) -> str:
        """Return the format of the scan's mask: the scan's own where it can hold labels."""
        first = next(image for image in self.images if image is not None)
        suffix = "" if first.is_dir() else first.name[len(case_stem(first)) :]
        return _MASK_SUFFIXES.get(suffix, suffix)


def find_scans(scans: Path, channels: Sequence[str], *, zero_missing: bool, series: str = "") -> tuple[NewScan, ...]:
    """Find the scans in a folder, or the one that a file or a DICOM series belongs to.

    Args:
        scans: a file, a DICOM series' folder, or a folder of such.
        channels: the names of those that a scan must have.
        zero_missing: take scans that lack some of their channels.
        series: take only the DICOM series of this description or UID; empty for all.

    Raises:
        DataError: there is none, channels are missing, or several files claim one channel.
    """
    if not scans.exists():
        raise DataError(f"{scans}: does not exist. Expected a scan or a folder of scans.")
    if scans.is_file() and not is_image(scans):
        raise DataError(f"{scans}: is not an image that can be read ({', '.join(IMAGE_SUFFIXES)}).")
    if series and scans.is_file():
        raise DataError(f"{scans}: is one image; --series chooses among the DICOM series of a folder. Leave it out.")
    alone = scans.is_file() or is_series(scans)
    files = [file for file in sorted((scans.parent if alone else scans).iterdir()) if is_image(file) or is_series(file)]
    # Where there is one channel and nothing is called CASE_0000, numbers at the end are those of cases.
    numbered = len(channels) > 1 or any(_stem(file).endswith("_0000") for file in files)
    groups: dict[str, list[Path]] = {}
    for file in files:
        groups.setdefault(_case_name(file, numbered), []).append(file)
    if not alone and (series or not any(map(is_image, files))):
        groups = _group_folders(name_folders(scans, series), len(channels))
    if alone:
        name = _case_name(scans, numbered)
        groups = {name: groups[name] if len(channels) > 1 else [scans]}
    if not groups:
        raise DataError(f"{scans}: holds no images ({', '.join(IMAGE_SUFFIXES)}) and no folder of a DICOM series.")
    found = {name: _by_channel(group, len(channels)) for name, group in groups.items()}
    _refuse_incomplete(scans, {name: len(group) for name, group in groups.items() if found[name] is None}, channels)
    taken = tuple(NewScan(name=name, images=images) for name, images in found.items() if images is not None)
    if not zero_missing:
        _refuse_absent(scans, [scan for scan in taken if scan.absent()], channels)
    return taken


def _group_folders(named: dict[str, Path], channels: int) -> dict[str, list[Path]]:
    """Return the folders of DICOM series of each scan by its name."""
    numbered = channels > 1 or any(name.endswith("_0000") for name in named)
    groups: dict[str, list[Path]] = {}
    for name, folder in named.items():
        groups.setdefault(_CHANNEL.sub("", name) if numbered else name, []).append(folder)
    return groups


def _stem(file: Path) -> str:
    return file.name if file.is_dir() else case_stem(file)


def _case_name(file: Path, numbered: bool) -> str:
    return _CHANNEL.sub("", _stem(file)) if numbered else _stem(file)


def _by_channel(files: Sequence[Path], channels: int) -> tuple[Path | None, ...] | None:
    """Return the file of each channel, or None where the files do not fit the channels."""
    if len(files) == 1 and (channels == 1 or _holds_all(files[0], channels)):
        return tuple(files)
    numbers = [_CHANNEL.search(_stem(file)) for file in files]
    placed = {int(number.group(1)): file for number, file in zip(numbers, files, strict=True) if number}
    if len(placed) != len(files) or max(placed) >= channels:
        return None
    return tuple(placed.get(channel) for channel in range(channels))


def _holds_all(file: Path, channels: int) -> bool:
    """Return whether one file holds all channels; one that cannot be read is reported later, beside the others."""
    try:
        return read_channel_count(file) == channels
    except Exception:  # of any kind
        return True


def _refuse_incomplete(scans: Path, wrong: dict[str, int], channels: Sequence[str]) -> None:
    if wrong:
        shown = ", ".join(f"{name} ({count})" for name, count in list(wrong.items())[:10])
        raise DataError(
            f"{scans}: expected {len(channels)} channels per scan ({', '.join(channels)}), but these have files of "
            f"another number: {shown}. Name them CASE_0000, CASE_0001 and so on in this order, one file each, or give "
            "one 4D file."
        )


def _refuse_absent(scans: Path, lacking: Sequence[NewScan], channels: Sequence[str]) -> None:
    if lacking:
        names = [
            f"{scan.name} ({', '.join(name for name, image in zip(channels, scan.images, strict=True) if not image)})"
            for scan in lacking[:10]
        ]
        raise DataError(
            f"{scans}: {len(lacking)} scans lack channels: {'; '.join(names)}. Add their files, or predict without "
            "them with --zero-missing, which fills in zeros and costs accuracy."
        )
