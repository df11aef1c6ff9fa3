"""From logits on the preprocessed array to a label map on the scan's own grid, slab by slab."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from autoseg.preprocessing import Record, paste, resampling_matrix
from dataset_fingerprints.dataset import Heads
from dataset_fingerprints.geometry import Box
from dataset_fingerprints.reading.body import bounding_box

# Voxels of the scan's grid that are restored at once; keeps the class maps of a large scan off the memory.
SLAB_VOXELS = 4_000_000


@dataclass(frozen=True, kw_only=True, slots=True)
class Probabilities:
    """Probabilities of the labels or regions in 1/255 inside the box where any is at least 1/255.

    Attributes:
        box: in the scan's canonical grid.
        values: (label or region, x, y, z) uint8.
    """

    box: Box
    values: NDArray[np.uint8]


def mark(logits: torch.Tensor, heads: Heads) -> torch.Tensor:
    """Return the label indices (x, y, z), uint8, that logits (output, x, y, z) stand for.

    Of competing outputs the largest marks; of regions every one with a probability above one half, later ones over
    earlier ones.
    """
    if heads.exclusive:
        return logits.argmax(0).to(torch.uint8)
    indices = torch.zeros(logits.shape[1:], dtype=torch.uint8, device=logits.device)
    for output, index in zip(logits, heads.written, strict=True):
        indices[output > 0] = index
    return indices


def restore_logits(logits: torch.Tensor, record: Record, heads: Heads) -> NDArray[np.uint8]:
    """Return (x, y, z) label indices on the scan's whole canonical grid; background outside the crop.

    Args:
        logits: (output, x, y, z) on the preprocessed array.
        record: of the scan's preprocessing.
        heads: what the outputs stand for.
    """
    slabs = [mark(slab, heads).cpu().numpy() for slab in _resampled_slabs(logits, record)]
    return paste(np.concatenate(slabs), record)


def restore_probabilities(
    logits: torch.Tensor, record: Record, heads: Heads
) -> tuple[NDArray[np.uint8], Probabilities]:
    """Return label indices as `restore_logits` does, and the probabilities they come from."""
    labels, shares = [], []
    for slab in _resampled_slabs(logits, record):
        labels.append(mark(slab, heads).cpu().numpy())
        probability = slab.softmax(0)[1:] if heads.exclusive else slab.sigmoid()
        shares.append((probability * 255).round().to(torch.uint8).cpu().numpy())
    values = np.concatenate(shares, axis=1)
    inner = bounding_box(np.asarray(values.any(axis=0)))
    start = tuple(first + offset for first, offset in zip(record.box.start, inner.start, strict=True))
    stop = tuple(first + offset for first, offset in zip(record.box.start, inner.stop, strict=True))
    box = Box(start=(start[0], start[1], start[2]), stop=(stop[0], stop[1], stop[2]))
    inside = np.ascontiguousarray(values[(slice(None), *inner.slices())])
    return paste(np.concatenate(labels), record), Probabilities(box=box, values=inside)


def _resampled_slabs(logits: torch.Tensor, record: Record) -> Iterator[torch.Tensor]:
    """Yield (output, slab, y, z) logits on the crop's own grid, linearly resampled, along the first axis."""
    shape = record.box.shape()
    matrices = [
        torch.from_numpy(resampling_matrix(length, target, "linear").toarray()).to(logits.device)
        for length, target in zip(logits.shape[1:], shape, strict=True)
    ]
    thickness = max(1, SLAB_VOXELS // (shape[1] * shape[2] * logits.shape[0]))
    for first in range(0, shape[0], thickness):
        slab = logits[:, first : first + thickness]
        if logits.shape[1] != shape[0]:
            slab = torch.einsum("sx,kxyz->ksyz", *_needed(matrices[0][first : first + thickness], logits))
        if logits.shape[2] != shape[1]:
            slab = torch.einsum("ty,ksyz->kstz", matrices[1], slab)
        if logits.shape[3] != shape[2]:
            slab = slab @ matrices[2].T
        yield slab


def _needed(rows: torch.Tensor, logits: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Return the columns of a slab's matrix that are not zero, and the layers of the logits they stand for."""
    used = rows.any(0).nonzero()
    first, last = int(used[0]), int(used[-1]) + 1
    return rows[:, first:last], logits[:, first:last]
