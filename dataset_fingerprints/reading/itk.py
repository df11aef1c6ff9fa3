"""Image files other than NIfTI, through SimpleITK; `dicom` reads DICOM series.

ITK places voxels in LPS millimetres, our affines in RAS: both first world axes change sign. Pictures (.png, .tif,
.bmp) have no place in space: their grid is the identity, so that image columns are x and rows are y, both as stored.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from dataset_fingerprints.errors import DataError
from dataset_fingerprints.files.atomic import replacing
from dataset_fingerprints.geometry import Grid, affine_distance_mm
from dataset_fingerprints.reading.stored import GZIP_MAGIC, Header, RefusedError, Stored, make_stored_grid

if TYPE_CHECKING:
    import SimpleITK

VOLUME_SUFFIXES = (".nrrd", ".mha", ".mhd", ".gipl")
PICTURE_SUFFIXES = (".png", ".tiff", ".tif", ".bmp")

_LPS_TO_RAS = np.diag([-1.0, -1.0, 1.0, 1.0])

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


def write(path: Path, labels: NDArray[np.integer[Any]], grid: Grid) -> None:
    """Write (i, j, k) labels on a grid, atomically, in the format of the path's suffix.

    Raises:
        DataError: the format cannot hold the grid or the labels.
    """
    import SimpleITK

    if path.suffix == ".mhd":
        raise DataError(f"{path}: .mhd is two files, which cannot be replaced in one step. Write .mha instead.")
    stored = _fit_type(path, labels).transpose(2, 1, 0)
    picture = path.name.endswith(PICTURE_SUFFIXES)
    flat = picture and grid.shape[2] == 1
    image = SimpleITK.GetImageFromArray(np.ascontiguousarray(stored[0] if flat else stored))
    if not picture:
        _place(image, grid)
    with replacing(path) as temporary:
        try:
            SimpleITK.WriteImage(image, str(temporary), useCompression=True)
            written = read_header(temporary).grid
        except (RuntimeError, RefusedError) as error:
            raise DataError(f"{path}: cannot be written ({_reason(error)}). Choose .nii.gz or .nrrd.") from error
        _check_written(path, written, grid)


def _open(path: Path) -> SimpleITK.ImageFileReader:
    import SimpleITK

    reader = SimpleITK.ImageFileReader()
    reader.SetFileName(str(path))
    try:
        reader.ReadImageInformation()
    except RuntimeError as error:
        raise RefusedError(_reason(error)) from error
    return reader


def _read_file(path: Path) -> SimpleITK.Image:
    reader = _open(path)
    _refuse_short(path, reader)
    try:
        image: SimpleITK.Image = reader.Execute()
    except RuntimeError as error:
        raise DataError(
            f"{path}: the header is fine but the voxels end early or are damaged ({_reason(error)}). "
            "Copy the file again from its source."
        ) from error
    return image


def _refuse_short(path: Path, reader: SimpleITK.ImageFileReader) -> None:
    """Refuse a truncated file of those formats that ITK reads without complaint, with noise at the end."""
    with path.open("rb") as stream:
        start = stream.read(6)
    if path.suffix == ".bmp":
        expected = int.from_bytes(start[2:], "little")
    elif path.suffix in _HEADER_BYTES and not start.startswith(GZIP_MAGIC):
        bits = int("".join(filter(str.isdigit, _type_name(reader))))
        values = int(np.prod(reader.GetSize())) * reader.GetNumberOfComponents()
        expected = _HEADER_BYTES[path.suffix] + values * bits // 8
    else:
        return
    size = path.stat().st_size
    if size < expected:
        raise DataError(
            f"{path}: is truncated: {size} of {expected} bytes are there. Copy the file again from its source."
        )


def _type_name(reader: SimpleITK.ImageFileReader) -> str:
    import SimpleITK

    return str(SimpleITK.GetPixelIDValueAsString(reader.GetPixelID()))


def _header_of(path: Path, source: Any, components: int) -> Header:
    """Describe `source`, an ITK image or the reader of one: they answer the same calls."""
    size = source.GetSize()
    if len(size) > 4 or (len(size) == 4 and components > 1):
        raise DataError(
            f"{path}: has {len(size)} axes and {components} values per voxel. "
            "Expected x, y, z and at most one axis of channels."
        )
    if path.name.endswith(PICTURE_SUFFIXES):
        affine = np.eye(4)
    else:
        affine = _affine(source.GetSpacing(), source.GetOrigin(), source.GetDirection())
    grid = make_stored_grid(path, size, affine)
    return Header(grid=grid, channels=size[3] if len(size) == 4 else components)


def _affine(spacing_mm: Sequence[float], origin: Sequence[float], direction: Sequence[float]) -> NDArray[np.float64]:
    """Return the RAS affine of an ITK image of two to four axes."""
    axes = len(spacing_mm)
    spatial = min(axes, 3)
    affine = np.eye(4)
    affine[:spatial, :spatial] = np.reshape(direction, (axes, axes))[:spatial, :spatial] * spacing_mm[:spatial]
    affine[:spatial, 3] = origin[:spatial]
    return _LPS_TO_RAS @ affine


def _place(image: SimpleITK.Image, grid: Grid) -> None:
    affine = _LPS_TO_RAS @ grid.matrix()
    image.SetSpacing(grid.spacing_mm())
    image.SetOrigin(affine[:3, 3].tolist())
    image.SetDirection((affine[:3, :3] / np.array(grid.spacing_mm())).ravel().tolist())


def _fit_type(path: Path, labels: NDArray[np.integer[Any]]) -> NDArray[np.integer[Any]]:
    """Keep the labels' type, or take the first one of the format that holds their values."""
    allowed = _LABEL_TYPES.get(path.suffix, (labels.dtype.name,))
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


def _reason(error: Exception) -> str:
    """Return SimpleITK's message without the source lines it begins with."""
    return " ".join(str(error).split("ERROR:")[-1].split())[-160:] or type(error).__name__
