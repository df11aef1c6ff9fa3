"""Preprocessed cases on disk: one blosc2 array each for image and labels, and the record that undoes them."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import EllipsisType
from typing import Any

import blosc2
import numpy as np
from numpy.typing import NDArray

from autoseg.preprocessing.prepare import Prepared, Record, paste
from autoseg.workspace.store import StoreFolder
from dataset_fingerprints.dataset import LabelScheme
from dataset_fingerprints.errors import FileFormatError, WorkspaceError
from dataset_fingerprints.files.atomic import write_bytes
from dataset_fingerprints.files.jsonfiles import read_json, to_json, write_json
from dataset_fingerprints.fingerprint import FileIdentity
from dataset_fingerprints.geometry import Box
from planners.plan import Preprocessing

# Raised whenever the arrays would come out differently for the same parameters; stored cases are then made again.
CODE_VERSION = 2
# float16 keeps 3 digits up to 65,504; normalised intensities lie far below, anything larger stays float32.
LARGEST_HALF = 1e4
_COMPRESSION = {"codec": blosc2.Codec.LZ4, "clevel": 5, "nthreads": 1}
# Edges in voxels. Reading a box unpacks the blocks that it touches: small cubes for patches, none so small that the
# way to it costs more than its voxels. Chunks only hold blocks together.
_BLOCK_EDGE, _CHUNK_EDGE = 32, 128


@dataclass(frozen=True, kw_only=True, slots=True)
class StoredCase:
    """The file beside a case's arrays; it is written last, so that it stands for a complete case.

    Attributes:
        identities: the raw files that the arrays were made from.
    """

    case: str
    code_version: int
    identities: tuple[FileIdentity, ...]
    record: Record


@dataclass(frozen=True, kw_only=True, slots=True)
class Store:
    """A folder of cases that share their preprocessing parameters."""

    folder: StoreFolder

    def holds(self, case: str, identities: Sequence[FileIdentity]) -> bool:
        """Return whether the case is here, complete, made from these files by this code."""
        try:
            stored = read_json(self.folder.record(case), StoredCase)
        except FileFormatError:
            return False
        same = [(known.size_bytes, known.sha256) for known in stored.identities] == [
            (known.size_bytes, known.sha256) for known in identities
        ]
        arrays = (self.folder.image(case), self.folder.labels(case), self._reference(case, stored.record))
        whole = all(array.is_file() for array in arrays)
        return same and whole and stored.code_version == CODE_VERSION

    def has(self, case: str) -> bool:
        """Return whether the case is here, whatever its raw files are today: training needs none of them."""
        return self.folder.record(case).is_file()

    def write(self, case: str, prepared: Prepared, identities: Sequence[FileIdentity]) -> None:
        """Write a case; a process killed on the way leaves no half case."""
        if prepared.labels is None or prepared.reference is None:
            raise ValueError(f"case {case} has no labels")
        half = max(float(prepared.image.max()), -float(prepared.image.min())) < LARGEST_HALF
        write_array(self.folder.image(case), prepared.image.astype(np.float16) if half else prepared.image)
        write_array(self.folder.labels(case), prepared.labels)
        if _was_resampled(prepared.record):
            write_array(self.folder.reference(case), prepared.reference)
        stored = StoredCase(case=case, code_version=CODE_VERSION, identities=tuple(identities), record=prepared.record)
        write_json(self.folder.record(case), stored)

    def read(self, case: str, box: Box | None = None) -> tuple[NDArray[np.floating], NDArray[np.uint8]]:
        """Return (channel, x, y, z) image and (x, y, z) class indices, of a box or of the whole case.

        Raises:
            WorkspaceError: the case is not here or its files are damaged.
        """
        with self._reported(case):
            return read_array(self.folder.image(case), box), read_array(self.folder.labels(case), box)

    def read_labels(self, case: str, box: Box | None = None) -> NDArray[np.uint8]:
        """Return (x, y, z) class indices, of a box or of the whole case.

        Raises:
            WorkspaceError: as for `read`.
        """
        with self._reported(case):
            return read_array(self.folder.labels(case), box)

    def read_reference(self, case: str) -> NDArray[np.uint8]:
        """Return (x, y, z) class indices on the scan's whole canonical grid, as the raw label map had them."""
        record = self.read_record(case)
        return paste(read_array(self._reference(case, record)), record)

    def read_record(self, case: str) -> Record:
        """Return what undoes the case's preprocessing."""
        return read_json(self.folder.record(case), StoredCase).record

    def read_identities(self, case: str) -> tuple[FileIdentity, ...]:
        """Return the identities of the raw files that the case was made from: the channels', then the label map's."""
        return read_json(self.folder.record(case), StoredCase).identities

    def _reference(self, case: str, record: Record) -> Path:
        """Return the array of the labels before resampling: without any it is that of the labels themselves."""
        return self.folder.reference(case) if _was_resampled(record) else self.folder.labels(case)

    @contextmanager
    def _reported(self, case: str) -> Iterator[None]:
        try:
            yield
        except (OSError, RuntimeError, ValueError) as error:
            raise WorkspaceError(
                f"{self.folder.root}: the preprocessed case {case} cannot be read ({error}). "
                "Run `autoseg plan_and_preprocess` again: it makes what is missing."
            ) from error


def _was_resampled(record: Record) -> bool:
    return record.shape != record.box.shape()


def store_key(preprocessing: Preprocessing, scheme: LabelScheme) -> str:
    """Return the name of the store for these parameters: the same parameters share it, whatever plan they come from."""
    text = to_json(preprocessing) + to_json(scheme)
    return hashlib.sha256(text.encode()).hexdigest()[:12]


def write_array(path: Path, array: NDArray[Any]) -> None:
    """Write a compressed array (..., x, y, z) in one step."""
    write_bytes(path, pack_array(array))


def read_array(path: Path, box: Box | None = None) -> NDArray[Any]:
    """Return an array (..., x, y, z) that was written, or a box of it.

    The file is opened anew each time: as many files as there are cases would be too many to keep open. It is not
    memory-mapped: that is not faster, and a disk that fails would end the process with a signal instead of an error.
    """
    array: NDArray[Any] = blosc2.open(str(path), mode="r")[_index(box)]
    return array


def pack_array(array: NDArray[Any]) -> bytes:
    """Return an array (..., x, y, z) compressed."""
    outer = (1,) * (array.ndim - 3)
    frame = blosc2.asarray(
        np.ascontiguousarray(array),
        contiguous=True,
        cparams=blosc2.CParams(**_COMPRESSION),
        chunks=(*outer, *(min(length, _CHUNK_EDGE) for length in array.shape[-3:])),
        blocks=(*outer, *(min(length, _BLOCK_EDGE) for length in array.shape[-3:])),
    )
    packed: bytes = frame.to_cframe()
    return packed


def unpack_array(packed: bytes, box: Box | None = None) -> NDArray[Any]:
    """Return an array that was packed, or a box of it."""
    array: NDArray[Any] = blosc2.ndarray_from_cframe(packed)[_index(box)]
    return array


def _index(box: Box | None) -> tuple[EllipsisType | slice, ...]:
    return (...,) if box is None else (..., *box.slices())
