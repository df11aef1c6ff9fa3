"""nnU-Net raw folders: imagesTr/CASE_0000.nii.gz, one file per channel, labelsTr/CASE.nii.gz, or listed."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from dataset_fingerprints.dataset import Case, Dataset
from dataset_fingerprints.errors import DataError
from dataset_fingerprints.layouts.case_table import describe_cases
from dataset_fingerprints.layouts.description import (
    expect_labels,
    make_case,
    read_channels,
    read_scheme,
    refuse_absence,
    refuse_rivals,
    refuse_unusable_names,
    refuse_wrong_channels,
    show_value,
)
from dataset_fingerprints.names import is_case_name
from dataset_fingerprints.reading.dicom import name_folders
from dataset_fingerprints.reading.file_names import ending_of, images_in, split_channel, stem_of
from dataset_fingerprints.reading.images import IMAGE_SUFFIXES
from dataset_fingerprints.reading.itk import PICTURE_SUFFIXES

_NAME_CHANNELS = "Name every channel in 'channel_names', and list one image per channel in their order."

# case -> where its channels and its label map lie, or should
_Files = dict[str, tuple[tuple[Path, ...], Path]]


def is_nnunet(root: Path, description: Mapping[str, Any]) -> bool:
    """Return whether a dataset.json is nnU-Net's (version 2)."""
    return "channel_names" in description and "labels" in description


def read_nnunet(root: Path, description: Mapping[str, Any]) -> Dataset:
    """Read an nnU-Net raw folder.

    The `dataset` of dataset.json says which cases there are and where their files lie, relative to the folder or
    absolute. Without it the files in imagesTr and labelsTr say which cases there are; what one of them lacks is
    reported when it is read.
    """
    path = root / "dataset.json"
    channels = read_channels(path, description["channel_names"])
    scheme = read_scheme(path, expect_labels(path, description["labels"]), description.get("regions_class_order"))
    listed = description.get("dataset")
    ending = _read_ending(path, description.get("file_ending"))
    files = _found_files(root, len(channels), ending) if listed is None else _listed_files(path, listed)
    refuse_unusable_names(path, list(files), "List each case once.")
    cases = describe_cases(root, [make_case(name, images, label) for name, (images, label) in files.items()])
    refuse_absence(path, cases)
    refuse_wrong_channels(path, cases, channels, _NAME_CHANNELS)
    return Dataset(name=root.name, layout="nnunet", root=str(root), channels=channels, labels=scheme, cases=cases)


def holds_nnunet(root: Path, description: Mapping[str, Any]) -> bool:
    """Return whether a folder is laid out as nnU-Net's, also if only one side of it is there."""
    return "dataset" in description or any((root / name).is_dir() for name in ("imagesTr", "imagesTs", "labelsTr"))


def list_nnunet_scans(root: Path, description: Mapping[str, Any], channels: int) -> dict[str, tuple[Path | None, ...]]:
    """Return the channels of the training cases, or where there are none of the test cases; label maps may be missing.

    Args:
        root: of the data set.
        description: its dataset.json; empty without one.
        channels: the number of them; None stands for one that a case does not have.

    Raises:
        DataError: there are no scans, or several of one name.
    """
    if "dataset" in description:
        listed = _listed_files(root / "dataset.json", description["dataset"])
        return {name: images for name, (images, _) in listed.items()}
    ending = _read_ending(root / "dataset.json", description.get("file_ending"))
    folder = next((root / name for name in ("imagesTr", "imagesTs") if _images_in(root / name, ending)), None)
    if folder is None:
        raise DataError(f"{root}: imagesTr and imagesTs hold no scans. Expected CASE_0000 and so on.")
    scans = {}
    for name, there in _by_case(root, _images_in(folder, ending)).items():
        numbered = [there.pop(f"{name}_{index:04d}", None) for index in range(channels)]
        # One file that holds all channels, or more than the model has, which is reported when it is read.
        scans[name] = (*filter(None, numbered), *there.values()) if there else tuple(numbered)
    return scans


def list_nnunet_labels(root: Path, description: Mapping[str, Any]) -> tuple[Case, ...]:
    """Return the label maps of training and test cases, with their scans where they are listed.

    Raises:
        DataError: there are none, or several of one name.
    """
    if "dataset" in description:
        listed = _listed_files(root / "dataset.json", description["dataset"])
        return tuple(make_case(name, images, label) for name, (images, label) in listed.items())
    ending = _read_ending(root / "dataset.json", description.get("file_ending"))
    files = [file for name in ("labelsTr", "labelsTs") for file in _images_in(root / name, ending)]
    if not files:
        raise DataError(f"{root}: labelsTr and labelsTs hold no label maps. Expected one per case.")
    refuse_rivals(root, [(file, stem_of(file)) for file in files])
    return tuple(make_case(stem_of(file), (), file) for file in files)


def _read_ending(path: Path, stated: object) -> str:
    """Return the stated suffix of all files; empty without one."""
    if stated is None:
        return ""
    if not isinstance(stated, str) or not is_case_name(f"a{stated}"):
        raise DataError(f"{path}: 'file_ending' is {show_value(stated)}. Expected the files' suffix, such as .nii.gz.")
    return stated


def _images_in(folder: Path, ending: str) -> list[Path]:
    """Return a folder's images, without pictures where the stated ending is another: these are previews."""
    images = images_in(folder) or (list(name_folders(folder).values()) if folder.is_dir() else [])
    stated = ending.lower()
    if stated.endswith(PICTURE_SUFFIXES) or not any(file.name.lower().endswith(stated) for file in images):
        return images
    return [file for file in images if not file.name.lower().endswith(PICTURE_SUFFIXES)]


def _found_files(root: Path, channels: int, ending: str) -> _Files:
    label_files = _images_in(root / "labelsTr", ending)
    if not label_files:
        kinds = ", ".join(IMAGE_SUFFIXES)
        raise DataError(f"{root / 'labelsTr'}: holds no label maps ({kinds}). Expected one per training case.")
    refuse_rivals(root, [(file, stem_of(file)) for file in label_files])
    labels = {stem_of(file): file for file in label_files}
    scans = _by_case(root, _images_in(root / "imagesTr", ending))
    suffix = ending or ending_of(label_files[0], stem_of(label_files[0]))
    found = {}
    for name in sorted({*labels, *scans}):
        there = scans.get(name, {})
        expected = [f"{name}_{index:04d}" for index in range(channels)]
        images = [there.pop(stem, root / "imagesTr" / f"{stem}{suffix}") for stem in expected]
        found[name] = ((*images, *there.values()), labels.get(name, root / "labelsTr" / f"{name}{suffix}"))
    return found


def _by_case(root: Path, scans: Iterable[Path]) -> dict[str, dict[str, Path]]:
    """Return case -> name of a scan without its suffix -> the scan."""
    stems = [(file, stem_of(file)) for file in scans]
    refuse_rivals(root, stems)
    cases: dict[str, dict[str, Path]] = {}
    for file, stem in stems:
        cases.setdefault(split_channel(stem)[0], {})[stem] = file
    return cases


def _listed_files(path: Path, listed: object) -> _Files:
    if not isinstance(listed, dict) or not listed:
        raise DataError(
            f'{path}: \'dataset\' lists no cases. Expected {{"case": {{"images": [...], "label": ...}}}}; '
            "take 'dataset' out if the files lie in imagesTr and labelsTr."
        )
    return {name: _listed_case(path, name, entry) for name, entry in listed.items()}


def _listed_case(path: Path, name: str, entry: object) -> tuple[tuple[Path, ...], Path]:
    images = entry.get("images") if isinstance(entry, dict) else None
    label = entry.get("label") if isinstance(entry, dict) else None
    if (
        not isinstance(images, list)
        or not images
        or not all(isinstance(image, str) for image in images)
        or not isinstance(label, str)
    ):
        raise DataError(
            f"{path}: case {name} of 'dataset' is {show_value(entry)}. "
            'Expected {"images": ["imagesTr/a_0000.nii.gz"], "label": "labelsTr/a.nii.gz"}.'
        )
    return tuple(path.parent / image for image in images), path.parent / label
