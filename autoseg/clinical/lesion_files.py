"""Lesions out of files of label maps."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from autoseg.evaluation.files import round_labels, warn_of_skew
from dataset_fingerprints.geometry import Grid
from dataset_fingerprints.reading.images import read_label_map
from dataset_fingerprints.reading.stored import Header


@dataclass(frozen=True, kw_only=True, slots=True)
class Lesion:
    """All lesions of a case as one mask.

    Attributes:
        mask: (x, y, z) in canonical RAS+ axes.
        source_grid: of the file.
    """

    mask: NDArray[np.bool_]
    grid: Grid
    source_grid: Grid
    header: Header

    def volume_ml(self) -> float:
        """Return the volume of the lesions."""
        return float(np.count_nonzero(self.mask)) * float(np.prod(self.grid.spacing_mm())) / 1000.0


def read_lesion(path: Path, values: Sequence[int] = ()) -> Lesion:
    """Read the lesions of a label map.

    Args:
        path: of the file; 0.9999 and 254.99999 are taken for the whole numbers that they miss by rounding.
        values: that mean lesion; empty for all but 0.

    Raises:
        DataError: the file cannot be read, or holds values that are not whole numbers.
    """
    image = read_label_map(path)
    warn_of_skew(path, image.grid())
    labels = round_labels(path, image.voxels[0])
    mask = np.isin(labels, values) if values else labels != 0
    return Lesion(mask=mask, grid=image.grid(), source_grid=image.source_grid, header=image.header)
