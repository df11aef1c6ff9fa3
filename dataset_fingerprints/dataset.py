"""What a data set is: its cases, channels and labels, and where the raw files lie."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

SCHEMA_VERSION = 1


@dataclass(frozen=True, kw_only=True, slots=True)
class Label:
    """One integer of the label files and the name it stands for."""

    name: str
    value: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Region:
    """A named set of label values that is segmented as one mask; regions may overlap."""

    name: str
    values: tuple[int, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class LabelScheme:
    """What the integers in a data set's label files mean. Background is 0 and is not listed.

    Attributes:
        labels: the foreground labels, by ascending value; any integers.
        regions: overlapping label sets, empty for plain labels.
        region_export_order: the value written for each region, later ones over earlier ones; empty without regions.
        ignore_value: the value of unlabelled voxels, or None when every voxel is labelled.
    """

    labels: tuple[Label, ...]
    regions: tuple[Region, ...] = ()
    region_export_order: tuple[int, ...] = ()
    ignore_value: int | None = None

    def values(self) -> tuple[int, ...]:
        """Return the foreground values in ascending order."""
        return tuple(label.value for label in self.labels)

    def to_indices(self, labels: NDArray[np.integer]) -> NDArray[np.uint8]:
        """Return the label map with values replaced by 0 for background and 1..K in the order of `labels`.

        Raises:
            ValueError: a value is neither background nor listed.
        """
        known = np.array([0, *self.values()])
        order = np.argsort(known, kind="stable")
        position = np.searchsorted(known[order], labels)
        index = order[np.minimum(position, len(known) - 1)]
        if not np.array_equal(known[index], labels):
            unknown = np.setdiff1d(np.unique(labels), known)
            raise ValueError(f"label values {unknown.tolist()} are not in the scheme {known.tolist()}")
        return index.astype(np.uint8)

    def to_values(self, indices: NDArray[np.integer]) -> NDArray[np.integer]:
        """Undo `to_indices`, in the smallest integer type that NIfTI readers agree on."""
        table = np.array([0, *self.values()])
        for kind in (np.uint8, np.int16):
            if np.iinfo(kind).min <= table.min() and table.max() <= np.iinfo(kind).max:
                small: NDArray[np.integer] = table.astype(kind)[indices]
                return small
        large: NDArray[np.integer] = table.astype(np.int32)[indices]
        return large


@dataclass(frozen=True, kw_only=True, slots=True)
class Case:
    """One patient's images at one time.

    Attributes:
        name: unique in the data set; used for every file that belongs to the case.
        images: absolute paths, one per channel, or a single 4D file that holds them all.
        label: absolute path of the label map; empty for a scan without one.
        subject: cases of one subject never lie in different folds.
    """

    name: str
    images: tuple[str, ...]
    label: str
    subject: str
    session: str = ""
    site: str = ""

    def image_paths(self) -> tuple[Path, ...]:
        """Return where the channels lie."""
        return tuple(Path(image) for image in self.images)

    def label_path(self) -> Path:
        """Return where the label map lies."""
        return Path(self.label)


@dataclass(frozen=True, kw_only=True, slots=True)
class Dataset:
    """A raw data set as it was found.

    Attributes:
        layout: the name of the layout that was recognised.
        root: absolute path of the raw data.
        channels: names, for example T1w; they choose the normalisation.
    """

    name: str
    layout: str
    root: str
    channels: tuple[str, ...]
    labels: LabelScheme
    cases: tuple[Case, ...]
    schema_version: int = SCHEMA_VERSION
