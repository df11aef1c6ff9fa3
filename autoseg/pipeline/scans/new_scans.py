"""Scans to predict: the files that belong to each, and the paths of their masks."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from autoseg.pipeline.predictions.nested import NO_SCANS, find_nested, why_no_scans
from dataset_fingerprints.errors import DataError
from dataset_fingerprints.layouts import AUTOMATIC, Selection, list_scans, refuse_selection
from dataset_fingerprints.names import counted, some_of
from dataset_fingerprints.reading.dicom import name_folders
from dataset_fingerprints.reading.file_names import (
    are_first_channels,
    find_left_out,
    image_of,
    images_in,
    split_channel,
    stem_of,
)
from dataset_fingerprints.reading.images import IMAGE_SUFFIXES, is_image, is_series, read_channel_count, suffix_of

# The format of a mask for a scan in a format that holds no labels, or only in two files; a DICOM series has no suffix.
_MASK_SUFFIXES = {".mhd": ".mha", ".img": ".nii.gz", ".bmp": ".png", "": ".nii.gz"}

# Between the paths of a scan's files, where they stand in one cell of a table.
BETWEEN = "; "


@dataclass(frozen=True, kw_only=True, slots=True)
class NewScan:
    """A scan to predict.

    Attributes:
        name: of its mask; of a scan in a sub-folder with the folder in front: `site/patient`.
        images: one path per channel, None for a channel that is not there, or a single 4D file.
    """

    name: str
    images: tuple[Path | None, ...]

    def files(self) -> tuple[Path, ...]:
        """Return the paths of the channels that are there."""
        return tuple(image for image in self.images if image is not None)

    def list_files(self) -> str:
        """Return these paths as a table has them, in one cell."""
        return BETWEEN.join(map(str, self.files()))

    def absent(self) -> int:
        """Return how many channels are not there."""
        return sum(image is None for image in self.images)

    def mask_suffix(self) -> str:
        """Return the format of the scan's mask: the scan's own where it can hold labels."""
        first = self.files()[0]
        suffix = "" if first.is_dir() else suffix_of(first)
        return _MASK_SUFFIXES.get(suffix, suffix)


def find_scans(
    scans: Path,
    channels: Sequence[str],
    *,
    zero_missing: bool,
    series: str = "",
    selection: Selection = AUTOMATIC,
    apart: Sequence[Path] = (),
) -> tuple[NewScan, ...]:
    """Find the scans of a data set or in a folder, or the one that a file or a DICOM series belongs to.

    Args:
        scans: a file, a DICOM series' folder, or a folder of such, with those in its sub-folders; or a CSV or a folder
            as training takes it, whose scans have the names of the cases there.
        channels: the names of those that a scan must have.
        zero_missing: take scans that lack some of their channels.
        series: take only the DICOM series of this description or UID; empty for all.
        selection: the files of a data set that are the channels.
        apart: folders in which no scans are looked for, as masks go there.

    Raises:
        DataError: there is none, channels are missing, or several files claim one channel.
    """
    if not scans.exists():
        raise DataError(f"{scans}: does not exist. Expected a scan or a folder of scans.")
    listed = list_scans(scans, channels, selection)
    if listed is not None:
        taken = tuple(NewScan(name=scan.name, images=scan.images) for scan in listed)
        return _check_channels(scans, taken, channels, zero_missing=zero_missing)
    refuse_selection(scans, selection)
    given = image_of(scans)
    if given.is_file() and not is_image(given):
        slice_of = f" It lies in a DICOM series: give its folder, {given.parent}." if is_series(given.parent) else ""
        raise DataError(f"{scans}: is not an image that can be read ({', '.join(IMAGE_SUFFIXES)}).{slice_of}")
    if series and given.is_file():
        raise DataError(f"{scans}: is one image; --series chooses among the DICOM series of a folder. Leave it out.")
    groups = _group_files(given, len(channels), series, apart)
    if not groups:
        raise DataError(f"{scans}: holds no images ({', '.join(IMAGE_SUFFIXES)}) and no folder of a DICOM series.")
    return _make_scans(scans, groups, channels, zero_missing=zero_missing)


def find_files(files: Sequence[Path], channels: Sequence[str], *, zero_missing: bool) -> tuple[NewScan, ...] | None:
    """Find the scans that files of one folder belong to, as `find_scans` does for each of them, but all at once.

    Args:
        files: image files.
        channels: as for `find_scans`.
        zero_missing: as for `find_scans`.

    Returns:
        The scans; None where each file has to be looked at alone.
    """
    folder = files[0].parent
    beside = images_in(folder, series=False)
    if not set(files) <= set(beside) or len(set(map(stem_of, beside))) < len(beside):
        return None
    owners = {file: (name, group) for name, group in _by_case(beside, len(channels)).items() for file in group}
    groups: dict[str, list[Path]] = {}
    for file in files:
        groups |= _narrow_group(file, *owners[file], len(channels))
    return _make_scans(folder, _spell(groups), channels, zero_missing=zero_missing)


def _make_scans(
    scans: Path, groups: Mapping[str, list[Path]], channels: Sequence[str], *, zero_missing: bool
) -> tuple[NewScan, ...]:
    """Return the scans that groups of files are."""
    found = {name: _by_channel(group, len(channels)) for name, group in groups.items()}
    _refuse_incomplete(scans, {name: len(group) for name, group in groups.items() if found[name] is None}, channels)
    taken = tuple(NewScan(name=name, images=images) for name, images in found.items() if images is not None)
    return _check_channels(scans, taken, channels, zero_missing=zero_missing)


def _check_channels(
    scans: Path, taken: tuple[NewScan, ...], channels: Sequence[str], *, zero_missing: bool
) -> tuple[NewScan, ...]:
    """Return the scans, none of which is without a file, or without a channel unless these may be missing."""
    empty = [scan.name for scan in taken if not scan.files()]
    if empty or not taken:
        raise DataError(
            f"{scans}: {some_of(empty, 10) or 'it'} {'has' if len(empty) < 2 else 'have'} no scan. Expected files of "
            f"the channels {', '.join(channels)}: add them, or take the case out."
        )
    if not zero_missing:
        _refuse_absent(scans, [scan for scan in taken if scan.absent()], channels)
    return taken


def _group_files(given: Path, channels: int, series: str, apart: Sequence[Path]) -> dict[str, list[Path]]:
    """Return the files, or folders of DICOM series, of each scan by its name."""
    if given.is_file() or is_series(given):
        # The others only tell what the digits at the end of its name are.
        return _spell(_own_group(given, _by_case(_siblings(given), channels), channels))
    own, nested = images_in(given), {} if series else find_nested(given, apart)
    if series or (not nested and all(file.is_dir() for file in own)):
        return _group_folders(name_folders(given, series), channels)
    groups: dict[str, list[Path]] = {}
    for folder, files in {given: own, **nested}.items():
        _refuse_two_spellings(folder, files)
        for name, group in _spell(_by_case(files, channels)).items():
            groups[(folder.relative_to(given) / name).as_posix()] = group
    return groups


def _group_folders(named: dict[str, Path], channels: int) -> dict[str, list[Path]]:
    """Return the folders of DICOM series of each scan by its name."""
    numbered = channels > 1 or are_first_channels(named)
    groups: dict[str, list[Path]] = defaultdict(list)
    for name, folder in named.items():
        groups[split_channel(name)[0] if numbered else name].append(folder)
    return groups


def list_left_out(scans: Path, found: Iterable[NewScan], apart: Sequence[Path] = ()) -> list[str]:
    """Return the names of what lies in the folder of the scans and is not a scan; none where a single scan was given.

    Args:
        scans: the folder.
        found: in it.
        apart: folders that masks go to, which nobody misses.
    """
    found = tuple(found)
    files = [file for scan in found for file in scan.files()]
    nested = any("/" in scan.name for scan in found)
    from_list = not nested and all(file.parent != scans and not file.is_dir() for file in files)
    if not scans.is_dir() or scans in files or from_list:
        return []
    inside = {folder for file in files for folder in (file, *file.parents) if folder.is_relative_to(scans)}
    places = {scans, *(file.parent for file in files)} if nested else {scans}
    left_out = [path for path in find_left_out(places, files) if path not in inside]
    shown = [path for path in left_out if not path.is_dir() or why_no_scans(path, apart) != "out"]
    return [f"{path.relative_to(scans).as_posix()} ({_say_why(path)})" for path in shown]


def _say_why(path: Path) -> str:
    if path.is_dir():
        return NO_SCANS.get(why_no_scans(path), "a folder without scans")
    return "an image that belongs to no scan" if is_image(path) else "not an image"


def explain_digits(found: Iterable[NewScan], channels: Sequence[str]) -> str | None:
    """Return a sentence where digits that may be channels elsewhere are numbers of cases; None where there are none."""
    numbered = [scan.name for scan in found if len(channels) == 1 and split_channel(scan.name)[1] == 0]
    if not numbered:
        return None
    return f"The model has one channel: the digits at the end of names such as {numbered[0]} are numbers of cases."


def explain_channels(found: Sequence[NewScan], channels: Sequence[str]) -> str | None:
    """Return which files are the channels of the first scan, where no digits at the end of their names say so."""
    files = found[0].images
    if len(files) < 2 or any(file and split_channel(stem_of(file))[1] is not None for file in files):
        return None
    named = [f"{name} is {file.name if file else 'not there'}" for name, file in zip(channels, files, strict=True)]
    return f"Channels of {found[0].name}, for example: {some_of(named, 10)}."


def _siblings(given: Path) -> list[Path]:
    """Return a file with the images beside it, or a series with the series beside it; of these only names matter."""
    case, channel = split_channel(stem_of(given))
    if not given.is_dir():
        try:
            beside = images_in(given.parent, series=False)
        except OSError:
            beside = []  # a folder that may be entered but not listed
    elif channel is None:
        beside = []
    else:
        folders = [path for path in sorted(given.parent.iterdir()) if split_channel(stem_of(path))[0] == case]
        beside = [path for path in folders if is_series(path)]
    others = [path for path in beside if path != given and stem_of(path) != stem_of(given)]
    return sorted((given, *others))


def _by_case(files: Sequence[Path], channels: int) -> dict[str, list[Path]]:
    """Return the files of each scan by its name: digits at the end of names are channels or belong to the names."""
    by_stem: dict[str, list[Path]] = defaultdict(list)
    for file in files:
        by_stem[split_channel(stem_of(file))[0]].append(file)
    if channels == 1 and not are_first_channels(map(stem_of, files)):
        together = _several_channels(by_stem)
    elif channels == 1:
        together = set(by_stem)
    else:
        together = {stem for stem, group in by_stem.items() if not _hold_all(group, channels)}
    groups: dict[str, list[Path]] = defaultdict(list)
    for stem, group in by_stem.items():
        for file in group:
            groups[stem if stem in together else stem_of(file)].append(file)
    return groups


def _several_channels(by_stem: dict[str, list[Path]]) -> set[str]:
    """Return the names with several channels, of which the model has one, where not all files end in _0000.

    Digits are numbers of cases then, unless they begin at _0000 for several names and go on for some of them.
    """
    first = {stem for stem, group in by_stem.items() if any(split_channel(stem_of(file))[1] == 0 for file in group)}
    return {stem for stem in first if len(by_stem[stem]) > 1} if len(first) > 1 else set()


def _own_group(given: Path, groups: dict[str, list[Path]], channels: int) -> dict[str, list[Path]]:
    """Return the scan that a file belongs to; one of one channel is that file, whatever lies beside it."""
    name, group = next((name, group) for name, group in groups.items() if given in group)
    return _narrow_group(given, name, group, channels)


def _narrow_group(given: Path, name: str, group: list[Path], channels: int) -> dict[str, list[Path]]:
    """Return the scan of a file that has a name with others: of one channel, the file alone."""
    if channels > 1:
        return {name: group}
    return {name if len(group) == 1 else stem_of(given): [given]}


def _hold_all(files: Sequence[Path], channels: int) -> bool:
    """Return whether each of several files is a scan of its own: its number names no channel, or it holds all."""
    numbers = [split_channel(stem_of(file))[1] for file in files]
    if len(files) == 1 and numbers[0] in (None, 0):
        return False
    if None not in numbers and set(numbers) <= set(range(channels)):
        return not files[0].is_dir() and _holds_all(files[0], channels, otherwise=False)
    return all(_holds_all(file, channels, otherwise=False) for file in files)


def _by_channel(files: Sequence[Path], channels: int) -> tuple[Path | None, ...] | None:
    """Return the file of each channel, or None where the files do not fit the channels."""
    if len(files) == 1 and (channels == 1 or _holds_all(files[0], channels, otherwise=True)):
        return tuple(files)
    numbers = [split_channel(stem_of(file))[1] for file in files]
    placed = {number: file for number, file in zip(numbers, files, strict=True) if number is not None}
    if len(placed) != len(files) or max(placed) >= channels:
        return None
    return tuple(placed.get(channel) for channel in range(channels))


def _holds_all(file: Path, channels: int, *, otherwise: bool) -> bool:
    """Return whether one file holds all channels, or `otherwise` where it cannot be read, which is reported later."""
    try:
        return read_channel_count(file) == channels
    except Exception:  # of any kind
        return otherwise


def _spell(groups: dict[str, list[Path]]) -> dict[str, list[Path]]:
    """Return the files of scans by names as their first files spell them."""
    return {_spelled(name, group): group for name, group in groups.items()}


def _spelled(name: str, group: Sequence[Path]) -> str:
    """Return the name of a scan as its first file spells it: accents may be stored in several ways."""
    first = group[0]
    bare = first.name[: len(first.name) - len("" if first.is_dir() else suffix_of(first))]
    return bare if name == stem_of(first) else split_channel(bare)[0]


def _refuse_two_spellings(scans: Path, files: Sequence[Path]) -> None:
    """Refuse two files of one name, in two formats or with accents that are stored in two ways."""
    by_stem: dict[str, list[str]] = defaultdict(list)
    for file in files:
        by_stem[stem_of(file)].append(file.name)
    rivals = [" and ".join(names) for names in by_stem.values() if len(names) > 1]
    if rivals:
        raise DataError(
            f"{scans}: several files have the name of one scan: {some_of(rivals, 10, '; ')}. Keep one of them, or "
            "rename them."
        )


def _refuse_incomplete(scans: Path, wrong: dict[str, int], channels: Sequence[str]) -> None:
    if wrong and len(channels) == 1 and min(wrong.values()) > 1:
        shown = some_of([f"{name} has {count}" for name, count in wrong.items()], 10)
        raise DataError(
            f"{scans}: the model takes one channel ({channels[0]}), and there are several files per scan: {shown}. "
            f"Give only the files of {channels[0]}."
        )
    if wrong:
        shown = ", ".join(f"{name} ({count})" for name, count in list(wrong.items())[:10])
        raise DataError(
            f"{scans}: expected {counted(len(channels), 'channel')} per scan ({', '.join(channels)}), but these have "
            f"files of another number: {shown}. Name them CASE_0000, CASE_0001 and so on in this order, one file each, "
            "or give one 4D file."
        )


def _refuse_absent(scans: Path, lacking: Sequence[NewScan], channels: Sequence[str]) -> None:
    if lacking:
        names = [
            f"{scan.name} ({', '.join(name for name, image in zip(channels, scan.images, strict=True) if not image)})"
            for scan in lacking[:10]
        ]
        raise DataError(
            f"{scans}: {counted(len(lacking), 'scan lacks', 'scans lack')} channels: {'; '.join(names)}. Add their "
            "files, or predict without them with --zero-missing, which fills in zeros and costs accuracy."
        )
