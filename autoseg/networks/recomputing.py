"""Parts of a network whose feature maps are computed again in the backward pass (Chen 2016)."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.utils.checkpoint import checkpoint


def run_part(part: nn.Module, *inputs: Tensor, recomputed: bool) -> Tensor:
    """Return what a part makes of its inputs, of which alone it keeps anything where it is to be recomputed.

    Args:
        part: called with the inputs.
        inputs: feature maps, and what is to be joined to them.
        recomputed: whether to compute again what is in between; only where gradients are asked for in training.
    """
    if recomputed and part.training and torch.is_grad_enabled():
        features: Tensor = checkpoint(part, *inputs, use_reentrant=False)
    else:
        features = part(*inputs)
    return features
