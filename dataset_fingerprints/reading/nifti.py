"""NIfTI files: headers through nibabel, which keeps the affine as stored, sheared ones too; voxels as they come.

The voxels are read here, into memory that is taken as they arrive: a file that declares more than it holds costs no
more than what it holds.
"""

from __future__ import annotations

import logging
import math
import os
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any, BinaryIO

import nibabel
import numpy as np
from isal import igzip
from nibabel.volumeutils import apply_read_scaling
from numpy.typing import NDArray

from dataset_fingerprints.errors import DataError
from dataset_fingerprints.files.atomic import write_bytes
from dataset_fingerprints.geometry import Grid, TripleFloat, make_grid
from dataset_fingerprints.reading.guards.memory import refuse_too_large
from dataset_fingerprints.reading.guards.payloads import is_surplus, refuse_impossible_ratio, say_surplus, say_truncated
from dataset_fingerprints.reading.stored import (
    GZIP_ERRORS,
    Header,
    RefusedError,
    Stored,
    is_packed,
    make_stored_grid,
    one_line,
    open_unpacked,
    read_to_end,
    truncation,
)
from dataset_fingerprints.tolerances import LARGEST_VOXEL_IN_METRES_MM

SUFFIXES = (".nii.gz", ".nii")
# An image in two files: the voxels in one of the first suffix, the header in one of the second.
VOXEL_SUFFIX, HEADER_SUFFIX = ".img", ".hdr"
PAIR_SUFFIXES = (VOXEL_SUFFIX, HEADER_SUFFIX)

# isal's level 2 packs masks to half the size of zlib's level 1, which nibabel uses, in half the time.
_COMPRESSION = 2

_HEADER_BYTES = 540  # of NIfTI-2; NIfTI-1 has 348
_PIECE = 1 << 24
_ERROR_LEVEL = 40  # nibabel's own: problems from here on make a header useless

# By the code of the unit in the header: its name and what 1 of it is in mm. Any other code, like 2, stands for mm.
_UNITS = {1: ("meter", 1000.0), 3: ("micron", 0.001)}
_UNIT_BITS = 7

# What a mask takes over from the header of its scan: where the voxels lie, twice, and in which unit.
_PLACE = (
    *("xyzt_units", "qform_code", "sform_code", "quatern_b", "quatern_c", "quatern_d"),
    *("qoffset_x", "qoffset_y", "qoffset_z", "srow_x", "srow_y", "srow_z"),
)
_HEADERS: dict[int, Any] = {kind.sizeof_hdr: kind for kind in (nibabel.Nifti1Header, nibabel.Nifti2Header)}
_LONGEST_AXIS = 32767  # of NIfTI-1
# An Analyze header is as long as one of NIfTI-1, which ends with one of these.
_ANALYZE_BYTES, _MAGIC, _MAGICS = 348, slice(344, 348), (b"ni1\0", b"n+1\0")

# A damaged or foreign file shows itself through one of these, depending on where the damage lies.
_READ_ERRORS: tuple[type[Exception], ...] = (
    OSError,
    EOFError,
    ValueError,
    KeyError,
    OverflowError,
    *GZIP_ERRORS,
    nibabel.filebasedimages.ImageFileError,
    nibabel.spatialimages.HeaderDataError,
)

# nibabel tells what is odd in a header to people; whatever matters of it is found here.
_silent = logging.getLogger(f"{__name__}.nibabel")
_silent.disabled = True


def read_header(path: Path) -> Header:
    """Read shape, affine and channels: the fourth axis, or the fifth where the fourth has length 1.

    Raises:
        RefusedError: nibabel cannot read the header.
        DataError: the header is read but describes no image of ours.
    """
    with _opened(path) as (raw, _, block):
        return _header_of(path, raw, block)


def read_voxels(path: Path, dtype: type[np.floating] | None) -> Stored:
    """Read the voxels, with the header's scaling applied; without `dtype`, integers without scaling stay as stored.

    Raises:
        RefusedError: nibabel cannot read the header.
        DataError: the voxels end early or are damaged, or do not fit into memory.
    """
    with _opened(path) as (raw, stream, block):
        header = _header_of(path, raw, block)
        scaling = _scaling_of(path, raw)
        try:
            stored = _read_stored(path, raw, stream)
        except EOFError as error:
            raise DataError(f"{path}: {truncation(path)}. Copy the file again from its source.") from error
        except _READ_ERRORS as error:
            raise DataError(
                f"{path}: the header is fine but the voxels end early or are damaged: the file is truncated or was "
                f"changed ({one_line(error)}). Copy the file again from its source."
            ) from error
    # What overflows becomes infinite, which is refused by its voxels.
    with np.errstate(all="ignore"):
        voxels = _scale(stored, scaling, dtype)
    return Stored(voxels=np.moveaxis(voxels.reshape(*header.grid.shape, -1), -1, 0), header=header)


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


def write(path: Path, labels: NDArray[np.integer[Any]], grid: Grid, source: Header | None) -> None:
    """Write (i, j, k) labels on a grid, atomically; the same labels give the same bytes.

    Args:
        path: where to.
        labels: in a type that NIfTI knows.
        grid: of the labels.
        source: the header of the scan that they belong to: they get its number of axes, and of a NIfTI its units,
            codes and both affines.

    Raises:
        DataError: the format is two files.
    """
    if path.suffix.lower() in PAIR_SUFFIXES:
        raise DataError(
            f"{path}: {path.suffix} is one of two files, which cannot be replaced in one step. Write .nii.gz instead."
        )
    content = _build(labels, grid, source).to_bytes()
    packed = path.suffix.lower() == ".gz"
    # The time is left out of the gzip header.
    write_bytes(path, igzip.compress(content, _COMPRESSION, mtime=0) if packed else content)


def _build(labels: NDArray[np.integer[Any]], grid: Grid, source: Header | None) -> nibabel.Nifti1Image:
    place = None if source is None or source.nifti is None else _read_place(source.nifti)
    # SimpleITK reads no NIfTI-2.
    kind: Any = nibabel.Nifti2Image if max(grid.shape) > _LONGEST_AXIS else nibabel.Nifti1Image
    header = kind.header_class()
    header.set_xyzt_units("mm")
    header.set_data_dtype(labels.dtype)
    flat = source is not None and source.axes == 2 and grid.shape[2] == 1
    header.set_sform(grid.matrix(), code=1)
    header.set_qform(grid.matrix(), code=1)
    if place is not None and source is not None:
        _take_over(header, place, straightened=source.grid != grid)
    # Without an affine, nibabel leaves the header's as they are.
    image: nibabel.Nifti1Image = kind(labels[:, :, 0] if flat else labels, None, header)
    return image


def _take_over(header: nibabel.Nifti1Header, place: nibabel.Nifti1Header, *, straightened: bool) -> None:
    """Give a mask's header the place of its scan's: as stored, or only units and codes where the axes were changed."""
    if straightened:
        to_unit = 1 / _unit_of(place)[1]
        forms = (np.diag([to_unit] * 3 + [1.0]) @ header.get_sform(), int(place["sform_code"]))
        header.set_sform(*forms)
        header.set_qform(forms[0], int(place["qform_code"]))
        header["xyzt_units"] = place["xyzt_units"]
        return
    for name in _PLACE:
        header[name] = place[name]
    header["pixdim"][:4] = place["pixdim"][:4]
    header["pixdim"][1:4] = np.abs(header["pixdim"][1:4])


def _read_place(block: bytes) -> nibabel.Nifti1Header:
    place: nibabel.Nifti1Header = _HEADERS[len(block)](block, check=False)
    return place


@contextmanager
def _opened(path: Path) -> Iterator[tuple[nibabel.Nifti1Header, BinaryIO, bytes]]:
    """Open an image, packed or not whatever its name says, and read its header.

    The stream is at the start of the file that holds the voxels.
    """
    paired = path.suffix.lower() in PAIR_SUFFIXES
    with ExitStack() as opened:
        header, *voxels = (
            opened.enter_context(open_unpacked(file)) for file in (find_pair(path) if paired else (path,))
        )
        if paired:
            _refuse_analyze(path, header)
        stream = voxels[0] if voxels else header
        try:
            raw, block = _parse(header)
            _refuse_elsewhere(path, raw, paired=paired)
            raw.check_fix(_silent, _ERROR_LEVEL)
            kind = raw.get_data_dtype()
        except _READ_ERRORS as error:
            raise RefusedError(one_line(error)) from error
        if kind.fields:
            raise RefusedError("voxels are colours")
        if kind.kind == "c":
            raise DataError(
                f"{path}: its voxels are complex numbers. Expected real ones: store the magnitude, for example "
                "numpy.abs of the voxels."
            )
        yield raw, stream, block


def _parse(stream: BinaryIO) -> tuple[nibabel.Nifti1Header, bytes]:
    """Return the header as it is stored, and its bytes."""
    start = _peek(stream)
    for size, kind in _HEADERS.items():
        if kind.may_contain_header(start):
            block = start[:size]
            return kind(block, check=False), block
    raise ValueError("the file does not begin with a NIfTI header")


def _refuse_elsewhere(path: Path, raw: nibabel.Nifti1Header, *, paired: bool) -> None:
    """Refuse a header whose voxels lie in another file, or in the header itself, where libraries disagree."""
    if raw["magic"].item() != (raw.pair_magic if paired else raw.single_magic):
        what = "follow in the same file" if paired else "lie in a file beside it, as of a pair of .hdr and .img"
        raise DataError(f"{path}: its header says that the voxels {what}. Convert the image to one .nii.gz.")
    start, least = float(raw["vox_offset"]), 0 if paired else raw.single_vox_offset
    if not start >= least:
        raise DataError(
            f"{path}: its header says that the voxels begin at byte {start:g}. Expected {least} or more: copy the file "
            "again from its source."
        )


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


def _header_of(path: Path, raw: nibabel.Nifti1Header, block: bytes) -> Header:
    """Describe the file; its grid is the sform's if there is one, else the qform's (nibabel's rule)."""
    shape = tuple(int(length) for length in raw.get_data_shape())
    if len(shape) > 4 and (any(length > 1 for length in shape[5:]) or (shape[3] != 1 and shape[4] != 1)):
        raise DataError(
            f"{path}: has {len(shape)} axes ({' x '.join(map(str, shape))}). Expected x, y, z and at most one axis of "
            "channels: split it into files of one volume each."
        )
    unit, factor = _unit_of(raw)
    grid = make_stored_grid(path, shape, _affine(path, raw, block, factor))
    if unit == "meter" and max(grid.spacing_mm()) >= LARGEST_VOXEL_IN_METRES_MM:
        raise DataError(
            f"{path}: its header gives voxel sizes in metres, up to {max(grid.spacing_mm()) / factor:g} m. Expected "
            "millimetres: correct the unit, for example with nibabel (set_xyzt_units)."
        )
    return Header(
        grid=grid,
        channels=math.prod(shape[3:]),
        qform=_rival_qform(raw, grid, factor),
        axes=2 if len(shape) < 3 else 3,
        unit=unit,
        pixdim_mm=_pixdim_mm(raw, block, factor),
        nifti=block,
    )


def _unit_of(raw: nibabel.Nifti1Header) -> tuple[str, float]:
    """Return the unit of length where it is not mm, and how many mm it is."""
    return _UNITS.get(int(raw["xyzt_units"]) & _UNIT_BITS, ("", 1.0))


def _affine(path: Path, raw: nibabel.Nifti1Header, block: bytes, factor: float) -> NDArray[np.float64]:
    """Return the affine in mm.

    Raises:
        RefusedError: its quaternion is not valid.
        DataError: the voxel sizes that it is made of are not positive; nibabel takes 1 for 0, and the size for its
            negative.
    """
    axes = min(int(raw["dim"][0]), 3)
    sizes = _read_place(block)["pixdim"][1 : axes + 1]
    if int(raw["sform_code"]) == 0 and not (sizes > 0).all():
        raise DataError(
            f"{path}: its header gives voxel sizes of {' x '.join(f'{size:g}' for size in sizes)}. Expected positive "
            "ones: correct the header (pixdim), for example with nibabel."
        )
    with np.errstate(all="ignore"):
        try:
            affine: NDArray[np.float64] = np.array(raw.get_best_affine(), np.float64)
        except _READ_ERRORS as error:
            raise RefusedError(one_line(error)) from error
        affine[:3] *= factor
    return affine


def _pixdim_mm(raw: nibabel.Nifti1Header, block: bytes, factor: float) -> TripleFloat | None:
    """Return the voxel sizes that stand beside an sform; None without one."""
    if int(raw["sform_code"]) == 0 or int(raw["dim"][0]) < 3:
        return None
    x, y, z = (float(size) * factor for size in _read_place(block)["pixdim"][1:4])
    return (x, y, z)


def _rival_qform(raw: nibabel.Nifti1Header, grid: Grid, factor: float) -> Grid | None:
    try:
        with np.errstate(all="ignore"):
            qform, code = raw.get_qform(coded=True)
    except _READ_ERRORS:
        return None  # its quaternion is not valid
    if qform is None or code <= 0 or raw["sform_code"] <= 0 or not np.isfinite(qform).all():
        return None
    return make_grid(grid.shape, np.diag([factor] * 3 + [1.0]) @ qform)


def _scaling_of(path: Path, raw: nibabel.Nifti1Header) -> tuple[float, float]:
    """Return slope and intercept; a slope of 0 or NaN stands for none (the format's rule, and nibabel's)."""
    slope, intercept = float(raw["scl_slope"]), float(raw["scl_inter"])
    if slope == 0 or math.isnan(slope):
        return 1.0, 0.0
    if not math.isfinite(slope) or not math.isfinite(intercept):
        raise DataError(
            f"{path}: its header scales intensities by {slope:g} and adds {intercept:g}. Expected finite numbers: "
            "correct scl_slope and scl_inter."
        )
    return slope, intercept


def _read_stored(path: Path, raw: nibabel.Nifti1Header, stream: BinaryIO) -> NDArray[Any]:
    """Read the values as they are stored, in memory that is taken as they arrive."""
    kind, shape = raw.get_data_dtype(), tuple(int(length) for length in raw.get_data_shape())
    size, start = math.prod(shape) * kind.itemsize, int(raw.get_data_offset())
    length = os.fstat(stream.fileno()).st_size  # packed, if it is
    if is_packed(stream):
        refuse_impossible_ratio(path, length, start + size)
    elif length < start + size:
        raise DataError(say_truncated(path, max(0, length - start), size))
    refuse_too_large(path, math.prod(shape) * (kind.itemsize + np.dtype(np.float32).itemsize))
    content = np.empty(size, np.uint8)
    skipped = _skip(stream, start)
    found = _fill(stream, content.data) if skipped == start else 0
    extra = read_to_end(stream)
    if found < size:
        raise DataError(say_truncated(path, found, size))
    if is_surplus(extra, math.prod(shape[:2]) * kind.itemsize):
        raise DataError(say_surplus(path, extra, size))
    stored: NDArray[Any] = np.ndarray(shape, kind, content.data, order="F")
    return stored


def _skip(stream: BinaryIO, length: int) -> int:
    """Read on by so many bytes; return how many there were."""
    left = length
    while left and (piece := stream.read(min(left, _PIECE))):
        left -= len(piece)
    return length - left


def _fill(stream: BinaryIO, target: memoryview) -> int:
    """Read until the target is full or the stream ends; return how many bytes there were."""
    found = 0
    while found < len(target) and (count := stream.readinto(target[found : found + _PIECE])):  # type: ignore[attr-defined]
        found += count
    return found


def _scale(stored: NDArray[Any], scaling: tuple[float, float], dtype: type[np.floating] | None) -> NDArray[Any]:
    """Apply slope and intercept in double precision, as nibabel does; without `dtype`, 1 and 0 change nothing."""
    slope, intercept = (np.float64(value) for value in scaling)
    scaled: NDArray[Any] = apply_read_scaling(stored, slope, intercept)
    return scaled if dtype is None else scaled.astype(dtype, copy=False)
