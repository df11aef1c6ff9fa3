"""nnU-Net raw folders: imagesTr/CASE_0000.nii.gz, one file per channel, labelsTr/CASE.nii.gz."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from dataset_fingerprints.dataset import Case, Dataset
from dataset_fingerprints.errors import DataError
from dataset_fingerprints.images import case_stem, is_image
from dataset_fingerprints.layouts.description import (
    read_channels,
    read_scheme,
    refuse_missing,
    session_of,
    subject_of,
)


def is_nnunet(description: Mapping[str, Any]) -> bool:
    """Tell whether a dataset.json is nnU-Net's (version 2)."""
    return "channel_names" in description and "labels" in description


def read_nnunet(root: Path, description: Mapping[str, Any]) -> Dataset:
    """Read an nnU-Net raw folder; the label files say which cases there are."""
    path = root / "dataset.json"
    channels = read_channels(path, description["channel_names"])
    scheme = read_scheme(path, _labels(path, description), description.get("regions_class_order", ()))
    labels = {case_stem(file): file for file in sorted((root / "labelsTr").glob("*")) if is_image(file)}
    if not labels:
        raise DataError(f"{root / 'labelsTr'}: holds no label maps (.nii.gz, .nii). Expected one per training case.")
    cases, missing = [], []
    for name, label in labels.items():
        images = [_channel_file(root, name, channel) for channel in range(len(channels))]
        missing += [str(image.relative_to(root)) for image in images if not image.is_file()]
        cases.append(
            Case(
                name=name,
                images=tuple(str(image) for image in images),
                label=str(label),
                subject=subject_of(name),
                session=session_of(name),
            )
        )
    refuse_missing(root, missing)
    _refuse_unlabelled(root, set(labels))
    return Dataset(
        name=root.name, layout="nnunet", root=str(root), channels=channels, labels=scheme, cases=tuple(cases)
    )


def _labels(path: Path, description: Mapping[str, Any]) -> Mapping[str, Any]:
    labels = description["labels"]
    if not isinstance(labels, dict):
        raise DataError(f"{path}: 'labels' is a {type(labels).__name__}. Expected names with integers.")
    return labels


def _channel_file(root: Path, name: str, channel: int) -> Path:
    compressed = root / "imagesTr" / f"{name}_{channel:04d}.nii.gz"
    plain = compressed.with_suffix("")
    return plain if plain.is_file() and not compressed.is_file() else compressed


def _refuse_unlabelled(root: Path, labelled: set[str]) -> None:
    images = [case_stem(file) for file in sorted((root / "imagesTr").glob("*")) if is_image(file)]
    alone = sorted({stem.rsplit("_", 1)[0] for stem in images} - labelled)
    if alone:
        raise DataError(
            f"{root / 'imagesTr'}: {len(alone)} cases have a scan but no label map in labelsTr: "
            f"{', '.join(alone[:10])}. Add the label maps or move the scans to imagesTs."
        )
