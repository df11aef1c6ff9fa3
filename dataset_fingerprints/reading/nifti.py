"""NIfTI files through nibabel, which keeps the affine as stored, sheared ones too."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from io import IOBase
from pathlib import Path
from typing import Any, BinaryIO, cast

import nibabel
import numpy as np
from isal import igzip
from numpy.typing import NDArray

from dataset_fingerprints.errors import DataError
from dataset_fingerprints.files.atomic import write_bytes
from dataset_fingerprints.geometry import Grid, make_grid
from dataset_fingerprints.reading.stored import (
    GZIP_ERRORS,
    Header,
    RefusedError,
    Stored,
    make_stored_grid,
    one_line,
    open_unpacked,
    read_to_end,
    truncation,
)

SUFFIXES = (".nii.gz", ".nii")
# An image in two files: the voxels in one of the first suffix, the header in one of the second.
VOXEL_SUFFIX, HEADER_SUFFIX = ".img", ".hdr"
PAIR_SUFFIXES = (VOXEL_SUFFIX, HEADER_SUFFIX)

# isal's level 2 packs masks to half the size of zlib's level 1, which nibabel uses, in half the time.
_COMPRESSION = 2

_HEADER_BYTES = 540  # of NIfTI-2; NIfTI-1 has 348
# An Analyze header is as long as one of NIfTI-1, which ends with one of these.
_ANALYZE_BYTES, _MAGIC, _MAGICS = 348, slice(344, 348), (b"ni1\0", b"n+1\0")
_Kinds = tuple[type[nibabel.Nifti1Pair], ...]
_SINGLES: _Kinds = (nibabel.Nifti1Image, nibabel.Nifti2Image)
_PAIRS: _Kinds = (nibabel.Nifti1Pair, nibabel.Nifti2Pair)

# A damaged or foreign file shows itself through one of these, depending on where the damage lies.
_READ_ERRORS: tuple[type[Exception], ...] = (
    OSError,
    EOFError,
    ValueError,
    *GZIP_ERRORS,
    nibabel.filebasedimages.ImageFileError,
    nibabel.spatialimages.HeaderDataError,
)


def read_header(path: Path) -> Header:
    """Read shape, affine and channels: the fourth axis.

    Raises:
        RefusedError: nibabel cannot read the header.
        DataError: the header is read but describes no image of ours.
    """
    with _opened(path) as (image, _):
        return _header_of(path, image)


def read_voxels(path: Path, dtype: type[np.floating] | None) -> Stored:
    """Read the voxels, with the header's scaling applied; without `dtype`, integers without scaling stay as stored.

    Raises:
        RefusedError: nibabel cannot read the header.
        DataError: the voxels end early or are damaged.
    """
    with _opened(path) as (image, stream):
        header = _header_of(path, image)
        try:
            stored = image.get_fdata(dtype=dtype, caching="unchanged") if dtype else np.asanyarray(image.dataobj)
            read_to_end(stream)
        except EOFError as error:
            raise DataError(f"{path}: {truncation(path)}. Copy the file again from its source.") from error
        except _READ_ERRORS as error:
            raise DataError(
                f"{path}: the header is fine but the voxels end early or are damaged: the file is truncated or was "
                f"changed ({one_line(error)}). Copy the file again from its source."
            ) from error
    return Stored(voxels=np.moveaxis(stored.reshape(*header.grid.shape, -1), -1, 0), header=header)


def find_pair(path: Path) -> tuple[Path, Path]:
    """Return the files of the header and of the voxels that an image in two files has, given any of them.

    Raises:
        DataError: one of the two is not there.
    """
    spelled = path.suffix
    alike = str.upper if spelled.isupper() else str.lower
    found = []
    for suffix in (HEADER_SUFFIX, VOXEL_SUFFIX):
        named = [path.with_suffix(spelling) for spelling in (alike(suffix), suffix, suffix.upper())]
        there = [path] if spelled.lower() == suffix else [file for file in named if file.is_file()]
        if not there:
            raise DataError(
                f"{path}: is one of the two files of an image, but {named[0].name} is not beside it. Expected the "
                f"header ({HEADER_SUFFIX}) and the voxels ({VOXEL_SUFFIX}) under one name: copy both."
            )
        found.append(there[0])
    return found[0], found[1]


def write(path: Path, labels: NDArray[np.integer[Any]], grid: Grid) -> None:
    """Write (i, j, k) labels on a grid, atomically; the same labels give the same bytes.

    Raises:
        DataError: the format is two files.
    """
    if path.suffix.lower() in PAIR_SUFFIXES:
        raise DataError(
            f"{path}: {path.suffix} is one of two files, which cannot be replaced in one step. Write .nii.gz instead."
        )
    header = nibabel.Nifti1Header()
    header.set_xyzt_units("mm")
    header.set_data_dtype(labels.dtype)
    image = nibabel.Nifti1Image(labels, grid.matrix(), header)
    image.set_sform(grid.matrix(), code=1)
    image.set_qform(grid.matrix(), code=1)
    content = image.to_bytes()
    packed = path.suffix.lower() == ".gz"
    # The time is left out of the gzip header.
    write_bytes(path, igzip.compress(content, _COMPRESSION, mtime=0) if packed else content)


@contextmanager
def _opened(path: Path) -> Iterator[tuple[nibabel.Nifti1Pair, BinaryIO]]:
    """Open a file, packed or not whatever its name says, and read its header; voxels are read while it is open."""
    with ExitStack() as opened:
        if path.suffix.lower() in PAIR_SUFFIXES:
            header, stream = (opened.enter_context(open_unpacked(file)) for file in find_pair(path))
            streams, kinds = {"header": header, "image": stream}, _PAIRS
            _refuse_analyze(path, header)
        else:
            stream = opened.enter_context(open_unpacked(path))
            streams, kinds = {"image": stream}, _SINGLES
        try:
            kind = _find_kind(next(iter(streams.values())), kinds)
            image = kind.from_file_map(kind.make_file_map(cast("dict[str, IOBase]", streams)), mmap=False)
        except _READ_ERRORS as error:
            raise RefusedError(one_line(error)) from error
        if image.get_data_dtype().fields:
            raise RefusedError("voxels are colours")
        yield image, stream


def _find_kind(stream: BinaryIO, kinds: _Kinds) -> type[nibabel.Nifti1Pair]:
    start = _peek(stream)
    for kind in kinds:
        if kind.header_class.may_contain_header(start):
            return kind
    raise ValueError("the file does not begin with a NIfTI header")


def _refuse_analyze(path: Path, header: BinaryIO) -> None:
    """Refuse a header of the format before NIfTI, which does not say where left and right are."""
    start = _peek(header)
    lengths = (int.from_bytes(start[:4], "little"), int.from_bytes(start[:4], "big"))
    if _ANALYZE_BYTES in lengths and start[_MAGIC] not in _MAGICS:
        raise DataError(
            f"{path}: is an Analyze 7.5 image, whose header does not say which side is left. Expected NIfTI: "
            "convert it with the program that wrote it, which knows the side."
        )


def _peek(stream: BinaryIO) -> bytes:
    found: bytes = stream.peek(_HEADER_BYTES)  # type: ignore[attr-defined]
    return found


def _header_of(path: Path, image: nibabel.Nifti1Pair) -> Header:
    """Describe the file; its grid is the sform's if there is one, else the qform's (nibabel's rule)."""
    if len(image.shape) > 4 and any(length > 1 for length in image.shape[4:]):
        raise DataError(f"{path}: has {len(image.shape)} axes. Expected x, y, z and at most one axis of channels.")
    grid = make_stored_grid(path, image.shape, image.affine)
    channels = int(image.shape[3]) if len(image.shape) > 3 else 1
    return Header(grid=grid, channels=channels, qform=_rival_qform(image, grid))


def _rival_qform(image: nibabel.Nifti1Pair, grid: Grid) -> Grid | None:
    try:
        qform, code = image.get_qform(coded=True)
    except _READ_ERRORS:
        return None  # its quaternion is not valid
    return make_grid(grid.shape, qform) if code > 0 and image.header["sform_code"] > 0 else None
