"""Target of each output channel at each voxel, and the voxels that count: read from a label map and the heads."""

from __future__ import annotations

from functools import reduce

import torch
from torch import Tensor

from dataset_fingerprints.dataset import Heads


def head_masks(labels: Tensor, heads: Heads) -> Tensor:
    """Return where each channel is to mark: booleans (batch, channel, *space), False at ignored voxels.

    Args:
        labels: (batch, *space), label indices of any integer type.
        heads: what the channels stand for.
    """
    if heads.exclusive:
        # Booleans: an eighth of an integer one-hot's memory, and on a CPU quicker than gathering by label.
        return labels.unsqueeze(1) == head_numbers(heads.count(), labels)
    masks = (reduce(torch.logical_or, (labels == index for index in members)) for members in heads.members)
    return torch.stack(tuple(masks), dim=1)


def counted_voxels(labels: Tensor, heads: Heads) -> Tensor | None:
    """Return which voxels were labelled, (batch, 1, *space), or None without an ignore label: all of them."""
    return (labels != heads.ignored).unsqueeze(1) if heads.ignored >= 0 else None


def head_numbers(count: int, labels: Tensor) -> Tensor:
    """Return 0 to `count - 1` in the labels' type, shaped (channel, 1, ...) to compare with (batch, 1, *space)."""
    numbers = torch.arange(count, dtype=labels.dtype, device=labels.device)
    return numbers.view(-1, *(1,) * (labels.ndim - 1))
