"""Instance normalisation that is quick on a CPU and lives with a bottleneck of one voxel."""

from __future__ import annotations

import torch
from torch import Tensor, nn

EPSILON = 1e-5

CHANNELS_LAST = {4: torch.channels_last, 5: torch.channels_last_3d}


class InstanceNorm(nn.Module):
    """Scale every channel of every sample to mean 0 and variance 1, then apply a learned scale and shift.

    The mathematics is that of `nn.InstanceNorm2d` and `nn.InstanceNorm3d` with `affine=True`. Those return
    channels-first tensors, which costs a CPU its quicker convolutions; normalising sample by sample keeps
    channels-last. A single voxel becomes the shift, where torch's modules refuse.
    """

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.ones(channels))
        self.bias = nn.Parameter(torch.zeros(channels))

    def forward(self, x: Tensor) -> Tensor:
        """Return x (batch, channel, *space) normalised over space."""
        # The functions behind torch.nn.functional, which alone refuse a single voxel.
        if x.device.type == "cpu" and x.is_contiguous(memory_format=CHANNELS_LAST[x.ndim]):
            samples = [
                torch.batch_norm(sample, self.weight, self.bias, None, None, True, 0.0, EPSILON, False)
                for sample in x.split(1)
            ]
            return torch.cat(samples) if len(samples) > 1 else samples[0]
        cudnn = torch.backends.cudnn.enabled
        return torch.instance_norm(x, self.weight, self.bias, None, None, True, 0.0, EPSILON, cudnn)


def channels_last(x: Tensor) -> Tensor:
    """Return a copy of x (batch, channel, *space) whose strides say channels-last, also where it has one channel.

    `Tensor.contiguous` returns a one-channel tensor as it is, and convolutions then go on channels-first.
    """
    return torch.empty_like(x, memory_format=CHANNELS_LAST[x.ndim]).copy_(x)


def lay_out(x: Tensor) -> Tensor:
    """Return x (batch, channel, *space) laid out in memory as its device convolves it quickest.

    A CPU does so channels-last; a GPU's instance norm would copy everything back to channels-first.
    """
    return channels_last(x) if x.device.type == "cpu" else x
