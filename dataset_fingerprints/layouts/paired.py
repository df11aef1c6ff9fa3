"""Paired folders: scans in one folder and label maps in another, matched by their file names."""

from __future__ import annotations

import os
import re
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from dataset_fingerprints.dataset import Case, Dataset
from dataset_fingerprints.errors import DataError
from dataset_fingerprints.images import IMAGE_SUFFIXES, case_stem, is_image
from dataset_fingerprints.layouts.description import (
    channel_count,
    first_ten,
    read_channels,
    read_scheme_or_default,
    refuse_other_channel_counts,
    refuse_unusable_names,
    session_of,
    show_path,
    subject_of,
)

# Names of sub-folders, in lower case, that hold scans and label maps.
_KNOWN_PAIRS = (
    ("brain", "lesion"),
    ("image", "label"),
    ("images", "labels"),
    ("img", "mask"),
    ("t1", "lesion"),
)
_COMMON_SUFFIX = re.compile(
    r"(?<=.)[_-](t1w?|t2w?|flair|dwi|adc|ct|brain|image|img|scan|mask|lesion|labels?|seg|segmentation)$", re.IGNORECASE
)
_CHANNEL_SUFFIX = re.compile(r"(?<=.)_(\d{4})$")


def is_paired(root: Path, description: Mapping[str, Any]) -> bool:
    """Tell whether a folder holds known paired folders and nothing says that its files lie elsewhere."""
    elsewhere = "training" in description or "dataset" in description or (root / "labelsTr").is_dir()
    return root.is_dir() and not elsewhere and bool(_find_pairs(root))


def read_known_pair(root: Path, description: Mapping[str, Any]) -> Dataset:
    """Read the one pair of sub-folders with known names (Brain and Lesion, images and labels, ...), in any case.

    Channels and labels are the 'channel_names' and 'labels' of a dataset.json (in nnU-Net's form) where it names them.
    """
    pairs = _find_pairs(root)
    if len(pairs) > 1:
        shown = "; ".join(f"{images.name} and {labels.name}" for images, labels in pairs)
        raise DataError(
            f"{root}: holds {len(pairs)} pairs of folders: {shown}. Expected one: move the others away, "
            "or list the files in a CSV with the columns image and label."
        )
    others = [
        folder.name for folder in _folders(root) if folder not in pairs[0] and any(map(is_image, folder.iterdir()))
    ]
    if others:
        images, labels = (folder.name for folder in pairs[0])
        raise DataError(
            f"{root}: holds images in {first_ten(others)} beside {images} and {labels}, and would leave them out. "
            "List further channels in a CSV with columns such as image:T1w, image:FLAIR and label, or move them away."
        )
    return _read_pair(root, *pairs[0], description)


def read_paired(images: Path, labels: Path) -> Dataset:
    """Read scans from one folder and label maps from another.

    Files belong together if their names do: a scan may have nnU-Net's channel suffix (_0000), with one file per
    channel. If the plain names do not all match, they are compared without common endings (_T1w, _mask, _lesion,
    _label, _seg and the like) on either side. Channels are numbers, and the labels are {"background": 0, "lesion": 1}.

    Raises:
        DataError: files on either side match nothing; the message names them all.
    """
    for folder in (images, labels):
        if not folder.is_dir():
            found = "is a file" if folder.exists() else "does not exist"
            raise DataError(f"{folder}: {found}. Expected a folder of scans and a folder of label maps.")
    images, labels = images.resolve(), labels.resolve()
    return _read_pair(Path(os.path.commonpath((images, labels))), images, labels, {})


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
    found = _match(root, _images_in(images), _images_in(labels))
    cases = [
        Case(
            name=name,
            images=tuple(str(scan) for scan in scans),
            label=str(label),
            subject=subject_of(name),
            session=session_of(name),
        )
        for name, (scans, label) in sorted(found.items())
    ]
    refuse_unusable_names(root, [case.name for case in cases], "Give each file a name of its own.")
    channels = _channels(root, cases, description)
    cure = "Expected as many in every case: add or take out files, or list them in a CSV."
    refuse_other_channel_counts(images, cases, channels, cure)
    return Dataset(
        name=root.name,
        layout="paired",
        root=str(root),
        channels=channels,
        labels=read_scheme_or_default(root, description),
        cases=tuple(cases),
    )


def _images_in(folder: Path) -> list[Path]:
    files = [file for file in sorted(folder.iterdir()) if is_image(file)]
    if not files:
        raise DataError(f"{folder}: holds no images ({', '.join(IMAGE_SUFFIXES)}). Expected one or more per case.")
    return files


def _match(root: Path, scans: Sequence[Path], labels: Sequence[Path]) -> dict[str, tuple[list[Path], Path]]:
    """Return case -> (channels in order, label map), by plain names if they all match, else without common endings."""
    alone: list[Path] = []
    for shorten in (str, _without_endings):
        keys = {label: shorten(case_stem(label)) for label in labels}
        by_scan = {scan: _key_of_scan(case_stem(scan), set(keys.values()), shorten) for scan in scans}
        unmatched = set(keys.values()) ^ {key for key, _ in by_scan.values()}
        alone = [scan for scan in scans if by_scan[scan][0] in unmatched]
        alone += [label for label in labels if keys[label] in unmatched]
        if not alone:
            _refuse_rivals(root, [*by_scan.items(), *((label, (key, -1)) for label, key in keys.items())])
            _refuse_gaps(root, by_scan.values())
            ordered = sorted(scans, key=lambda scan: by_scan[scan])
            return {key: ([s for s in ordered if by_scan[s][0] == key], label) for label, key in keys.items()}
    raise DataError(
        f"{root}: {len(alone)} files match nothing on the other side: "
        f"{', '.join(show_path(root, file) for file in alone)}. Expected the same name for a scan and its label map "
        "(001.nii.gz and 001.nii.gz, or 001_0000.nii.gz and 001.nii.gz): rename or add files, or list them in a CSV."
    )


def _key_of_scan(stem: str, labelled: set[str], shorten: Callable[[str], str]) -> tuple[str, int]:
    """Return the key of a scan and its channel: _0001 is a channel only where no label map has that name."""
    channel = _CHANNEL_SUFFIX.search(stem)
    if channel is None or shorten(stem) in labelled:
        return shorten(stem), 0
    return shorten(stem[: channel.start()]), int(channel.group(1))


def _without_endings(stem: str) -> str:
    shorter = _COMMON_SUFFIX.sub("", stem)
    return stem if shorter == stem else _without_endings(shorter)


def _refuse_rivals(root: Path, files: Iterable[tuple[Path, tuple[str, int]]]) -> None:
    """Refuse two files for one place in a case."""
    places = list(files)
    counts = Counter(place for _, place in places)
    rivals = [show_path(root, file) for file, place in places if counts[place] > 1]
    if rivals:
        raise DataError(
            f"{root}: several files belong to one case and channel by their names: {first_ten(rivals)}. Expected one "
            "label map per case and one scan per channel (001_0000, 001_0001): rename them, or list them in a CSV."
        )


def _refuse_gaps(root: Path, places: Iterable[tuple[str, int]]) -> None:
    """Refuse cases without a file for a channel below their last one."""
    channels: dict[str, list[int]] = {}
    for key, channel in places:
        channels.setdefault(key, []).append(channel)
    gaps = [f"{key} ({sorted(there)})" for key, there in channels.items() if max(there) >= len(there)]
    if gaps:
        raise DataError(
            f"{root}: these cases lack a channel below their last one: {first_ten(gaps)}. "
            "Expected files numbered from _0000 without a gap: add or rename them."
        )


def _channels(root: Path, cases: Sequence[Case], description: Mapping[str, Any]) -> tuple[str, ...]:
    most = max(len(case.images) for case in cases)
    short = [f"{case.name} ({len(case.images)})" for case in cases if len(case.images) != most]
    if short:
        raise DataError(
            f"{root}: some cases have {most} scans but these have another number: {first_ten(short)}. "
            "Expected one file per channel in every case: add the scans or take the cases out."
        )
    held = most if most > 1 else channel_count(cases[0].image_paths()[0]) or 1
    if "channel_names" not in description:
        return tuple(str(index) for index in range(held))
    channels = read_channels(root / "dataset.json", description["channel_names"])
    if most > 1 and len(channels) != most:
        raise DataError(
            f"{root / 'dataset.json'}: 'channel_names' names {len(channels)} channels but each case has {most} scans. "
            "Name one channel per scan."
        )
    return channels
