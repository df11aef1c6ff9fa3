"""Pictures (.png, .bmp, .tif): palettes and alpha channels by Pillow, everything else by SimpleITK.

An alpha channel says how opaque a pixel is shown, and is no channel of a scan. A palette's colours are how its indices
are shown: in a label map the indices are the labels, unless all colours are grey, as in files made small by other
programs; then these are.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from dataset_fingerprints.errors import DataError
from dataset_fingerprints.names import counted
from dataset_fingerprints.reading import itk
from dataset_fingerprints.reading.guards import refuse_bad_header, refuse_bad_voxels
from dataset_fingerprints.reading.guards.colours import Colours, find_colours
from dataset_fingerprints.reading.guards.memory import refuse_too_large
from dataset_fingerprints.reading.stored import Header, Stored, make_stored_grid, one_line

if TYPE_CHECKING:
    from PIL import Image

# Pillow's pixels, the array's, and these as float32, for a value and its alpha.
_BYTES_PER_PIXEL = 12
_WHITE = 255


def read_header(path: Path) -> Header:
    """Read shape and channels; see `itk.read_header`."""
    refuse_bad_header(path)
    colours = find_colours(path)
    if colours.misread:
        with _open(path) as picture:
            return _header_of(path, picture)
    return _without_alpha(itk.read_header(path), colours)


def read_voxels(path: Path, dtype: type[np.floating] | None) -> Stored:
    """Read a picture's pixels; see `itk.read_voxels`.

    Args:
        path: of the picture.
        dtype: of what is returned; None for a label map, whose values are kept as stored.

    Raises:
        RefusedError: the header cannot be read.
        DataError: the pixels are damaged, or some are less opaque than others.
    """
    refuse_bad_header(path)
    colours = find_colours(path)
    indexed = dtype is None and colours.palette and _has_colours(path)
    if indexed or colours.misread:
        stored = _read_by_pillow(path)
        return stored if dtype is None else replace(stored, voxels=stored.voxels.astype(dtype, copy=False))
    stored = itk.read_voxels(path, dtype)
    header = _without_alpha(stored.header, colours)
    if header.channels < stored.header.channels and not _is_colour_key(path):
        _refuse_transparent(path, stored.voxels[-1])
    return Stored(voxels=stored.voxels[: header.channels], header=header)


def _without_alpha(header: Header, colours: Colours) -> Header:
    return replace(header, channels=header.channels - 1) if colours.alpha and header.channels > 1 else header


def _is_colour_key(path: Path) -> bool:
    """Return whether a PNG names a colour to be shown as transparent, which changes no value."""
    if path.suffix.lower() != ".png":
        return False
    with _open(path) as picture:
        return "transparency" in picture.info


def _has_colours(path: Path) -> bool:
    """Return whether a palette's indices are more than grey levels."""
    with _open(path) as picture:
        if picture.mode != "P":
            return False
        if path.suffix.lower() in (".tif", ".tiff"):
            return True
        palette = np.reshape(picture.getpalette("RGB") or [], (-1, 3))
        return bool((palette != palette[:, :1]).any())


def _read_by_pillow(path: Path) -> Stored:
    with _open(path) as picture:
        header = _header_of(path, picture)
        refuse_too_large(path, int(np.prod(header.grid.shape)) * _BYTES_PER_PIXEL)
        refuse_bad_voxels(path)
        slices = [_read_page(path, picture, page) for page in range(header.grid.shape[2])]
    return Stored(voxels=np.stack(slices, axis=-1)[np.newaxis], header=header)


def _read_page(path: Path, picture: Image.Image, page: int) -> NDArray[Any]:
    """Return the values (column, row) of a page without their alpha."""
    picture.seek(page)
    values = np.asarray(picture)
    if values.ndim == 3:
        _refuse_transparent(path, values[..., -1])
        values = values[..., 0]
    return (values * np.uint8(_WHITE) if values.dtype == bool else values).T


def _header_of(path: Path, picture: Image.Image) -> Header:
    pages = getattr(picture, "n_frames", 1)
    size = (*picture.size, pages) if pages > 1 else picture.size
    return Header(grid=make_stored_grid(path, size, np.eye(4)), channels=1, axes=len(size))


def _refuse_transparent(path: Path, alpha: NDArray[Any]) -> None:
    """Refuse an alpha channel that is not the same everywhere: it may hold what the colours do not."""
    other = int((alpha != alpha.max()).sum())
    if other:
        raise DataError(
            f"{path}: its alpha channel differs from pixel to pixel: {counted(other, 'pixel is', 'pixels are')} less "
            "opaque than others. Expected grey levels or colours alone: save it without transparency."
        )


@contextmanager
def _open(path: Path) -> Iterator[Image.Image]:
    from PIL import Image

    try:
        with Image.open(path) as picture:
            yield picture
    except (OSError, SyntaxError, ValueError, EOFError, Image.DecompressionBombError) as error:
        raise DataError(f"{path}: cannot be read as a picture ({one_line(error)}). Save it again.") from error
