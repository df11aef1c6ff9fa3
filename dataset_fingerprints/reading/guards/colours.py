"""Kinds of pixels of a picture, by its header: SimpleITK turns palettes into colours and reads some kinds wrongly."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from dataset_fingerprints.errors import DataError
from dataset_fingerprints.reading.guards.pictures import read_bmp_bits, read_png_colours
from dataset_fingerprints.reading.guards.tiff import read_tiff_colours
from dataset_fingerprints.reading.stored import cannot_open

# Of a PNG's header.
_PNG_GREY, _PNG_PALETTE, _PNG_WITH_ALPHA = 0, 3, (4, 6)
# Of a TIFF's tags: what a pixel's numbers mean, and that the last of them is alpha.
_TIFF_PALETTE, _TIFF_ALPHA = 3, (1, 2)
_LARGEST_PALETTE_BITS = 8
_BMP_ALPHA_BITS = 32


@dataclass(frozen=True, kw_only=True, slots=True)
class Colours:
    """Meaning of a picture's pixels.

    Attributes:
        palette: pixels are indices into a list of colours.
        alpha: a pixel's last value is how opaque it is, as SimpleITK gives it.
        misread: SimpleITK cannot read it, or reads other values than it holds; it has one channel.
    """

    palette: bool = False
    alpha: bool = False
    misread: bool = False


def find_colours(path: Path) -> Colours:
    """Return what the pixels of a picture mean.

    Raises:
        RefusedError: the header cannot be read.
        DataError: the header is damaged, or holds what cannot be read.
    """
    find = {".png": _of_png, ".bmp": _of_bmp, ".tif": _of_tiff, ".tiff": _of_tiff}[path.suffix.lower()]
    try:
        return find(path)
    except OSError as error:
        raise cannot_open(path, error) from error


def _of_png(path: Path) -> Colours:
    kind, bits, transparent = read_png_colours(path)
    grey_alpha = kind == _PNG_WITH_ALPHA[0]
    if grey_alpha and bits > _LARGEST_PALETTE_BITS:
        raise DataError(_say_grey_alpha(path, bits))
    misread = grey_alpha or (kind == _PNG_GREY and transparent)
    return Colours(palette=kind == _PNG_PALETTE, alpha=transparent or kind in _PNG_WITH_ALPHA, misread=misread)


def _of_bmp(path: Path) -> Colours:
    bits = read_bmp_bits(path)
    return Colours(palette=bits <= _LARGEST_PALETTE_BITS, alpha=bits == _BMP_ALPHA_BITS)


def _of_tiff(path: Path) -> Colours:
    kind, bits, extra = read_tiff_colours(path)
    if len(bits) == 2 and bits != (8, 8):
        raise DataError(_say_grey_alpha(path, bits[0]))
    palette = kind == _TIFF_PALETTE and len(bits) == 1
    return Colours(palette=palette, alpha=extra in _TIFF_ALPHA, misread=len(bits) == 2 or bits == (1,))


def _say_grey_alpha(path: Path, bits: int) -> str:
    return (
        f"{path}: holds grey levels of {bits} bits with a second value per pixel (alpha), which cannot be read. Save "
        "it without alpha, or every channel in a file of its own."
    )
