"""Headers of NIfTI files through nibabel, which keeps the affine as stored, sheared ones too; of one file or a pair."""

from __future__ import annotations

import logging
import math
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any, BinaryIO

import nibabel
import numpy as np
from numpy.typing import NDArray

from dataset_fingerprints.errors import DataError
from dataset_fingerprints.geometry import Grid, TripleFloat, make_grid
from dataset_fingerprints.header_advice import VOXEL_SIZE_ADVICE
from dataset_fingerprints.reading.stored import (
    GZIP_ERRORS,
    Header,
    RefusedError,
    make_stored_grid,
    one_line,
    open_unpacked,
)
from dataset_fingerprints.tolerances import LARGEST_VOXEL_IN_METRES_MM

SUFFIXES = (".nii.gz", ".nii")
# An image in two files: the voxels in one of the first suffix, the header in one of the second.
VOXEL_SUFFIX, HEADER_SUFFIX = ".img", ".hdr"
PAIR_SUFFIXES = (VOXEL_SUFFIX, HEADER_SUFFIX)

_HEADER_BYTES = 540  # of NIfTI-2; NIfTI-1 has 348
_ERROR_LEVEL = 40  # nibabel's own: problems from here on make a header useless


# By the code of the unit in the header: its name and what 1 of it is in mm. Any other code, like 2, stands for mm.
_UNITS = {1: ("meter", 1000.0), 3: ("micron", 0.001)}
_UNIT_BITS = 7

_HEADERS: dict[int, Any] = {kind.sizeof_hdr: kind for kind in (nibabel.Nifti1Header, nibabel.Nifti2Header)}
_NOWHERE = (
    "neither qform nor sform say where the voxels lie, and so which side is left: only their sizes are known, and the "
    "order along the first axis is a guess (nibabel's rule)"
)
# An Analyze header is as long as one of NIfTI-1, which ends with one of these.
_ANALYZE_BYTES, _MAGIC, _MAGICS = 348, slice(344, 348), (b"ni1\0", b"n+1\0")


# A damaged or foreign file shows itself through one of these, depending on where the damage lies.
READ_ERRORS: tuple[type[Exception], ...] = (
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


@contextmanager
def opened(path: Path) -> Iterator[tuple[nibabel.Nifti1Header, BinaryIO, bytes]]:
    """Open an image, packed or not whatever its name says, and read its header.

    The stream is at the start of the file that holds the voxels.
    """
    paired = path.suffix.lower() in PAIR_SUFFIXES
    with ExitStack() as opened:
        header, *voxels = (
            opened.enter_context(open_unpacked(file)) for file in (find_pair(path) if paired else (path,))
        )
        stream = voxels[0] if voxels else header
        try:
            _refuse_analyze(path, header)
            raw, block = _parse(header)
            _refuse_elsewhere(path, raw, paired=paired)
            raw.check_fix(_silent, _ERROR_LEVEL)
            kind = raw.get_data_dtype()
        except READ_ERRORS as error:
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
    if not start:
        raise ValueError("the file is empty, as after a copy or a download that failed")
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


def describe_header(path: Path, raw: nibabel.Nifti1Header, block: bytes) -> Header:
    """Describe the file; its grid is the sform's if there is one, else the qform's (nibabel's rule)."""
    shape = tuple(int(length) for length in raw.get_data_shape())
    if len(shape) > 4 and (any(length > 1 for length in shape[5:]) or (shape[3] != 1 and shape[4] != 1)):
        raise DataError(
            f"{path}: has {len(shape)} axes ({' x '.join(map(str, shape))}). Expected x, y, z and at most one axis of "
            "channels: split it into files of one volume each."
        )
    unit, factor = unit_of(raw)
    grid = make_stored_grid(path, shape, _affine(path, raw, block, factor))
    if unit == "meter" and max(grid.spacing_mm()) >= LARGEST_VOXEL_IN_METRES_MM:
        raise DataError(
            f"{path}: its header gives voxel sizes in metres, up to {max(grid.spacing_mm()) / factor:g} m. Expected "
            f"millimetres: the unit is wrong, the numbers may be right. {VOXEL_SIZE_ADVICE}."
        )
    return Header(
        grid=grid,
        channels=math.prod(shape[3:]),
        qform=_rival_qform(raw, grid, factor),
        axes=2 if len(shape) < 3 else 3,
        unit=unit,
        pixdim_mm=_pixdim_mm(raw, block, factor),
        nifti=block,
        assumptions=() if int(raw["sform_code"]) > 0 or int(raw["qform_code"]) > 0 else (_NOWHERE,),
    )


def unit_of(raw: nibabel.Nifti1Header) -> tuple[str, float]:
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
    sizes = read_place(block)["pixdim"][1 : axes + 1]
    if int(raw["sform_code"]) == 0 and not (sizes > 0).all():
        raise DataError(
            f"{path}: its header gives voxel sizes of {' x '.join(f'{size:g}' for size in sizes)}. Expected positive "
            f"ones (pixdim). {VOXEL_SIZE_ADVICE}."
        )
    with np.errstate(all="ignore"):
        try:
            affine: NDArray[np.float64] = np.array(raw.get_best_affine(), np.float64)
        except READ_ERRORS as error:
            raise RefusedError(one_line(error)) from error
        affine[:3] *= factor
    return affine


def _pixdim_mm(raw: nibabel.Nifti1Header, block: bytes, factor: float) -> TripleFloat | None:
    """Return the voxel sizes that stand beside an sform; None without one."""
    if int(raw["sform_code"]) == 0 or int(raw["dim"][0]) < 3:
        return None
    x, y, z = (float(size) * factor for size in read_place(block)["pixdim"][1:4])
    return (x, y, z)


def _rival_qform(raw: nibabel.Nifti1Header, grid: Grid, factor: float) -> Grid | None:
    try:
        with np.errstate(all="ignore"):
            qform, code = raw.get_qform(coded=True)
    except READ_ERRORS:
        return None  # its quaternion is not valid
    if qform is None or code <= 0 or raw["sform_code"] <= 0 or not np.isfinite(qform).all():
        return None
    return make_grid(grid.shape, np.diag([factor] * 3 + [1.0]) @ qform)


def read_place(block: bytes) -> nibabel.Nifti1Header:
    """Return a header as it is stored, from its bytes."""
    place: nibabel.Nifti1Header = _HEADERS[len(block)](block, check=False)
    return place
