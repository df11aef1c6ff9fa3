"""Medical Segmentation Decathlon folders: dataset.json lists the files, several channels share one 4D file."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from dataset_fingerprints.dataset import Case, Dataset, LabelScheme
from dataset_fingerprints.errors import DataError
from dataset_fingerprints.images import case_stem
from dataset_fingerprints.layouts.description import (
    missing_files,
    read_channels,
    read_scheme,
    refuse_missing,
    refuse_other_channel_counts,
    refuse_unusable_names,
    session_of,
    subject_of,
)

# What to do about 4D files that hold more, or fewer, volumes than 'modality' names.
_NAME_ALL = (
    'Name every volume in \'modality\', for example {"0": "T1w", "1": "FLAIR"}; if only one of them is wanted, '
    "write it into a 3D file of its own."
)


def is_msd(root: Path, description: Mapping[str, Any]) -> bool:
    """Tell whether a dataset.json is one of the Decathlon's."""
    return "modality" in description and "training" in description


def read_msd(root: Path, description: Mapping[str, Any]) -> Dataset:
    """Read a Decathlon folder: the `training` list says which cases there are."""
    path = root / "dataset.json"
    training = description["training"]
    if not isinstance(training, list) or not training:
        raise DataError(f"{path}: 'training' lists no cases. Expected image and label pairs.")
    cases, missing = [], []
    for entry in training:
        image, label = (_listed_file(path, entry, key) for key in ("image", "label"))
        missing += missing_files(root, (image, label))
        name = case_stem(image)
        cases.append(
            Case(
                name=name,
                images=(str(image),),
                label=str(label),
                subject=subject_of(name),
                session=session_of(name),
            )
        )
    refuse_missing(root, missing)
    refuse_unusable_names(path, [case.name for case in cases], "List each case of 'training' once.")
    channels = read_channels(path, description["modality"])
    refuse_other_channel_counts(path, cases, channels, _NAME_ALL)
    return Dataset(
        name=root.name,
        layout="msd",
        root=str(root),
        channels=channels,
        labels=_scheme(path, description),
        cases=tuple(cases),
    )


def _listed_file(path: Path, entry: object, key: str) -> Path:
    if not isinstance(entry, dict) or not isinstance(entry.get(key), str):
        raise DataError(f"{path}: the training entry {entry!r} has no '{key}'. Expected image and label paths.")
    listed: str = entry[key]
    return path.parent / listed


def _scheme(path: Path, description: Mapping[str, Any]) -> LabelScheme:
    labels = description.get("labels")
    try:
        by_name = {str(name): int(value) for value, name in labels.items()}  # type: ignore[union-attr]
    except (AttributeError, ValueError, TypeError) as error:
        raise DataError(f'{path}: \'labels\' is {labels!r}. Expected {{"0": "background", "1": "lesion"}}.') from error
    return read_scheme(path, by_name, ())
