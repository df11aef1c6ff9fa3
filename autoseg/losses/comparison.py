"""Inputs of every loss: probabilities, true masks, and the negative log-likelihood of each voxel."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from autoseg import processes
from autoseg.losses.targets import counted_voxels, head_masks
from dataset_fingerprints.dataset import Heads

# A batch of classes of weight 0 alone has no mean.
SMALLEST_WEIGHT = 1e-8


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Comparison:
    """Logits and labels side by side, in float32 or better.

    Attributes:
        probabilities: (batch, target, *space) of the labels or regions, without background; 0 at ignored voxels.
        masks: (batch, target, *space), where they are.
        surprise: (batch, 1 or target, *space): minus the logarithm of the probability of the right answer; competing
            channels give one answer per voxel, regions one each. 0 at ignored voxels; with weights of classes, times
            them.
        counted: the number of values of `surprise` that are not of ignored voxels, at least 1, in the whole batch: also
            where this process has a part of it. With weights of classes their sum.
    """

    probabilities: Tensor
    masks: Tensor
    surprise: Tensor
    counted: Tensor | int

    def mean(self, values: Tensor) -> Tensor:
        """Return the mean of a tensor of `surprise`'s shape over all voxels of the whole batch that count."""
        return processes.add(values.sum()) / self.counted


def compare(logits: Tensor, labels: Tensor, heads: Heads, class_weights: Sequence[float] = ()) -> Comparison:
    """Compare logits (batch, channel, *space) with label indices (batch, *space). Call it outside of autocast.

    Args:
        logits: one channel per head.
        labels: indices.
        heads: what the channels stand for.
        class_weights: one per head; empty for all alike.
    """
    logits = logits.to(torch.promote_types(logits.dtype, torch.float32))
    masks, counted = head_masks(labels, heads), counted_voxels(labels, heads)
    weights = _weigh(masks, counted, heads, class_weights) if class_weights else None
    if heads.exclusive:
        log_probabilities = logits.log_softmax(dim=1)
        # An ignored voxel is in no mask, and so adds nothing.
        surprise = -(log_probabilities * masks).sum(1, keepdim=True)
        probabilities, masks = log_probabilities[:, 1:].exp(), masks[:, 1:]
    else:
        surprise = F.binary_cross_entropy_with_logits(logits, masks.to(logits.dtype), reduction="none")
        surprise = surprise if counted is None else surprise * counted
        probabilities = logits.sigmoid()
    if weights is not None:
        kept = probabilities if counted is None else probabilities * counted
        total = processes.add(weights.sum()).clamp_min(SMALLEST_WEIGHT)
        return Comparison(probabilities=kept, masks=masks, surprise=surprise * weights, counted=total)
    if counted is None:
        answers = processes.total(surprise.numel())
        return Comparison(probabilities=probabilities, masks=masks, surprise=surprise, counted=answers)
    labelled = processes.add(counted.sum()).clamp_min(1) * surprise.shape[1]
    return Comparison(probabilities=probabilities * counted, masks=masks, surprise=surprise, counted=labelled)


def _weigh(masks: Tensor, counted: Tensor | None, heads: Heads, class_weights: Sequence[float]) -> Tensor:
    """Return what every answer of `surprise` weighs: (batch, 1 or target, *space), 0 at ignored voxels."""
    by_head = torch.tensor(class_weights, device=masks.device).view(1, -1, *[1] * (masks.ndim - 2))
    if heads.exclusive:
        return (masks * by_head).sum(1, keepdim=True)
    weights = torch.where(masks, by_head, torch.ones_like(by_head))
    return weights if counted is None else weights * counted
