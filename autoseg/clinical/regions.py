"""Regions of interest out of a user's own files, such as the corticospinal tract, on the grid of a lesion."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from threading import Lock

import numpy as np
from numpy.typing import NDArray

from dataset_fingerprints.errors import DataError
from dataset_fingerprints.geometry import Grid
from dataset_fingerprints.names import counted
from dataset_fingerprints.reading.alignment import resample_onto, same_place
from dataset_fingerprints.reading.file_names import stem_of
from dataset_fingerprints.reading.images import read_image

# Interpolated and stored in 8 bits, a weight of 1 may become a little more.
_ROUNDING = 1e-3


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Region:
    """A region of interest.

    Attributes:
        name: of it in tables.
        weights: (x, y, z) from 0 to 1 in canonical RAS+ axes; of a plain mask 0 and 1.
    """

    name: str
    path: Path
    weights: NDArray[np.float32]
    grid: Grid
    _placed: list[tuple[Grid, NDArray[np.float32]]] = field(default_factory=list, init=False, repr=False)
    _lock: Lock = field(default_factory=Lock, init=False, repr=False)

    def volume_ml(self) -> float:
        """Return its volume; of a probabilistic region the sum of its weights."""
        return float(self.weights.sum(dtype=np.float64)) * float(np.prod(self.grid.spacing_mm())) / 1000.0

    def on_grid(self, grid: Grid) -> NDArray[np.float32]:
        """Return the weights on another canonical grid, interpolated linearly as PALS does; 0 where it does not reach.

        The same voxels in space are taken as they are. The last result is kept: masks in template space share a grid.
        """
        if same_place(self.grid, grid):
            return self.weights
        with self._lock:
            if not (self._placed and same_place(self._placed[0][0], grid)):
                self._placed[:] = [(grid, resample_onto(self.weights[None], self.grid, grid, outside=0.0)[0])]
            return self._placed[0][1]


def read_regions(texts: Sequence[str], maximum: float | None = None) -> tuple[Region, ...]:
    """Read regions that are named by files, or as `NAME=FILE`.

    Args:
        texts: one for each region.
        maximum: the value in the files that means certainty, such as 100 for an atlas in percent; None for 1, or, of
            plain masks, for the only value that they hold.

    Raises:
        DataError: none is named, a file cannot be read or is no region, or two regions have one name.
    """
    if not texts:
        raise DataError("no region is named. Give at least one with --roi.")
    named = [_split(text) for text in texts]
    names = [name for name, _ in named]
    twice = next((name for name in names if names.count(name) > 1), None)
    if twice is not None:
        raise DataError(f"--roi: two regions are called {twice}. Name them: --roi left={dict(named)[twice]}.")
    return tuple(_read(name, path, maximum) for name, path in named)


def _split(text: str) -> tuple[str, Path]:
    """Return a region's name and its file; a name has no separator of folders in it."""
    name, equals, path = text.partition("=")
    if equals and name.strip() and path.strip() and "/" not in name and "\\" not in name and not Path(text).exists():
        return name.strip(), Path(path.strip())
    return stem_of(Path(text)), Path(text)


def _read(name: str, path: Path, maximum: float | None) -> Region:
    if not path.is_file():
        found = "is a folder" if path.is_dir() else "does not exist"
        raise DataError(
            f"{path}: {found}. Expected a region of interest as an image file, such as a NIfTI of the corticospinal "
            "tract in the space of the masks."
        )
    image = read_image([path])
    if image.voxels.shape[0] != 1:
        raise DataError(
            f"{path}: holds {image.voxels.shape[0]} volumes. Expected one region per file: split it, for example with "
            "nilearn.image.index_img."
        )
    # Programs write NaN where a map says nothing.
    weights = np.nan_to_num(image.voxels[0], nan=0.0)
    return Region(name=name, path=path, weights=_scale(path, weights, maximum), grid=image.grid())


def _scale(path: Path, values: NDArray[np.float32], maximum: float | None) -> NDArray[np.float32]:
    low, high = float(values.min()), float(values.max())
    if high <= 0 or low < 0:
        what = "no value above 0" if high <= 0 else f"values down to {low:g}"
        raise DataError(f"{path}: holds {what}. Expected a region: a mask, or probabilities from 0 to 1.")
    top = maximum or (1.0 if high <= 1 + _ROUNDING else _only_value(path, values))
    if high > top * (1 + _ROUNDING):
        raise DataError(f"{path}: holds values up to {high:g}, more than --roi-maximum {top:g}.")
    return np.asarray(np.clip(values / top, 0, 1), dtype=np.float32)


def _only_value(path: Path, values: NDArray[np.float32]) -> float:
    """Return the value of a mask that is not stored as 1, such as 255."""
    found = np.unique(values[values > 0])
    if len(found) == 1:
        return float(found[0])
    raise DataError(
        f"{path}: holds {counted(len(found), 'value')} above 0, up to {found[-1]:g}. Expected a mask, or probabilities "
        "from 0 to 1. Of an atlas in percent give --roi-maximum 100; of an atlas with a number per region store the "
        "wanted region as a file of its own."
    )
