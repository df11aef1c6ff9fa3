"""Patches of any size: padded to what a network's strides divide, and cut back."""

from __future__ import annotations

from collections.abc import Sequence

import torch.nn.functional as F
from torch import Tensor


def pad_behind(images: Tensor, divisors: Sequence[int]) -> Tensor:
    """Return images (batch, channel, *space) with zeros behind their ends, up to the next multiples of the divisors.

    Images that are divisible are returned as they are.
    """
    missing = (
        [-length % divisor for length, divisor in zip(images.shape[2:], divisors, strict=True)] if divisors else []
    )
    if not any(missing):
        return images
    return F.pad(images, [pad for length in reversed(missing) for pad in (0, length)])


def cut_back(logits: Tensor, shape: Sequence[int]) -> Tensor:
    """Return the part of logits (batch, output, *space) that stands for images of a shape in front of their padding."""
    for axis, length in enumerate(shape, start=2):
        if logits.shape[axis] != length:
            logits = logits.narrow(axis, 0, length)
    return logits
