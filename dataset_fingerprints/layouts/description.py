"""What nnU-Net and MSD folders share: labels, subjects and the search for files."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from dataset_fingerprints.dataset import Label, LabelScheme, Region
from dataset_fingerprints.errors import DataError

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


def refuse_missing(root: Path, missing: Sequence[str]) -> None:
    """Raise one error that lists every missing file.

    Raises:
        DataError: if any file is missing.
    """
    if not missing:
        return
    shown = "; ".join(missing[:10]) + (f"; and {len(missing) - 10} more" if len(missing) > 10 else "")
    raise DataError(f"{root}: {len(missing)} expected files are missing: {shown}. Add them or take the cases out.")


def _number(text: str) -> int:
    return int(text) if text.isdigit() else -1
