"""Medical Segmentation Decathlon folders: dataset.json lists the files, several channels share one 4D file."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from dataset_fingerprints.dataset import Case, Dataset, LabelScheme
from dataset_fingerprints.errors import DataError
from dataset_fingerprints.images import case_stem
from dataset_fingerprints.layouts.description import (
    read_channels,
    read_scheme,
    refuse_missing,
    session_of,
    subject_of,
)


def is_msd(description: Mapping[str, Any]) -> bool:
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
        missing += [str(file.relative_to(root)) for file in (image, label) if not file.is_file()]
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
    names = [case.name for case in cases]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise DataError(f"{path}: 'training' lists {', '.join(twice[:10])} more than once. List each case once.")
    return Dataset(
        name=root.name,
        layout="msd",
        root=str(root),
        channels=read_channels(path, description["modality"]),
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
