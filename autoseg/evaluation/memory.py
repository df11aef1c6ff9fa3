"""Memory that scoring a case needs: no more cases are scored at once than fit into it."""

from __future__ import annotations

import math

from autoseg.evaluation.pairing import FilePair
from dataset_fingerprints.geometry import Triple
from dataset_fingerprints.measuring.memory_gate import MemoryGate
from dataset_fingerprints.reading.guards.memory import free_bytes
from dataset_fingerprints.reading.images import read_grid

# Of the memory that is free when scoring begins; the rest is for other programs.
FREE_SHARE = 0.75
# What scoring one case holds at its peak, per voxel, counted from the arrays that are held together. Files of double
# precision are the worst: both of them, both maps of labels (32 together), the two masks, what they share, their
# surfaces and what these are made of (9), and a number per voxel for the lesions of either mask (8) are 49. Rounding
# the second file takes as much: both files, the labels of the first and three arrays for the second (48). The rest is
# for places on surfaces. Files of small integers, as masks mostly are, need at most a third.
BYTES_PER_VOXEL = 64
# More where probabilities are known: the map, a copy in the order of the reference, which is copied too (9), and the
# counts at every threshold (16) with what they are made of (up to 55, where no two voxels have the same value).
BYTES_PER_MAP_VOXEL = 80


def open_gate() -> MemoryGate:
    """Return a gate that lets in the cases that fit into the free memory together."""
    return MemoryGate(limit_bytes=FREE_SHARE * free_bytes())


def estimate_scoring(pair: FilePair, *, with_map: bool) -> int:
    """Return the bytes that scoring a case needs, by the headers of its files; 0 where one cannot be read.

    Args:
        pair: the files.
        with_map: whether the probabilities of a label are read, too.
    """
    try:
        shapes = [read_grid(path).shape for path in (pair.prediction, pair.reference)]
    except Exception:
        return 0  # whatever it is: it is reported when the case is scored
    return max(count_bytes(shape, with_map=with_map) for shape in shapes)


def count_bytes(shape: Triple, *, with_map: bool) -> int:
    """Return the bytes that scoring masks of this shape needs."""
    return math.prod(shape) * (BYTES_PER_VOXEL + BYTES_PER_MAP_VOXEL * with_map)
