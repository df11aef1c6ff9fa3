"""Preprocessed cases on disk: one blosc2 array each for image and labels, and the record that undoes them."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from autoseg.preprocessing.arrays import read_array, reported, write_array
from autoseg.preprocessing.frames import is_sound
from autoseg.preprocessing.prepare import Prepared, Record, paste
from autoseg.workspace.store import StoreFolder
from dataset_fingerprints.dataset import LabelScheme
from dataset_fingerprints.errors import AutosegError, WorkspaceError
from dataset_fingerprints.files.checksums import FileSum
from dataset_fingerprints.files.jsonfiles import read_json, to_json, write_json
from dataset_fingerprints.fingerprint import FileIdentity
from dataset_fingerprints.geometry import Box
from dataset_fingerprints.names import check_case_name, counted
from planners.plan import Configuration, Preprocessing

# Raised whenever the arrays would come out differently for the same parameters; stored cases are then made again.
CODE_VERSION = 3
# Tells the file of a record from one that takes its place: number, length and time of the last change.
Stamp = tuple[int, int, int]
# float16 keeps 3 digits up to 65,504; normalised intensities lie far below, anything larger stays float32.
LARGEST_HALF = 1e4
REMEDY = "Run `autoseg plan_and_preprocess` again: it makes what is missing or damaged."


@dataclass(frozen=True, kw_only=True, slots=True)
class StoredCase:
    """The file beside a case's arrays; it is written last, so that it stands for a complete case.

    Attributes:
        identities: the raw files that the arrays were made from.
        image: the file of the image, by which damage is noticed; null, as those below, where it was not measured.
        labels: that of the labels.
        reference: that of the labels before resampling, where there is one.
        labelled: whether there are labels. Not written where there are.
    """

    case: str
    code_version: int
    identities: tuple[FileIdentity, ...]
    record: Record
    image: FileSum | None = None
    labels: FileSum | None = None
    reference: FileSum | None = None
    labelled: Annotated[bool, Field(exclude_if=bool)] = True

    def __post_init__(self) -> None:
        check_case_name(self.case)


@dataclass(frozen=True, kw_only=True, slots=True)
class Store:
    """A folder of cases that share their preprocessing parameters; the record of a case is read once.

    Attributes:
        channels: of every image; None where whoever reads does not know.
        indices: how many different indices labels may hold; None likewise.
        relabelled: for each of these indices the one that is read in its place; empty where all stay.
    """

    folder: StoreFolder
    channels: int | None = None
    indices: int | None = None
    relabelled: tuple[int, ...] = ()
    # Records as they were read, until another file takes their place.
    _known: dict[str, tuple[Stamp, StoredCase]] = field(default_factory=dict, compare=False, repr=False)
    # Cases of which all files have been looked at.
    _opened: dict[str, StoredCase] = field(default_factory=dict, compare=False, repr=False)

    def holds(self, case: str, identities: Sequence[FileIdentity]) -> bool:
        """Return whether the case is here, complete and undamaged, made from these files by this code."""
        try:
            stored = self._read_stored(case)
            same = [(known.size_bytes, known.sha256) for known in stored.identities] == [
                (known.size_bytes, known.sha256) for known in identities
            ]
            return same and stored.code_version == CODE_VERSION and not self._find_damage(case, stored)
        except (AutosegError, OSError, ValueError):
            return False

    def is_of_other_code(self, case: str) -> bool:
        """Return whether the case is here, and another version of autoseg made its arrays, perhaps others."""
        try:
            return self._read_stored(case).code_version != CODE_VERSION
        except (AutosegError, OSError):
            return False

    def has(self, case: str) -> bool:
        """Return whether the case is here, whatever its raw files are today: training needs none of them."""
        return self.folder.record(case).is_file()

    def is_whole(self, case: str) -> bool:
        """Return whether all files of a case are here and as long as they were written: a cheap look."""
        try:
            files = self._list_files(case, self._read_stored(case))
            return all(path.stat().st_size == written.size_bytes for path, written in files if written is not None)
        except (AutosegError, OSError, ValueError):
            return False

    def write(self, case: str, prepared: Prepared, identities: Sequence[FileIdentity]) -> None:
        """Write a case, or a scan without labels; a process killed on the way leaves no half case."""
        half = max(float(prepared.image.max()), -float(prepared.image.min())) < LARGEST_HALF
        image = write_array(self.folder.image(case), prepared.image.astype(np.float16) if half else prepared.image)
        labels, reference = None, None
        if prepared.labels is not None:
            labels = write_array(self.folder.labels(case), prepared.labels)
        if prepared.reference is not None and _was_resampled(prepared.record):
            reference = write_array(self.folder.reference(case), prepared.reference)
        stored = StoredCase(
            case=case,
            code_version=CODE_VERSION,
            identities=tuple(identities),
            record=prepared.record,
            image=image,
            labels=labels,
            reference=reference,
            labelled=prepared.labels is not None,
        )
        write_json(self.folder.record(case), stored)

    def read(self, case: str, box: Box | None = None) -> tuple[NDArray[np.floating], NDArray[np.uint8]]:
        """Return (channel, x, y, z) image and (x, y, z) class indices, of a box or of the whole case.

        Raises:
            WorkspaceError: the case is not here or its files are damaged.
        """
        labels = self.read_labels(case, box)
        return self.read_image(case, box), labels

    def read_image(self, case: str, box: Box | None = None) -> NDArray[np.floating]:
        """Return the (channel, x, y, z) image, of a box or of the whole case, which may be without labels.

        Raises:
            WorkspaceError: as for `read`.
        """
        with self._reported(case):
            shape = self._open(case).record.shape
            image = read_array(self.folder.image(case), box, shape=(None, *shape), kinds=(np.float16, np.float32))
        if self.channels is not None and len(image) != self.channels:
            raise self._unplanned(case, f"{counted(len(image), 'channel')}. Expected {self.channels}")
        return image

    def read_labels(self, case: str, box: Box | None = None) -> NDArray[np.uint8]:
        """Return (x, y, z) class indices, of a box or of the whole case.

        Raises:
            WorkspaceError: as for `read`.
        """
        with self._reported(case):
            shape = self._open(case).record.shape
            labels = read_array(self.folder.labels(case), box, shape=shape, kinds=(np.uint8,))
        return self._planned_labels(case, labels)

    def read_reference(self, case: str) -> NDArray[np.uint8]:
        """Return (x, y, z) class indices on the scan's whole canonical grid, as the raw label map had them.

        Raises:
            WorkspaceError: as for `read`.
        """
        with self._reported(case):
            record = self._open(case).record
            shape = record.box.shape()
            reference = read_array(self._reference(case, record), shape=shape, kinds=(np.uint8,))
        return paste(self._planned_labels(case, reference), record)

    def _planned_labels(self, case: str, labels: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """Return labels, whose largest index is one of the plan's, as they are read."""
        if self.indices is not None and labels.max(initial=0) >= self.indices:
            raise self._unplanned(case, f"label index {labels.max()}. Expected 0 to {self.indices - 1}")
        return np.array(self.relabelled, dtype=np.uint8)[labels] if self.relabelled else labels

    def _unplanned(self, case: str, holds: str) -> WorkspaceError:
        return WorkspaceError(
            f"{self.folder.root}: the preprocessed case {case} was made for another plan: it holds {holds}. Delete "
            "this folder and run `autoseg plan_and_preprocess` again."
        )

    def read_record(self, case: str) -> Record:
        """Return what undoes the case's preprocessing."""
        return self._read_stored(case).record

    def read_identities(self, case: str) -> tuple[FileIdentity, ...]:
        """Return the identities of the raw files that the case was made from: the channels', then the label map's."""
        return self._read_stored(case).identities

    def _read_stored(self, case: str) -> StoredCase:
        path = self.folder.record(case)
        stamp = _stamp_of(path)  # before the content: a file that changes in between is read again
        known = self._known.get(case)
        if stamp is not None and known is not None and known[0] == stamp:
            return known[1]
        stored = read_json(path, StoredCase, REMEDY)
        if stamp is not None:
            self._known[case] = (stamp, stored)
        return stored

    def _open(self, case: str) -> StoredCase:
        """Return what is known of a case, all of whose files are looked at when it is first opened.

        Raises:
            ValueError: one does not hold what was written.
        """
        if case not in self._opened:
            stored = self._read_stored(case)
            damaged = self._find_damage(case, stored)
            if damaged:
                raise ValueError(f"{damaged} does not hold what autoseg wrote")
            self._opened[case] = stored
        return self._opened[case]

    def _find_damage(self, case: str, stored: StoredCase) -> str:
        """Return the name of a file that is not what was written; empty where all of them are.

        Raises:
            OSError: one cannot be read.
        """
        damaged = (path.name for path, written in self._list_files(case, stored) if not is_sound(path, written))
        return next(damaged, "")

    def _list_files(self, case: str, stored: StoredCase) -> tuple[tuple[Path, FileSum | None], ...]:
        """Return the arrays of a case with what was written into each."""
        image = (self.folder.image(case), stored.image)
        if not stored.labelled:
            return (image,)
        labels = (self.folder.labels(case), stored.labels)
        if not _was_resampled(stored.record):
            return (image, labels)
        return (image, labels, (self.folder.reference(case), stored.reference))

    def _reference(self, case: str, record: Record) -> Path:
        """Return the array of the labels before resampling: without any it is that of the labels themselves."""
        return self.folder.reference(case) if _was_resampled(record) else self.folder.labels(case)

    def _reported(self, case: str) -> AbstractContextManager[None]:
        return reported(f"{self.folder.root}: the preprocessed case {case}", REMEDY)


def _stamp_of(path: Path) -> Stamp | None:
    try:
        status = path.stat()
    except OSError:  # whoever reads the file says why
        return None
    return status.st_ino, status.st_size, status.st_ctime_ns


def _was_resampled(record: Record) -> bool:
    return record.shape != record.box.shape()


def store_key(preprocessing: Preprocessing, scheme: LabelScheme) -> str:
    """Return the name of the store for these parameters: the same parameters share it, whatever plan they come from."""
    text = to_json(preprocessing) + to_json(scheme)
    return hashlib.sha256(text.encode()).hexdigest()[:12]


def find_stores(configurations: Iterable[Configuration], scheme: LabelScheme) -> dict[str, Configuration]:
    """Return one configuration for each store, by the store's name: those with the same preprocessing share one.

    Args:
        configurations: of one plan.
        scheme: of its labels.
    """
    return {store_key(one.preprocessing, scheme): one for one in configurations}
