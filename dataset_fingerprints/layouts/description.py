"""What the layouts share: labels, subjects, the search for files and what is refused in every layout."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from dataset_fingerprints.dataset import Case, Label, LabelScheme, Region
from dataset_fingerprints.errors import DataError
from dataset_fingerprints.images import read_channel_count

# What the label files of a layout mean that cannot name labels, if no dataset.json does.
DEFAULT_LABELS = {"background": 0, "lesion": 1}

_SUBJECT = re.compile(r"sub-[A-Za-z0-9]+")
_SESSION = re.compile(r"ses-[A-Za-z0-9]+")


def read_scheme(path: Path, labels: Mapping[str, Any], order: Sequence[int]) -> LabelScheme:
    """Build the label scheme from name -> value, as nnU-Net writes it.

    Args:
        path: of the dataset.json, for messages.
        labels: values are integers, or lists of integers for regions; the name 'ignore' is the ignore label.
        order: nnU-Net's regions_class_order; empty without regions.
    """
    plain = {name: value for name, value in labels.items() if isinstance(value, int) and value != 0}
    regions = {name: value for name, value in labels.items() if isinstance(value, list)}
    if len(plain) + len(regions) + sum(value == 0 for value in labels.values()) != len(labels):
        wrong = {name: value for name, value in labels.items() if not isinstance(value, int | list)}
        raise DataError(
            f"{path}: labels {wrong} are not integers. Expected for example {{'background': 0, 'lesion': 1}}."
        )
    ignore = plain.pop("ignore", None)
    for value in sorted({value for values in regions.values() for value in values} - set(plain.values()) - {0}):
        plain[f"label {value}"] = value
    if len(set(plain.values())) != len(plain):
        raise DataError(f"{path}: two labels share a value: {plain}. Give each label an integer of its own.")
    if not plain:
        raise DataError(f"{path}: 'labels' names no foreground. Expected for example {{'background': 0, 'lesion': 1}}.")
    ordered = sorted(plain.items(), key=lambda item: item[1])
    return LabelScheme(
        labels=tuple(Label(name=name, value=value) for name, value in ordered),
        regions=tuple(Region(name=name, values=tuple(values)) for name, values in regions.items()),
        region_export_order=tuple(order) if regions else (),
        ignore_value=ignore,
    )


def read_scheme_or_default(folder: Path, description: Mapping[str, Any]) -> LabelScheme:
    """Build the label scheme from the 'labels' of a dataset.json in nnU-Net's form, else from `DEFAULT_LABELS`.

    Args:
        folder: where the dataset.json lies, for messages.
        description: what it holds; empty without one.
    """
    path, labels = folder / "dataset.json", description.get("labels", DEFAULT_LABELS)
    return read_scheme(path, expect_labels(path, labels), description.get("regions_class_order", ()))


def expect_labels(path: Path, labels: object) -> Mapping[str, Any]:
    """Return the 'labels' of a dataset.json.

    Raises:
        DataError: they are no object.
    """
    if not isinstance(labels, dict):
        raise DataError(f"{path}: 'labels' is a {type(labels).__name__}. Expected names with integers.")
    return labels


def read_channels(path: Path, names: object) -> tuple[str, ...]:
    """Return channel names in the order of their numbers, from {"0": "T1w"} or ["T1w"]."""
    if isinstance(names, list) and names:
        return tuple(str(name) for name in names)
    if isinstance(names, dict) and names and sorted(names, key=_number) == [str(i) for i in range(len(names))]:
        return tuple(str(names[str(i)]) for i in range(len(names)))
    raise DataError(f'{path}: channels are {names!r}. Expected numbers from 0 with names, for example {{"0": "T1w"}}.')


def subject_of(case: str) -> str:
    """Return the BIDS subject in a case's name, or the name itself."""
    match = _SUBJECT.search(case)
    return match.group() if match else case


def session_of(case: str) -> str:
    """Return the BIDS session in a case's name, or an empty text."""
    match = _SESSION.search(case)
    return match.group() if match else ""


def missing_files(root: Path, files: Iterable[Path]) -> list[str]:
    """Return those of the files that do not exist, as seen from the root."""
    return [show_path(root, file) for file in files if not file.exists()]


def show_path(root: Path, file: Path) -> str:
    """Return a file's path from the root, or all of it where it lies elsewhere."""
    return str(file.relative_to(root) if file.is_relative_to(root) else file)


def first_ten(names: Sequence[str], between: str = ", ") -> str:
    """Return at most ten of the names, and how many more there are."""
    more = f"{between}and {len(names) - 10} more" if len(names) > 10 else ""
    return between.join(names[:10]) + more


def refuse_missing(root: Path, missing: Sequence[str]) -> None:
    """Raise one error that lists every missing file.

    Raises:
        DataError: if any file is missing.
    """
    if missing:
        count = "1 expected file is" if len(missing) == 1 else f"{len(missing)} expected files are"
        raise DataError(
            f"{root}: {count} missing: {first_ten(missing, '; ')}. Add what is missing or take the cases out."
        )


def refuse_unusable_names(path: Path, names: Sequence[str], cure: str) -> None:
    """Refuse case names that occur twice, or that no file could have.

    Args:
        path: of the file that lists the cases, for messages.
        cure: what to do about names that occur twice.

    Raises:
        DataError: if there are any.
    """
    counts = Counter(names)
    twice = sorted(name for name, count in counts.items() if count > 1)
    if twice:
        raise DataError(f"{path}: lists {first_ten(twice)} more than once. {cure}")
    unusable = sorted(name for name in counts if not name or name.startswith(".") or set(name) & set("/\\"))
    if unusable:
        raise DataError(
            f"{path}: the cases {first_ten([repr(name) for name in unusable])} cannot name files. "
            "Expected names without slashes that do not begin with a dot."
        )


def refuse_other_channel_counts(path: Path, cases: Sequence[Case], channels: Sequence[str], cure: str) -> None:
    """Compare the volumes in the files that hold all channels of a case with the channels; reads headers only.

    Args:
        path: of what declares the channels, for messages.
        cure: what to do where the two differ.

    Raises:
        DataError: they differ in some case; the message lists every one.
    """
    wrong = []
    for case in cases:
        if len(case.images) == 1 and (count := channel_count(case.image_paths()[0])) not in (None, len(channels)):
            wrong.append(f"{case.name} ({count})")
    if wrong:
        count_of = "1 channel is" if len(channels) == 1 else f"{len(channels)} channels are"
        raise DataError(
            f"{path}: {count_of} declared ({', '.join(channels)}) but the scans of these cases hold another number of "
            f"volumes: {first_ten(wrong)}. {cure}"
        )


def channel_count(path: Path) -> int | None:
    """Return how many channels a file's header declares; None for a header that the checks of the voxels will refuse.

    Those checks list all damaged files at once, with their cases.
    """
    try:
        return read_channel_count(path)
    except DataError:
        return None


def _number(text: str) -> int:
    return int(text) if text.isdigit() else -1
