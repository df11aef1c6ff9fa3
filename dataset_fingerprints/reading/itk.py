"""Image files other than NIfTI, through SimpleITK; `dicom` reads DICOM series.

ITK places voxels in LPS millimetres, our affines in RAS: both first world axes change sign. Pictures (.png, .tif,
.bmp) have no place in space: their grid is the identity, so that image columns are x and rows are y, both as stored.
"""

from __future__ import annotations

import errno
import math
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from dataset_fingerprints.errors import DataError
from dataset_fingerprints.files.atomic import replacing
from dataset_fingerprints.geometry import Grid, affine_distance_mm
from dataset_fingerprints.names import counted
from dataset_fingerprints.reading.guards import gives_voxel_size, refuse_bad_header, refuse_bad_voxels
from dataset_fingerprints.reading.guards.memory import refuse_too_large
from dataset_fingerprints.reading.guards.payloads import Payload, refuse_damage, refuse_wrong_length
from dataset_fingerprints.reading.kept_locale import keeping_locale
from dataset_fingerprints.reading.stored import (
    GZIP_MAGIC,
    LPS_TO_RAS,
    Header,
    RefusedError,
    Stored,
    itk_reason,
    make_stored_grid,
)

if TYPE_CHECKING:
    import SimpleITK

VOLUME_SUFFIXES = (".nrrd", ".mha", ".mhd", ".gipl")
PICTURE_SUFFIXES = (".png", ".tiff", ".tif", ".bmp")
# Of formats that hold floating-point numbers and a place in space.
MAP_SUFFIXES = (".nrrd", ".mha")

_UNSIZED = "the header gives no voxel size, and 1 x 1 x 1 mm were taken"

# What reads a format; ITK finds it by itself only where the suffix is in lower case.
_READERS = {
    ".nrrd": "NrrdImageIO",
    ".mha": "MetaImageIO",
    ".mhd": "MetaImageIO",
    ".gipl": "GiplImageIO",
    ".png": "PNGImageIO",
    ".tiff": "TIFFImageIO",
    ".tif": "TIFFImageIO",
    ".bmp": "BMPImageIO",
}

# The integers that a format can hold, where it cannot hold all, in order of preference.
_LABEL_TYPES = {
    ".gipl": ("uint8", "int8", "uint16", "int16"),
    ".png": ("uint8", "uint16"),
    ".tiff": ("uint8", "int8", "uint16", "int16", "uint32", "int32"),
    ".tif": ("uint8", "int8", "uint16", "int16", "uint32", "int32"),
    ".bmp": ("uint8",),
}

# What comes before the voxels, in bytes; .gz is a NIfTI that was never compressed.
_HEADER_BYTES = {".gipl": 256, ".nii": 352, ".gz": 352}

_OF_THE_DISK = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EROFS, errno.EIO)

# Headers that store float32 or decimals move no voxel by more than this share of a voxel's size.
_GRID_TOLERANCE = 1e-3


def read_header(path: Path) -> Header:
    """Read shape, affine and channels: vector components or the fourth axis.

    Raises:
        RefusedError: SimpleITK cannot read the header.
    """
    reader = _open(path)
    return _header_of(path, reader, reader.GetNumberOfComponents())


def read_voxels(path: Path, dtype: type[np.floating] | None) -> Stored:
    """Read a file's voxels, as stored or as `dtype`.

    Raises:
        RefusedError: SimpleITK cannot read the header.
        DataError: the voxels end early or are damaged.
    """
    import SimpleITK

    image = _read_file(path)
    header = _header_of(path, image, image.GetNumberOfComponentsPerPixel())
    array = SimpleITK.GetArrayFromImage(image)
    components = image.GetNumberOfComponentsPerPixel() > 1
    channel_first = np.moveaxis(array, -1, 0) if components else array
    voxels = channel_first.reshape(header.channels, *reversed(header.grid.shape)).transpose(0, 3, 2, 1)
    return Stored(voxels=voxels if dtype is None else voxels.astype(dtype, copy=False), header=header)


def read_fields(path: Path) -> dict[str, str]:
    """Read the named texts in a file's header, such as those that 3D Slicer describes segments by.

    Raises:
        RefusedError: SimpleITK cannot read the header.
    """
    reader = _open(path)
    return {key: str(reader.GetMetaData(key)) for key in reader.GetMetaDataKeys()}


def write(
    path: Path,
    labels: NDArray[Any],
    grid: Grid,
    source: Header | None,
    fields: Mapping[str, str] | None = None,
) -> None:
    """Write (i, j, k) labels on a grid, atomically, in the format of the path's suffix.

    Args:
        path: where to.
        labels: in any type; the format's smallest that holds them is taken. For `MAP_SUFFIXES` also numbers of other
            kinds.
        grid: of the labels.
        source: the header of the scan that they belong to, whose number of axes they get.
        fields: named texts for the header, of a format that has such.

    Raises:
        DataError: the format cannot hold the grid or the labels.
        OSError: the disk is full, or fails.
    """
    import SimpleITK

    if path.suffix.lower() == ".mhd":
        raise DataError(f"{path}: .mhd is two files, which cannot be replaced in one step. Write .mha instead.")
    stored = _fit_type(path, labels).transpose(2, 1, 0)
    picture = path.name.lower().endswith(PICTURE_SUFFIXES)
    flat = grid.shape[2] == 1 and (picture or (source is not None and source.axes == 2 and _lies_flat(grid)))
    image = SimpleITK.GetImageFromArray(np.ascontiguousarray(stored[0] if flat else stored))
    if not picture:
        _place(image, grid, 2 if flat else 3)
    for name, text in (fields or {}).items():
        image.SetMetaData(name, text)
    with replacing(path) as temporary:
        try:
            with keeping_locale():
                SimpleITK.WriteImage(image, str(temporary), useCompression=True)
            written = read_header(temporary).grid
        except (RuntimeError, RefusedError) as error:
            _refuse_disk(path, error)
            raise DataError(f"{path}: cannot be written ({itk_reason(error)}). Choose .nii.gz or .nrrd.") from error
        _check_written(path, written, grid)


def _refuse_disk(path: Path, error: Exception) -> None:
    """Raise an error of the disk as such: ITK gives its reason in words only."""
    reason = itk_reason(error)
    for number in _OF_THE_DISK:
        if reason.endswith(os.strerror(number)):
            raise OSError(number, os.strerror(number), str(path)) from error


def _open(path: Path) -> SimpleITK.ImageFileReader:
    import SimpleITK

    refuse_bad_header(path)
    reader = SimpleITK.ImageFileReader()
    reader.SetFileName(str(path))
    if path.suffix.lower() in _READERS and path.suffix not in _READERS:
        reader.SetImageIO(_READERS[path.suffix.lower()])
    try:
        with keeping_locale():
            reader.ReadImageInformation()
    except RuntimeError as error:
        raise RefusedError(itk_reason(error)) from error
    return reader


def _read_file(path: Path) -> SimpleITK.Image:
    reader = _open(path)
    # Components and number type are known, and what is refused by them is refused before any memory is taken.
    _header_of(path, reader, reader.GetNumberOfComponents())
    _check_size(path, reader)
    refuse_bad_voxels(path)
    try:
        with keeping_locale():
            image: SimpleITK.Image = reader.Execute()
    except RuntimeError as error:
        raise DataError(
            f"{path}: the header is fine but the voxels end early or are damaged ({itk_reason(error)}). "
            "Copy the file again from its source."
        ) from error
    return image


def _check_size(path: Path, reader: SimpleITK.ImageFileReader) -> None:
    """Compare the size that the header declares with the memory, and with the file where no guard does it."""
    size = reader.GetSize()
    values = math.prod(size) * reader.GetNumberOfComponents()
    value_bytes = int("".join(filter(str.isdigit, _type_name(reader)))) // 8
    # ITK's voxels, the array's, and these as float32.
    refuse_too_large(path, values * (2 * value_bytes + np.dtype(np.float32).itemsize))
    suffix = path.suffix.lower()
    if suffix not in _HEADER_BYTES:
        return
    with path.open("rb") as stream:
        packed = stream.read(len(GZIP_MAGIC)) == GZIP_MAGIC
    start = _HEADER_BYTES[suffix]
    payload = Payload(
        path=path,
        start=0 if packed else start,
        length=path.stat().st_size - (0 if packed else start),
        size=values * value_bytes + (start if packed else 0),
        slice_size=values * value_bytes // size[-1],
        packing="deflate" if packed else "none",
    )
    refuse_wrong_length(payload)
    refuse_damage(payload)


def _type_name(source: Any) -> str:
    import SimpleITK

    return str(SimpleITK.GetPixelIDValueAsString(source.GetPixelID()))


def _header_of(path: Path, source: Any, components: int) -> Header:
    """Describe `source`, an ITK image or the reader of one: they answer the same calls."""
    size = source.GetSize()
    if len(size) > 4 or (len(size) == 4 and components > 1):
        raise DataError(
            f"{path}: has {len(size)} axes and {counted(components, 'value')} per voxel. "
            "Expected x, y, z and at most one axis of channels."
        )
    if "complex" in _type_name(source):
        raise DataError(
            f"{path}: its voxels are complex numbers. Expected real ones: store the magnitude, for example by "
            "SimpleITK.ComplexToModulus."
        )
    if path.name.lower().endswith(PICTURE_SUFFIXES):
        affine = np.eye(4)
    else:
        _refuse_negative(path, source.GetSpacing())
        affine = _affine(source.GetSpacing(), source.GetOrigin(), source.GetDirection())
    grid = make_stored_grid(path, size, affine)
    return Header(
        grid=grid,
        channels=size[3] if len(size) == 4 else components,
        axes=min(len(size), 3),
        assumptions=() if gives_voxel_size(path) else (_UNSIZED,),
    )


def _refuse_negative(path: Path, spacing_mm: Sequence[float]) -> None:
    """Refuse voxel sizes that an affine would turn into mirrored axes."""
    if not all(length > 0 for length in spacing_mm):
        raise DataError(
            f"{path}: its header gives voxel sizes of {' x '.join(f'{length:g}' for length in spacing_mm)} mm. "
            "Expected positive ones: correct the header."
        )


def _affine(spacing_mm: Sequence[float], origin: Sequence[float], direction: Sequence[float]) -> NDArray[np.float64]:
    """Return the RAS affine of an ITK image of two to four axes."""
    axes = len(spacing_mm)
    spatial = min(axes, 3)
    affine = np.eye(4)
    # What is not finite is refused with the grid.
    with np.errstate(all="ignore"):
        affine[:spatial, :spatial] = np.reshape(direction, (axes, axes))[:spatial, :spatial] * spacing_mm[:spatial]
        affine[:spatial, 3] = origin[:spatial]
        return LPS_TO_RAS @ affine


def _place(image: SimpleITK.Image, grid: Grid, axes: int) -> None:
    affine = LPS_TO_RAS @ grid.matrix()
    directions = affine[:3, :3] / np.array(grid.spacing_mm())
    image.SetSpacing(grid.spacing_mm()[:axes])
    image.SetOrigin(affine[:axes, 3].tolist())
    image.SetDirection(directions[:axes, :axes].ravel().tolist())


def _lies_flat(grid: Grid) -> bool:
    """Return whether an image of two axes can hold a grid's place in space, as ITK gives it a third axis."""
    third = np.eye(4)[2]
    return np.array_equal(grid.matrix()[2], third) and np.array_equal(grid.matrix()[:, 2], third)


def _fit_type(path: Path, labels: NDArray[Any]) -> NDArray[Any]:
    """Keep the labels' type, or take the first one of the format that holds their values."""
    allowed = _LABEL_TYPES.get(path.suffix.lower(), (labels.dtype.name,))
    if labels.dtype.name in allowed:
        return labels
    low, high = int(labels.min(initial=0)), int(labels.max(initial=0))
    for name in allowed:
        limits = np.iinfo(name)
        if limits.min <= low and high <= limits.max:
            return labels.astype(name)
    raise DataError(f"{path}: {path.suffix} cannot hold the labels {low} to {high}. Choose .nii.gz or .nrrd.")


def _check_written(path: Path, written: Grid, wanted: Grid) -> None:
    """Refuse what the format lost: .gipl holds no directions, a picture holds no place in space at all."""
    tolerance_mm = _GRID_TOLERANCE * min(wanted.spacing_mm())
    if written.shape != wanted.shape or affine_distance_mm(wanted, written) > tolerance_mm:
        raise DataError(
            f"{path}: {path.suffix} cannot hold this grid (its shape, position or directions). Choose .nii.gz or .nrrd."
        )
