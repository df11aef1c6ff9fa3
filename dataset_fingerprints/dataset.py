"""Data set: its cases, channels and labels, and the paths of its raw files."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from operator import not_
from pathlib import Path
from typing import Annotated

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from dataset_fingerprints.errors import DataError
from dataset_fingerprints.names import check_case_names, check_paths

SCHEMA_VERSION = 1
# Among what else is known of a case of several data sets combined: the one that it comes from.
DATA_SET = "data_set"

# Indices of labels are kept as bytes.
MOST_INDICES = 256


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
class Heads:
    """Meaning of a network's output channels, in label indices (0 is background).

    Attributes:
        members: per channel, the indices of the voxels that it is to mark.
        written: per channel, the index that a label map gets where the channel marks; later channels over earlier ones.
        exclusive: whether one channel per voxel marks (softmax over background and labels), or each decides for itself
            (sigmoid per region, no background).
        ignored: the index of unlabelled voxels, or -1.
    """

    members: tuple[tuple[int, ...], ...]
    written: tuple[int, ...]
    exclusive: bool
    ignored: int = -1

    def count(self) -> int:
        """Return the number of output channels."""
        return len(self.members)

    def targets(self) -> tuple[tuple[int, ...], ...]:
        """Return the members of the channels that are looked for: all but background's."""
        return self.members[1:] if self.exclusive else self.members


@dataclass(frozen=True, kw_only=True, slots=True)
class LabelScheme:
    """Meaning of the integers in a data set's label files. Background is 0 and is not listed.

    Inside, label maps hold indices: 0 for background, 1..K in the order of `labels`, and K + 1 for ignored voxels.

    Attributes:
        labels: the foreground labels, by ascending value; any integers. With regions: those they are made of.
        regions: overlapping label sets, empty for plain labels.
        region_export_order: the value written for each region, later ones over earlier ones; empty without regions.
        ignore_value: the value of unlabelled voxels, or None when every voxel is labelled.

    Raises:
        DataError: there are more values than indices, or a value does not fit into 32 bits.
    """

    labels: tuple[Label, ...]
    regions: tuple[Region, ...] = ()
    region_export_order: tuple[int, ...] = ()
    ignore_value: int | None = None

    def __post_init__(self) -> None:
        known, limits = self.known_values(), np.iinfo(np.int32)
        if len(known) > MOST_INDICES:
            raise DataError(
                f"{len(known)} different label values are declared, background and ignored voxels included. Expected "
                f"at most {MOST_INDICES}: join labels, or segment them in several models."
            )
        if min(known) < limits.min or max(known) > limits.max:
            raise DataError(
                f"label values from {min(known)} to {max(known)} are declared. Expected {limits.min} to {limits.max}, "
                "which label files hold: number the labels from 1."
            )

    def values(self) -> tuple[int, ...]:
        """Return the foreground values in ascending order."""
        return tuple(label.value for label in self.labels)

    def names(self) -> dict[int | str, str]:
        """Return the names of the foreground labels by their values, as scores list these beside names of regions."""
        return {label.value: label.name for label in self.labels}

    def known_values(self) -> tuple[int, ...]:
        """Return the value of every index: background, the labels and, where there is one, the ignore label."""
        return (0, *self.values(), *(() if self.ignore_value is None else (self.ignore_value,)))

    def index_count(self) -> int:
        """Return how many different indices a label map may hold."""
        return len(self.known_values())

    def heads(self) -> Heads:
        """Return what a network for these labels gives out."""
        ignored = -1 if self.ignore_value is None else self.index_count() - 1
        if not self.regions:
            indices = tuple(range(1 + len(self.labels)))
            return Heads(members=tuple((i,) for i in indices), written=indices, exclusive=True, ignored=ignored)
        index = {value: position for position, value in enumerate((0, *self.values()))}
        return Heads(
            members=tuple(tuple(index[value] for value in region.values) for region in self.regions),
            written=tuple(index[value] for value in self.region_export_order),
            exclusive=False,
            ignored=ignored,
        )

    def written_regions(self) -> tuple[tuple[Region, int], ...]:
        """Return what is looked for, each with the value that is written for it; a label is a region of one value."""
        if self.regions:
            return tuple(zip(self.regions, self.region_export_order, strict=True))
        return tuple((Region(name=label.name, values=(label.value,)), label.value) for label in self.labels)

    def places(self, names: Sequence[str]) -> list[int]:
        """Return the places, among what is looked for, of labels or regions by their names; of none given, all."""
        known = [region.name for region, _ in self.written_regions()]
        return [known.index(name) for name in names] or [*range(len(known))]

    def foreground(self, indices: NDArray[np.integer]) -> NDArray[np.bool_]:
        """Return where a map of indices holds a label: neither background nor ignored."""
        return (indices > 0) & (indices <= len(self.labels))

    def to_indices(self, labels: NDArray[np.integer]) -> NDArray[np.uint8]:
        """Return the label map with its values replaced by indices.

        Raises:
            ValueError: a value is not known.
        """
        known = np.array(self.known_values())
        order = np.argsort(known, kind="stable")
        position = np.searchsorted(known[order], labels)
        index = order[np.minimum(position, len(known) - 1)]
        if not np.array_equal(known[index], labels):
            unknown = np.setdiff1d(np.unique(labels), known)
            raise ValueError(f"label values {unknown.tolist()} are not in the scheme {known.tolist()}")
        return index.astype(np.uint8)

    def to_values(self, indices: NDArray[np.integer]) -> NDArray[np.integer]:
        """Undo `to_indices`, in the smallest integer type that NIfTI readers agree on."""
        table = np.array(self.known_values())
        for kind in (np.uint8, np.int16):
            if np.iinfo(kind).min <= table.min() and table.max() <= np.iinfo(kind).max:
                small: NDArray[np.integer] = table.astype(kind)[indices]
                return small
        large: NDArray[np.integer] = table.astype(np.int32)[indices]
        return large


def join_schemes(schemes: Sequence[LabelScheme]) -> LabelScheme:
    """Return the regions of several networks that predict one label map together; each decides for itself.

    Those of more labels come first, so that what lies in them is written over them.

    Args:
        schemes: of regions, all made of the same labels.
    """
    first = schemes[0]
    written = {region.values: (region, value) for scheme in schemes for region, value in scheme.written_regions()}
    ordered = sorted(written.values(), key=lambda entry: -len(entry[0].values))
    regions, values = zip(*ordered, strict=True)
    return replace(first, regions=regions, region_export_order=values)


def first_of_each(schemes: Sequence[LabelScheme]) -> tuple[int, ...]:
    """Return the places of the first of each kind, where several networks may predict the same labels."""
    return tuple(place for place, scheme in enumerate(schemes) if scheme not in schemes[:place])


@dataclass(frozen=True, kw_only=True, slots=True)
class Case:
    """One patient's images at one time.

    Attributes:
        name: unique in the data set; used for every file that belongs to the case.
        images: absolute paths, one per channel, or a single 4D file that holds them all. They are what the layout
            expects: a file that is not there, or not named (an empty path), is reported when the case is read.
        label: absolute path of the label map; empty where none is named, as of scans that nobody labelled.
        subject: cases of one subject never lie in different folds.
        session: of the subject, where known.
        site: where the scan was made, where known; folds are balanced over sites.
        group: cases of one group never lie in different folds either, for example those of a family.
        task: that the case belongs to, where known.
        others: what else a table says of the case, by the names of its columns.
    """

    name: str
    images: tuple[str, ...]
    label: str
    subject: str
    session: str = ""
    site: str = ""
    group: str = ""
    task: str = ""
    others: Mapping[str, str] = field(default_factory=dict)

    def files(self) -> tuple[str, ...]:
        """Return the paths of its scans in the order of the channels, then that of its label map if one is named."""
        return (*self.images, self.label) if self.label else self.images

    def image_paths(self) -> tuple[Path, ...]:
        """Return where the channels lie."""
        return tuple(Path(image) for image in self.images)

    def label_path(self) -> Path:
        """Return where the label map lies."""
        return Path(self.label)


def is_there(file: str) -> bool:
    """Return whether a file of a case exists; a folder of DICOM files counts.

    So does what nobody may look at: reading it says why.
    """
    try:
        return bool(file) and Path(file).exists()
    except PermissionError:
        return True


@dataclass(frozen=True, kw_only=True, slots=True)
class Dataset:
    """A raw data set as it was found.

    Attributes:
        layout: the name of the layout that was recognised.
        root: absolute path of the raw data.
        channels: names, for example T1w; they choose the normalisation.
        labels: without any, the cases are scans that nobody labelled.
        simulated: whether the scans are simulated: figures of them say nothing of patients.
        release: of a published data set, where it says so: R2.0.
        space: of its scans, where it says so: MNI or native.
    """

    name: str
    layout: str
    root: str
    channels: tuple[str, ...]
    labels: LabelScheme
    cases: tuple[Case, ...]
    simulated: Annotated[bool, Field(exclude_if=not_)] = False
    release: Annotated[str, Field(exclude_if=not_)] = ""
    space: Annotated[str, Field(exclude_if=not_)] = ""
    schema_version: int = SCHEMA_VERSION

    def __post_init__(self) -> None:
        check_case_names(case.name for case in self.cases)
        for case in self.cases:
            check_paths(case.name, (*case.images, case.label))
