"""nnU-Net raw folders: imagesTr/CASE_0000.nii.gz, one file per channel, labelsTr/CASE.nii.gz, or listed."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from dataset_fingerprints.dataset import Case, Dataset
from dataset_fingerprints.errors import DataError
from dataset_fingerprints.images import IMAGE_SUFFIXES, case_stem, is_image
from dataset_fingerprints.layouts.description import (
    expect_labels,
    first_ten,
    missing_files,
    read_channels,
    read_scheme,
    refuse_missing,
    refuse_unusable_names,
    session_of,
    subject_of,
)

# case -> where its channels and its label map lie
_Files = dict[str, tuple[tuple[Path, ...], Path]]


def is_nnunet(root: Path, description: Mapping[str, Any]) -> bool:
    """Tell whether a dataset.json is nnU-Net's (version 2)."""
    return "channel_names" in description and "labels" in description


def read_nnunet(root: Path, description: Mapping[str, Any]) -> Dataset:
    """Read an nnU-Net raw folder.

    The `dataset` of dataset.json says which cases there are and where their files lie, relative to the folder or
    absolute. Without it the label files in labelsTr say which cases there are.
    """
    path = root / "dataset.json"
    channels = read_channels(path, description["channel_names"])
    scheme = read_scheme(path, expect_labels(path, description["labels"]), description.get("regions_class_order"))
    listed = description.get("dataset")
    ending = str(description.get("file_ending", ""))
    files = _found_files(root, len(channels), ending) if listed is None else _listed_files(path, listed, channels)
    refuse_missing(root, missing_files(root, [file for images, label in files.values() for file in (*images, label)]))
    if listed is None:
        _refuse_unlabelled(root, set(files), ending)
    cases = (
        Case(
            name=name,
            images=tuple(str(image) for image in images),
            label=str(label),
            subject=subject_of(name),
            session=session_of(name),
        )
        for name, (images, label) in files.items()
    )
    return Dataset(
        name=root.name, layout="nnunet", root=str(root), channels=channels, labels=scheme, cases=tuple(cases)
    )


def _images_in(folder: Path, ending: str) -> list[Path]:
    """Return a folder's images: those with the stated ending where there are any, so that previews do not count."""
    images = [file for file in sorted(folder.glob("*")) if is_image(file)]
    return [file for file in images if file.name.endswith(ending)] or images


def _found_files(root: Path, channels: int, ending: str) -> _Files:
    labels = {case_stem(file): file for file in _images_in(root / "labelsTr", ending)}
    if not labels:
        kinds = ", ".join(IMAGE_SUFFIXES)
        raise DataError(f"{root / 'labelsTr'}: holds no label maps ({kinds}). Expected one per training case.")
    return {
        name: (tuple(_channel_file(root, name, channel) for channel in range(channels)), label)
        for name, label in labels.items()
    }


def _listed_files(path: Path, listed: object, channels: tuple[str, ...]) -> _Files:
    if not isinstance(listed, dict) or not listed:
        raise DataError(
            f'{path}: \'dataset\' lists no cases. Expected {{"case": {{"images": [...], "label": ...}}}}; '
            "take 'dataset' out if the files lie in imagesTr and labelsTr."
        )
    refuse_unusable_names(path, list(listed), "List each case once.")
    files = {name: _listed_case(path, name, entry) for name, entry in listed.items()}
    wrong = [f"{name} ({len(images)})" for name, (images, _) in files.items() if len(images) != len(channels)]
    if wrong:
        raise DataError(
            f"{path}: 'channel_names' names {len(channels)} ({', '.join(channels)}) but these cases of 'dataset' list "
            f"another number of images: {first_ten(wrong)}. List one image per channel, in the order of the channels."
        )
    return files


def _listed_case(path: Path, name: str, entry: object) -> tuple[tuple[Path, ...], Path]:
    images = entry.get("images") if isinstance(entry, dict) else None
    label = entry.get("label") if isinstance(entry, dict) else None
    if (
        not isinstance(images, list)
        or not all(isinstance(image, str) for image in images)
        or not isinstance(label, str)
    ):
        raise DataError(
            f"{path}: case {name} of 'dataset' is {entry!r}. "
            'Expected {"images": ["imagesTr/a_0000.nii.gz"], "label": "labelsTr/a.nii.gz"}.'
        )
    return tuple(path.parent / image for image in images), path.parent / label


def _channel_file(root: Path, name: str, channel: int) -> Path:
    candidates = [root / "imagesTr" / f"{name}_{channel:04d}{suffix}" for suffix in IMAGE_SUFFIXES]
    return next((file for file in candidates if file.is_file()), candidates[0])


def _refuse_unlabelled(root: Path, labelled: set[str], ending: str) -> None:
    images = [case_stem(file) for file in _images_in(root / "imagesTr", ending)]
    alone = sorted({stem.rsplit("_", 1)[0] for stem in images} - labelled)
    if alone:
        raise DataError(
            f"{root / 'imagesTr'}: {len(alone)} cases have a scan but no label map in labelsTr: "
            f"{', '.join(alone[:10])}. Add the label maps or move the scans to imagesTs."
        )
