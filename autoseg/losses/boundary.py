"""Boundary loss (Kervadec 2019): predicted mass costs its distance to the true border, negative inside."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from autoseg import processes
from autoseg.losses.compound import build_dice_ce
from autoseg.losses.targets import counted_voxels, head_masks
from dataset_fingerprints.dataset import Heads
from planners.parts.losses import BoundaryOptions, DiceCrossEntropyOptions


class BoundaryLoss(nn.Module):
    """A regional loss plus the weighted mean of probability times signed distance, above its least value.

    The least value, reached by the perfect mask, is subtracted, so that 0 is perfect as everywhere here.
    """

    def __init__(self, regional: nn.Module, heads: Heads, weight: float, reach_voxels: int) -> None:
        super().__init__()
        self.regional, self.heads, self.weight, self.reach_voxels = regional, heads, weight, reach_voxels

    def forward(self, logits: Tensor, labels: Tensor) -> Tensor:
        """Return the scalar loss of logits (batch, channel, *space) for label indices (batch, *space)."""
        regional: Tensor = self.regional(logits, labels)
        with torch.autocast(logits.device.type, enabled=False):
            logits = logits.to(regional.dtype)
            probabilities = logits.softmax(1)[:, 1:] if self.heads.exclusive else logits.sigmoid()
            masks = head_masks(labels, self.heads)[:, 1 if self.heads.exclusive else 0 :]
            counted = counted_voxels(labels, self.heads)
            distance = signed_distance(masks, self.reach_voxels).to(regional.dtype)
            distance = distance if counted is None else distance * counted
            border = ((probabilities - masks.to(probabilities.dtype)) * distance).sum()
            voxels = processes.total(labels.numel()) if counted is None else processes.add(counted.sum()).clamp_min(1)
            return regional + self.weight * processes.add(border) / (voxels * masks.shape[1])


@torch.no_grad()
def signed_distance(masks: Tensor, reach_voxels: int) -> Tensor:
    """Return per mask the distance in voxels to its border: positive outside, negative inside, 0 for an empty mask.

    Args:
        masks: (batch, target, *space) booleans.
        reach_voxels: no distance is larger.
    """
    outside, inside = distance_to(masks, reach_voxels), distance_to(~masks, reach_voxels)
    # The border lies half a voxel from the voxels on its either side.
    signed = torch.where(masks, 0.5 - inside, outside - 0.5)
    space = tuple(range(2, masks.ndim))
    return signed * masks.any(space, keepdim=True) if space else signed


def distance_to(masks: Tensor, reach_voxels: int) -> Tensor:
    """Return the Euclidean distance (batch, target, *space) to the nearest True voxel, at most `reach_voxels`.

    One axis after the other: the squared distance along the axes so far is the least over shifts along the next one
    of the squared shift plus what was found there (Felzenszwalb 2012, without its envelope: shifts are few).
    """
    far = float(reach_voxels**2)
    squared = torch.where(masks, 0.0, far)
    for axis in range(2, masks.ndim):
        before = squared.clone()
        length = masks.shape[axis]
        for shift in range(1, min(reach_voxels, length)):
            near = before.narrow(axis, shift, length - shift) + shift**2
            behind = before.narrow(axis, 0, length - shift) + shift**2
            front, back = squared.narrow(axis, 0, length - shift), squared.narrow(axis, shift, length - shift)
            torch.minimum(front, near, out=front)
            torch.minimum(back, behind, out=back)
    return squared.sqrt()


def build_boundary(options: BoundaryOptions, heads: Heads) -> nn.Module:
    """Return the loss of single logits and label indices, for a network with these heads."""
    dice = DiceCrossEntropyOptions(
        batch_dice=options.batch_dice, smooth=options.smooth, cross_entropy_weight=options.cross_entropy_weight
    )
    return BoundaryLoss(build_dice_ce(dice, heads), heads, options.weight, options.reach_voxels)
