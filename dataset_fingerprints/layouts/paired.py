"""Paired folders: scans in one folder and label maps in another, matched by their file names.

Course material has them once more in folders above: train/Brain and train/Lesion, test/Brain without label maps.
"""

from __future__ import annotations

import logging
import os
import re
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from dataset_fingerprints.dataset import Case, Dataset
from dataset_fingerprints.errors import DataError
from dataset_fingerprints.files.places import resolve
from dataset_fingerprints.layouts.description import (
    make_case,
    most_common_count,
    read_channels,
    read_description,
    read_scheme_or_default,
    refuse_rivals,
    refuse_unusable_names,
    refuse_wrong_channels,
)
from dataset_fingerprints.layouts.marks import with_marks
from dataset_fingerprints.layouts.near_names import describe_near_names
from dataset_fingerprints.names import counted, natural_order, some_of
from dataset_fingerprints.reading.dicom import name_folders
from dataset_fingerprints.reading.file_names import ending_of, images_in, split_channel, stem_of
from dataset_fingerprints.reading.images import IMAGE_SUFFIXES

_log = logging.getLogger(__name__)

# Names of sub-folders, in lower case, that hold scans and label maps.
_KNOWN_PAIRS = (
    ("brain", "lesion"),
    ("image", "label"),
    ("images", "labels"),
    ("img", "mask"),
    ("t1", "lesion"),
)
_TRAINING = ("train", "training")
_TESTS = ("test", "testing")
_COMMON_SUFFIX = re.compile(
    r"(?<=.)[_-](t1w?|t2w?|flair|dwi|adc|ct|brain|image|img|scan|mask|lesion|labels?|seg|segmentation)$", re.IGNORECASE
)


def is_paired(root: Path, description: Mapping[str, Any]) -> bool:
    """Return whether a folder holds known paired folders and nothing says that its files lie elsewhere."""
    elsewhere = "training" in description or "dataset" in description or (root / "labelsTr").is_dir()
    return root.is_dir() and not elsewhere and bool(_find_pairs(_find_training(root)))


def read_known_pair(root: Path, description: Mapping[str, Any]) -> Dataset:
    """Read the one pair of sub-folders with known names (Brain and Lesion, images and labels, ...), in any case.

    They may lie in a folder `train`; what lies in a folder `test` beside it is kept out, and said.

    Channels and labels are the 'channel_names' and 'labels' of a dataset.json (in nnU-Net's form) where it names them.
    """
    inner = _find_training(root)
    if inner != root:
        _report_tests(root)
        description = description or read_description(inner / "dataset.json")
    pairs = _find_pairs(inner)
    if len(pairs) > 1:
        shown = "; ".join(f"{images.name} and {labels.name}" for images, labels in pairs)
        raise DataError(
            f"{root}: holds {len(pairs)} pairs of folders: {shown}. Expected one: move the others away, "
            "or list the files in a CSV with the columns image and label."
        )
    others = [folder.name for folder in _folders(inner) if folder not in pairs[0] and images_in(folder)]
    if others:
        images, labels = (folder.name for folder in pairs[0])
        raise DataError(
            f"{root}: holds images in {some_of(others, 10)} beside {images} and {labels}, and would leave them out. "
            "List further channels in a CSV with columns such as image:T1w, image:FLAIR and label, or move them away."
        )
    return _read_pair(root, *pairs[0], description)


def find_lone_scans(root: Path) -> Path | None:
    """Return the only folder with images below a folder, if it has a known name of scans: test/Brain; else None."""
    if not root.is_dir() or images_in(root, series=False):
        return None
    folders = [folder for folder in _folders(root) if not folder.name.startswith(".")]
    names = {name for pair in _KNOWN_PAIRS for name in (pair[0], f"{pair[0]}s")}
    alone = len(folders) == 1 and folders[0].name.lower() in names
    return folders[0] if alone and images_in(folders[0], series=False) else None


def _find_training(root: Path) -> Path:
    """Return the folder of the pair: the given one, or the one for training in it."""
    if not root.is_dir() or _find_pairs(root):
        return root
    inner = [folder for folder in _folders(root) if folder.name.lower() in _TRAINING and _find_pairs(folder)]
    return inner[0] if len(inner) == 1 else root


def _report_tests(root: Path) -> None:
    tests = [folder.name for folder in _folders(root) if folder.name.lower() in _TESTS]
    if tests:
        _log.warning("%s: Left out %s, for a test.", root, some_of(tests))


def read_paired(images: Path, labels: Path) -> Dataset:
    """Read scans from one folder and label maps from another.

    Files belong together if their names do: a scan may have nnU-Net's channel suffix (_0000), with one file per
    channel. If more files match without common endings (_T1w, _mask, _lesion, _label, _seg and the like), these do not
    count. A file without a partner is a case that lacks something, reported when it is read. Channels are numbers and
    the labels are {"background": 0, "lesion": 1}, unless a dataset.json (in nnU-Net's form) in the folder that holds
    both names them.

    Raises:
        DataError: no scan matches a label map.
    """
    for folder in (images, labels):
        if not folder.is_dir():
            found = "is a file" if folder.exists() else "does not exist"
            raise DataError(f"{folder}: {found}. Expected a folder of scans and a folder of label maps.")
    images, labels = resolve(images), resolve(labels)
    root = Path(os.path.commonpath((images, labels)))
    return with_marks(_read_pair(root, images, labels, read_description(root / "dataset.json")))


def _find_pairs(root: Path) -> list[tuple[Path, Path]]:
    return [
        (images, labels)
        for images in _folders(root)
        for labels in _folders(root)
        if any(
            (images.name.lower(), labels.name.lower()) in ((scan, mask), (scan, f"{mask}s"), (f"{scan}s", mask))
            for scan, mask in _KNOWN_PAIRS
        )
    ]


def _folders(root: Path) -> list[Path]:
    return [folder for folder in sorted(root.iterdir()) if folder.is_dir()] if root.is_dir() else []


def _read_pair(root: Path, images: Path, labels: Path, description: Mapping[str, Any]) -> Dataset:
    matching = _choose_matching(root, _images_in(images), _images_in(labels))
    files = _sort_files(images, labels, matching)
    near = describe_near_names(files.scans.keys() - files.masks.keys(), files.masks.keys() - files.scans.keys())
    if near:
        _log.warning("%s: %s", root, near.strip())
    count = files.channel_count()
    cases = files.cases(count)
    refuse_unusable_names(root, [case.name for case in cases], "Give each file a name of its own.")
    channels = _name_channels(root, count, cases, description)
    cure = "Expected as many in every case: add or take out files, or list them in a CSV."
    refuse_wrong_channels(images, cases, channels, cure)
    return Dataset(
        name=root.name,
        layout="paired",
        root=str(root),
        channels=channels,
        labels=read_scheme_or_default(root, description),
        cases=cases,
    )


def _images_in(folder: Path) -> list[Path]:
    files = images_in(folder) or list(name_folders(folder).values())
    if not files:
        kinds = ", ".join(IMAGE_SUFFIXES)
        raise DataError(f"{folder}: holds no images ({kinds}, or a folder per DICOM series). Expected some per case.")
    return files


@dataclass(frozen=True, kw_only=True, slots=True)
class _Matching:
    """Names of the files of both folders, in one way of reading them.

    Attributes:
        scans: every scan with its case and its channel.
        labels: every label map with its case.
    """

    scans: Mapping[Path, tuple[str, int]]
    labels: Mapping[Path, str]

    def lonely(self) -> int:
        """Count the files whose case is only on their own side."""
        scans = [name for name, _ in self.scans.values()]
        both = set(scans) & set(self.labels.values())
        return sum(name not in both for name in (*scans, *self.labels.values()))


def _choose_matching(root: Path, scans: Sequence[Path], labels: Sequence[Path]) -> _Matching:
    """Read the names in the way that leaves the fewest files alone.

    They are read plain or without common endings, and four digits at the end of a scan's name as a part of the name or
    as its channel.
    """
    ways = [(shorten, numbered) for shorten in (str, _without_endings) for numbered in (False, True)]
    matchings = [
        _Matching(
            scans={scan: _read_name(stem_of(scan), shorten, numbered) for scan in scans},
            labels={label: shorten(stem_of(label)) for label in labels},
        )
        for shorten, numbered in ways
    ]
    best = min(matchings, key=_Matching.lonely)
    if best.lonely() == len(scans) + len(labels):
        raise DataError(
            f"{root}: no scan has a label map of its name: the scans are {some_of([file.name for file in scans], 10)}; "
            f"the label maps are {some_of([file.name for file in labels], 10)}. "
            f"{describe_near_names(map(stem_of, scans), map(stem_of, labels))}"
            "Expected the same name for a scan and its label map (001.nii.gz and 001.nii.gz, or 001_0000.nii.gz and "
            "001.nii.gz): rename the files, or list them in a CSV."
        )
    refuse_rivals(root, [*best.scans.items(), *((label, (name, "label")) for label, name in best.labels.items())])
    return best


def _read_name(stem: str, shorten: Callable[[str], str], numbered: bool) -> tuple[str, int]:
    """Return the case and the channel of a scan."""
    name, channel = split_channel(stem) if numbered else (stem, None)
    return shorten(name), channel or 0


def _without_endings(stem: str) -> str:
    shorter = _COMMON_SUFFIX.sub("", stem)
    return stem if shorter == stem else _without_endings(shorter)


@dataclass(frozen=True, kw_only=True, slots=True)
class _Files:
    """The files of both folders by case, and where those should lie that are missing.

    Attributes:
        scans: case -> channel -> scan.
        masks: case -> label map.
    """

    images: Path
    labels: Path
    scans: Mapping[str, Mapping[int, Path]]
    masks: Mapping[str, Path]

    def channel_count(self) -> int:
        """Return how many scans most cases have, the larger number on ties; other cases are reported later.

        Raises:
            DataError: no case has a file for a channel below the last one.
        """
        counts = Counter(max(there) for there in self.scans.values())
        count = 1 + max(counts, key=lambda channel: (counts[channel], channel))
        absent = set(range(count)).difference(*self.scans.values())
        if absent:
            raise DataError(
                f"{self.images}: no case has a file of channel {min(absent)}, though there are some of channel "
                f"{count - 1}. Expected files numbered from _0000 without a gap: add or rename them."
            )
        return count

    def cases(self, channels: int) -> tuple[Case, ...]:
        """Return all cases by name: for each the scans expected, missing ones too, then any others; and the label."""
        endings = [self._ending_of(channel) for channel in range(channels)]
        mask, owner = next((mask, owner) for owner, mask in self.masks.items())
        label_ending = ending_of(mask, owner)
        cases = []
        for name in sorted({*self.scans, *self.masks}, key=natural_order):
            there = self.scans.get(name, {})
            expected = [there.get(index, self.images / f"{name}{ending}") for index, ending in enumerate(endings)]
            others = [there[channel] for channel in sorted(there) if channel >= channels]
            label = self.masks.get(name, self.labels / f"{name}{label_ending}")
            cases.append(make_case(name, [*expected, *others], label))
        return tuple(cases)

    def _ending_of(self, channel: int) -> str:
        """Return what follows the name of the case in the file names of a channel."""
        name, there = next((name, there) for name, there in self.scans.items() if channel in there)
        return ending_of(there[channel], name)


def _sort_files(images: Path, labels: Path, matching: _Matching) -> _Files:
    scans: dict[str, dict[int, Path]] = {}
    for scan, (name, channel) in matching.scans.items():
        scans.setdefault(name, {})[channel] = scan
    return _Files(
        images=images, labels=labels, scans=scans, masks={name: mask for mask, name in matching.labels.items()}
    )


def _name_channels(root: Path, count: int, cases: Sequence[Case], description: Mapping[str, Any]) -> tuple[str, ...]:
    held = count if count > 1 else most_common_count(case.images[0] for case in cases)
    if "channel_names" not in description:
        return tuple(str(index) for index in range(held))
    channels = read_channels(root / "dataset.json", description["channel_names"])
    if count > 1 and len(channels) != count:
        raise DataError(
            f"{root / 'dataset.json'}: 'channel_names' names {counted(len(channels), 'channel')} but most cases have "
            f"{count} scans. Name one channel per scan."
        )
    return channels
