"""Medical Segmentation Decathlon folders: dataset.json lists the files, several channels share one 4D file.

Those of the first version of nnU-Net are listed in the same way, with a file per channel.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from dataset_fingerprints.dataset import Case, Dataset, LabelScheme
from dataset_fingerprints.errors import DataError
from dataset_fingerprints.files.places import identify_place
from dataset_fingerprints.layouts.description import (
    make_case,
    read_channels,
    read_scheme,
    refuse_absence,
    refuse_unusable_names,
    refuse_wrong_channels,
    show_value,
)
from dataset_fingerprints.reading.file_names import ending_of, stem_of

# What to do about 4D files that hold more, or fewer, volumes than 'modality' names.
_NAME_ALL = (
    'Name every volume in \'modality\', for example {"0": "T1w", "1": "FLAIR"}; if only one of them is wanted, '
    "write it into a 3D file of its own."
)

_INTEGER = re.compile(r"-?[0-9]{1,20}")


def is_msd(root: Path, description: Mapping[str, Any]) -> bool:
    """Return whether a dataset.json is one of the Decathlon's."""
    return "modality" in description and "training" in description


def read_msd(root: Path, description: Mapping[str, Any]) -> Dataset:
    """Read a Decathlon folder: the `training` list says which cases there are."""
    path = root / "dataset.json"
    cases = list_msd(root, description)
    refuse_absence(path, cases)
    channels = read_channels(path, description["modality"])
    refuse_wrong_channels(path, cases, channels, _NAME_ALL)
    return Dataset(
        name=root.name,
        layout="msd",
        root=str(root),
        channels=channels,
        labels=read_msd_labels(root, description),
        cases=cases,
    )


def list_msd(root: Path, description: Mapping[str, Any]) -> tuple[Case, ...]:
    """Return the cases that the `training` list names, without reading their files.

    Raises:
        DataError: it is not a list of cases, or names of cases cannot be used.
    """
    path = root / "dataset.json"
    training = description["training"]
    if not isinstance(training, list) or not training:
        raise DataError(f"{path}: 'training' lists no cases. Expected image and label pairs.")
    files = [tuple(_listed_file(path, entry, key) for key in ("image", "label")) for entry in training]
    channels = description["modality"]
    cases = tuple(make_case(stem_of(image), _find_scans(image, channels), label) for image, label in files)
    refuse_unusable_names(path, [case.name for case in cases], "List each case of 'training' once.")
    return cases


def _find_scans(listed: Path, channels: object) -> tuple[Path, ...]:
    """Return the files of a listed scan; nnU-Net's first version lists a.nii.gz for a_0000.nii.gz and a_0001.nii.gz."""
    if identify_place(listed) is not None or not isinstance(channels, dict | list):
        return (listed,)
    stem = stem_of(listed)
    numbered = tuple(listed.parent / f"{stem}_{index:04d}{ending_of(listed, stem)}" for index in range(len(channels)))
    return numbered if any(map(identify_place, numbered)) else (listed,)


def _listed_file(path: Path, entry: object, key: str) -> Path:
    if not isinstance(entry, dict) or not isinstance(entry.get(key), str):
        raise DataError(
            f"{path}: the training entry {show_value(entry)} has no '{key}'. Expected image and label paths."
        )
    listed: str = entry[key]
    return path.parent / listed


def read_msd_labels(root: Path, description: Mapping[str, Any]) -> LabelScheme:
    """Return the labels that a Decathlon's dataset.json names.

    Raises:
        DataError: they are not numbers with names.
    """
    path, labels = root / "dataset.json", description.get("labels")
    if isinstance(labels, dict) and all(map(_INTEGER.fullmatch, labels)):
        by_name = {name: int(value) for value, name in labels.items() if isinstance(name, str)}
        if len(by_name) == len(labels):
            return read_scheme(path, by_name, ())
    raise DataError(
        f"{path}: 'labels' are {show_value(labels)}. Expected numbers with a name of their own each, for example "
        '{"0": "background", "1": "lesion"}.'
    )
