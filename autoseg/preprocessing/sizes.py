"""Memory that preprocessing needs: how many cases fit beside each other, and sizes that no memory holds at all."""

from __future__ import annotations

import math

from autoseg.preprocessing.resampling import target_shape
from dataset_fingerprints.errors import DataError
from dataset_fingerprints.fingerprint import CaseFingerprint
from dataset_fingerprints.geometry import Triple, TripleFloat, show_lengths, show_spacing
from dataset_fingerprints.reading.guards.memory import free_bytes
from dataset_fingerprints.sizes import GIB, show_gib

# Resampling holds its result and at least one array of the same size beside it, in single precision.
_COPIES, _VALUE_BYTES = 2, 4
# What reading and preprocessing a case take at their peak, counted from the arrays that are held together. Per voxel of
# a channel: the scan as it was read, normalised, and once more while channels are stacked; of the result likewise.
_BYTES_PER_CHANNEL_VOXEL = 12
# Per voxel of the scan: body, label map, and what a normalisation is made of; of the result: shares of labels.
_SCAN_BYTES_PER_VOXEL, _ARRAY_BYTES_PER_VOXEL = 20, 28


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


def estimate_preparing(case: CaseFingerprint, spacing_mm: TripleFloat) -> int:
    """Return the bytes of memory that reading and preprocessing a case needs at its peak.

    Args:
        case: its measurements.
        spacing_mm: that it is resampled to.
    """
    scan = math.prod(case.shape)
    array = math.prod(target_shape(case.body_box.shape(), case.spacing_mm, spacing_mm))
    channels = _BYTES_PER_CHANNEL_VOXEL * len(case.channels)
    return scan * (_SCAN_BYTES_PER_VOXEL + channels) + array * (_ARRAY_BYTES_PER_VOXEL + channels)
