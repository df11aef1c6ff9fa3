"""Image files other than NIfTI, and DICOM series, through SimpleITK.

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

# Headers that store float32 or decimals move no voxel by more than this share of a voxel's size.
_GRID_TOLERANCE = 1e-3

# The gaps between a series' slices may differ by this much: positions are rounded decimals.
_SLICE_TOLERANCE_MM = 0.1

_POSITION_TAG = "0020|0032"


def holds_series(folder: Path) -> bool:
    """Return whether a folder holds a DICOM file, by the four letters that every one has after its preamble."""
    for file in sorted(folder.iterdir()):
        if file.is_file() and not file.name.startswith("."):
            with file.open("rb") as stream:
                if stream.read(132)[128:] == b"DICM":
                    return True
    return False


def read_header(path: Path) -> Header:
    """Read shape, affine and channels: vector components or the fourth axis.

    Raises:
        RefusedError: SimpleITK cannot read the header.
    """
    if path.is_dir():
        return _read_series_header(path)
    reader = _open(path)
    return _header_of(path, reader, reader.GetNumberOfComponents())


def read_voxels(path: Path, dtype: type[np.floating] | None) -> Stored:
    """Read a file's or a series' voxels, as stored or as `dtype`.

    Raises:
        RefusedError: SimpleITK cannot read the header.
        DataError: the voxels end early or are damaged.
    """
    import SimpleITK

    image = _read_series(path) if path.is_dir() else _read_file(path)
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

    if path.suffix.lower() == ".mhd":
        raise DataError(f"{path}: .mhd is two files, which cannot be replaced in one step. Write .mha instead.")
    stored = _fit_type(path, labels).transpose(2, 1, 0)
    picture = path.name.lower().endswith(PICTURE_SUFFIXES)
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
    if path.suffix.lower() in _READERS and path.suffix not in _READERS:
        reader.SetImageIO(_READERS[path.suffix.lower()])
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
    suffix = path.suffix.lower()
    if suffix == ".bmp":
        expected = int.from_bytes(start[2:], "little")
    elif suffix in _HEADER_BYTES and not start.startswith(GZIP_MAGIC):
        bits = int("".join(filter(str.isdigit, _type_name(reader))))
        values = int(np.prod(reader.GetSize())) * reader.GetNumberOfComponents()
        expected = _HEADER_BYTES[suffix] + values * bits // 8
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


def _read_series_header(folder: Path) -> Header:
    """Describe a DICOM series from its first and last slice, as reading all of them would."""
    files = _list_slices(folder)
    first, last = (_open(Path(file)) for file in (files[0], files[-1]))
    header = _header_of(folder, first, first.GetNumberOfComponents())
    if len(files) == 1:
        return header
    step = (np.array(last.GetOrigin()) - np.array(first.GetOrigin())) / (len(files) - 1)
    affine = header.grid.matrix()
    affine[:3, 2] = _LPS_TO_RAS[:3, :3] @ step
    grid = make_stored_grid(folder, (*header.grid.shape[:2], len(files)), affine)
    return Header(grid=grid, channels=header.channels)


def _list_slices(folder: Path) -> Sequence[str]:
    """Return the files of the one DICOM series of a folder, in order of position."""
    import SimpleITK

    series = SimpleITK.ImageSeriesReader.GetGDCMSeriesIDs(str(folder))
    if not series:
        raise DataError(f"{folder}: is a folder without DICOM files. Expected an image file or one DICOM series.")
    if len(series) > 1:
        raise DataError(
            f"{folder}: holds {len(series)} DICOM series ({', '.join(sorted(series))}). "
            "Expected one: put each series into a folder of its own."
        )
    files: Sequence[str] = SimpleITK.ImageSeriesReader.GetGDCMSeriesFileNames(str(folder), series[0])
    return files


def _read_series(folder: Path) -> SimpleITK.Image:
    """Read the one DICOM series of a folder."""
    import SimpleITK

    files = _list_slices(folder)
    reader = SimpleITK.ImageSeriesReader()
    reader.SetFileNames(files)
    reader.MetaDataDictionaryArrayUpdateOn()
    try:
        image: SimpleITK.Image = reader.Execute()
    except RuntimeError as error:
        raise DataError(
            f"{folder}: the DICOM series cannot be read ({_reason(error)}). Copy it again from its source."
        ) from error
    _check_gaps(folder, reader, len(files))
    return image


def _check_gaps(folder: Path, reader: SimpleITK.ImageSeriesReader, slices: int) -> None:
    """Refuse unevenly spaced slices: ITK only warns, and lays them out evenly."""
    if slices < 3 or not reader.HasMetaDataKey(0, _POSITION_TAG):
        return
    positions = np.array([reader.GetMetaData(number, _POSITION_TAG).split("\\") for number in range(slices)], float)
    gaps_mm = np.linalg.norm(np.diff(positions, axis=0), axis=1)
    deviation_mm = float(np.ptp(gaps_mm))
    if deviation_mm > _SLICE_TOLERANCE_MM:
        raise DataError(
            f"{folder}: the slices of the DICOM series are not evenly spaced ({gaps_mm.min():.3g} to "
            f"{gaps_mm.max():.3g} mm). Expected one volume without missing slices: copy the series again or convert "
            "it to NIfTI."
        )


def _header_of(path: Path, source: Any, components: int) -> Header:
    """Describe `source`, an ITK image or the reader of one: they answer the same calls."""
    size = source.GetSize()
    if len(size) > 4 or (len(size) == 4 and components > 1):
        raise DataError(
            f"{path}: has {len(size)} axes and {components} values per voxel. "
            "Expected x, y, z and at most one axis of channels."
        )
    if path.name.lower().endswith(PICTURE_SUFFIXES):
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


def _reason(error: Exception) -> str:
    """Return SimpleITK's message without the source lines it begins with."""
    return " ".join(str(error).split("ERROR:")[-1].split())[-160:] or type(error).__name__
