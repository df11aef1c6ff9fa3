"""Arrays on disk: blosc2 frames in cubes of blocks, so that boxes are read fast."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import EllipsisType
from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

from dataset_fingerprints.errors import WorkspaceError
from dataset_fingerprints.files.atomic import write_bytes
from dataset_fingerprints.files.checksums import FileSum, measure_bytes
from dataset_fingerprints.geometry import Box

_LEVEL = 5
# Edges in voxels. Reading a box unpacks the blocks that it touches: small cubes for patches, none so small that the
# way to it costs more than its voxels. Chunks only hold blocks together.
_BLOCK_EDGE, _CHUNK_EDGE = 32, 128
# Of a file that is not an array, or is damaged.
_READING_ERRORS = (OSError, RuntimeError, ValueError, TypeError, KeyError, MemoryError)


def write_array(path: Path, array: NDArray[Any]) -> FileSum:
    """Write a compressed array (..., x, y, z) in one step, and return what the file holds."""
    packed = pack_array(array)
    write_bytes(path, packed)
    return measure_bytes(packed)


def read_array(
    path: Path,
    box: Box | None = None,
    *,
    shape: tuple[int | None, ...] | None = None,
    kinds: tuple[DTypeLike, ...] = (),
) -> NDArray[Any]:
    """Return an array (..., x, y, z) that was written, or a box of it.

    The file is opened anew each time: as many files as there are cases would be too many to keep open. It is not
    memory-mapped: that is not faster, and a disk that fails would end the process with a signal instead of an error.

    Args:
        path: of the file. One that would run code when it is read is refused.
        box: in its last three axes.
        shape: of all its axes, None for an axis of any length; None for any.
        kinds: types of its values; none for any.

    Raises:
        ValueError: it is not such an array.
    """
    import blosc2

    found = blosc2.open(str(path), mode="r", deserialize="safe")
    if not isinstance(found, blosc2.NDArray):
        raise ValueError(f"{path.name} holds a {type(found).__name__}, expected an array")
    if shape is not None and not _fits(found.shape, shape):
        expected = ", ".join("any" if length is None else str(length) for length in shape)
        raise ValueError(f"{path.name} is of shape {tuple(found.shape)}, expected ({expected})")
    if kinds and found.dtype not in kinds:
        raise ValueError(f"{path.name} holds {found.dtype} values")
    array: NDArray[Any] = found[_index(box)]
    return array


def _fits(found: tuple[int, ...], expected: tuple[int | None, ...]) -> bool:
    return len(found) == len(expected) and all(want in (None, have) for have, want in zip(found, expected, strict=True))


def pack_array(array: NDArray[Any]) -> bytes:
    """Return an array (..., x, y, z) compressed."""
    # Predictions do without it, and without the memory that it takes.
    import blosc2

    outer = (1,) * (array.ndim - 3)
    frame = blosc2.asarray(
        np.ascontiguousarray(array),
        contiguous=True,
        cparams=blosc2.CParams(codec=blosc2.Codec.LZ4, clevel=_LEVEL, nthreads=1),
        chunks=(*outer, *(min(length, _CHUNK_EDGE) for length in array.shape[-3:])),
        blocks=(*outer, *(min(length, _BLOCK_EDGE) for length in array.shape[-3:])),
    )
    packed: bytes = frame.to_cframe()
    return packed


def unpack_array(packed: bytes, box: Box | None = None) -> NDArray[Any]:
    """Return an array that was packed, or a box of it."""
    import blosc2

    array: NDArray[Any] = blosc2.ndarray_from_cframe(packed)[_index(box)]
    return array


def _index(box: Box | None) -> tuple[EllipsisType | slice, ...]:
    return (...,) if box is None else (..., *box.slices())


@contextmanager
def reported(where: str, remedy: str) -> Iterator[None]:
    """Turn what goes wrong while arrays are read into one message.

    Raises:
        WorkspaceError: an array cannot be read.
    """
    try:
        yield
    except _READING_ERRORS as error:
        reason = (str(error) or type(error).__name__).splitlines()[0]
        if isinstance(error, FileNotFoundError):
            reason = f"{Path(error.filename).name} is not there" if error.filename else "a file is not there"
        raise WorkspaceError(f"{where} cannot be read ({reason}). {remedy}") from error
