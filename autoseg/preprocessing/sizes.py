"""Sizes of preprocessed arrays that no memory holds, which a wrong voxel size brings about."""

from __future__ import annotations

import math

from dataset_fingerprints.errors import DataError
from dataset_fingerprints.geometry import Triple, TripleFloat, show_lengths, show_spacing
from dataset_fingerprints.reading.guards.memory import free_bytes
from dataset_fingerprints.sizes import GIB, show_gib

# Resampling holds its result and at least one array of the same size beside it, in single precision.
_COPIES, _VALUE_BYTES = 2, 4


def refuse_beyond_memory(shape: Triple, channels: int, spacing_mm: TripleFloat) -> None:
    """Make sure that a scan fits into memory once it is resampled.

    Args:
        shape: of the scan, resampled.
        channels: of it.
        spacing_mm: of its voxels before.

    Raises:
        DataError: it cannot.
    """
    needed_gb = math.prod(shape) * channels * _VALUE_BYTES * _COPIES / GIB
    free_gb = free_bytes() / GIB
    if needed_gb > free_gb:
        raise DataError(
            f"the scan has voxels of {show_spacing(spacing_mm)} mm, and {show_lengths(shape)} of them at the plan's "
            f"spacing, which need {show_gib(needed_gb)} of memory, and {show_gib(free_gb)} are free. Expected voxels "
            "of a few mm: correct the header, or use a machine with more memory."
        )
