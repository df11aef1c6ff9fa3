"""The layers that a U-Net is made of, for images of two or three axes."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from autoseg.networks.instance_norm import CHANNELS_LAST, EPSILON, InstanceNorm
from autoseg.networks.recalibration import list_modules
from planners.parts.networks import AttentionName, NormName, ShortcutName

NEGATIVE_SLOPE = 0.01

Norm = InstanceNorm | nn.BatchNorm2d | nn.BatchNorm3d | nn.GroupNorm
Layer = Callable[..., nn.Module]


class Convolution2d(nn.Conv2d):
    """A 2D convolution that is quick for single samples, too."""

    def forward(self, x: Tensor) -> Tensor:
        """Return the features (batch, channel, *space)."""
        return convolve_single(self, x) if is_slow(x) else super().forward(x)


class Convolution3d(nn.Conv3d):
    """A 3D convolution whose gradient on a CPU is never of unwritten memory, and that is quick for single samples.

    With torch 2.13 the gradient in bfloat16 is of unwritten memory on maps of two voxels along the first axis; values
    left there from before may be NaN. Such maps are computed in float32 (experiments/LOG.md, "Memory that nobody
    wrote").
    """

    def forward(self, x: Tensor) -> Tensor:
        """Return the features (batch, channel, *space)."""
        if not (x.device.type == "cpu" and x.shape[2] == 2 and self.kernel_size[0] > 1 and torch.is_grad_enabled()):
            return self._convolve(x)
        with torch.autocast("cpu", enabled=False):
            return self._convolve(x.float())

    def _convolve(self, x: Tensor) -> Tensor:
        return convolve_single(self, x) if is_slow(x) else super().forward(x)


def is_slow(x: Tensor) -> bool:
    """Return whether torch 2.13 may convolve x without oneDNN: a single sample in float32 on a CPU.

    It then takes up to 26 times longer (experiments/LOG.md, "Single samples in float32").
    """
    single = x.device.type == "cpu" and len(x) == 1 and x.dtype == torch.float32
    return single and torch.backends.mkldnn.is_available() and not torch.is_autocast_enabled("cpu")


def convolve_single(layer: nn.Conv2d | nn.Conv3d, x: Tensor) -> Tensor:
    """Return what a convolution makes of x (batch, channel, *space), by oneDNN and channels-last."""
    assert not isinstance(layer.padding, str)
    seen = x.contiguous(memory_format=CHANNELS_LAST[x.ndim])
    features: Tensor = torch.mkldnn_convolution(
        seen, layer.weight, layer.bias, layer.padding, layer.stride, layer.dilation, layer.groups
    )
    return features


CONVOLUTIONS: dict[int, Layer] = {2: Convolution2d, 3: Convolution3d}
TRANSPOSED_CONVOLUTIONS: dict[int, Layer] = {2: nn.ConvTranspose2d, 3: nn.ConvTranspose3d}
AVERAGE_POOLINGS: dict[int, Layer] = {2: nn.AvgPool2d, 3: nn.AvgPool3d}
MAX_POOLINGS: dict[int, Layer] = {2: nn.MaxPool2d, 3: nn.MaxPool3d}
MAX_UNPOOLINGS: dict[int, Layer] = {2: nn.MaxUnpool2d, 3: nn.MaxUnpool3d}
BATCH_NORMS: dict[int, type[nn.BatchNorm2d] | type[nn.BatchNorm3d]] = {2: nn.BatchNorm2d, 3: nn.BatchNorm3d}


@dataclass(frozen=True, kw_only=True, slots=True)
class Layers:
    """Builds layers that fit each other.

    Attributes:
        dimensions: axes of the images, 2 or 3.
        groups: the most groups that a group norm may have.
        shortcut: as in `UNetOptions`.
        attention: what weighs the channels at the end of a level; `reduction` and `dropout` as in `UNetOptions`.
        pooled: whether a max pooling in front of a level changes the shape, in place of its first block.
    """

    dimensions: int
    norm: NormName
    groups: int
    shortcut: ShortcutName = "projection"
    attention: AttentionName = "none"
    reduction: int = 16
    dropout: float = 0.0
    pooled: bool = False

    def convolution(
        self, channels: tuple[int, int], kernel: tuple[int, ...], stride: tuple[int, ...], bias: bool = True
    ) -> nn.Module:
        """Return a convolution from `channels[0]` to `channels[1]` that keeps the shape but for its stride."""
        padding = tuple((size - 1) // 2 for size in kernel)
        return CONVOLUTIONS[self.dimensions](*channels, kernel, stride, padding, bias=bias)

    def pointwise(self, channels: tuple[int, int], bias: bool = True) -> nn.Module:
        """Return a convolution of kernel 1."""
        ones = (1,) * self.dimensions
        return self.convolution(channels, ones, ones, bias)

    def upsampling(self, channels: tuple[int, int], stride: tuple[int, ...]) -> nn.Module:
        """Return a transposed convolution that multiplies the shape by `stride`, its own kernel."""
        return TRANSPOSED_CONVOLUTIONS[self.dimensions](*channels, stride, stride)

    def average_pooling(self, stride: tuple[int, ...]) -> nn.Module:
        """Return the mean over windows of shape `stride`."""
        return AVERAGE_POOLINGS[self.dimensions](stride, stride)

    def max_pooling(self, stride: tuple[int, ...], indices: bool = False) -> nn.Module:
        """Return the largest value over windows of shape `stride`, if asked for with the places of these."""
        return AsItIs(MAX_POOLINGS[self.dimensions](stride, stride, return_indices=indices))

    def max_unpooling(self, stride: tuple[int, ...]) -> nn.Module:
        """Return what puts values where a max pooling found them, zeros elsewhere."""
        return MAX_UNPOOLINGS[self.dimensions](stride, stride)

    def repetition(self, factor: int) -> nn.Module:
        """Return what repeats every value along every axis."""
        return AsItIs(nn.Upsample(scale_factor=float(factor), mode="nearest"))

    def widening(self, channels: tuple[int, int]) -> Iterator[nn.Module]:
        """Yield what fits a residual block's skip to another width."""
        if channels[0] != channels[1]:
            if self.shortcut == "padding":
                yield ChannelFit(channels[1] - channels[0])
            else:
                yield self.pointwise(channels, bias=False)
                yield self.normalization(channels[1])

    def normalization(self, channels: int) -> Norm:
        """Return the chosen norm with a learned scale and shift."""
        if self.norm == "instance":
            return InstanceNorm(channels)
        if self.norm == "batch":
            return BATCH_NORMS[self.dimensions](channels, eps=EPSILON)
        return nn.GroupNorm(largest_divisor(channels, self.groups), channels, eps=EPSILON)

    def recalibrations(self, channels: int) -> Iterator[nn.Module]:
        """Yield what follows the last block of a level."""
        return list_modules(channels, self.attention, self.reduction, self.dropout)


class AsItIs(nn.Module):
    """A layer that only moves values, in their own number type: a CPU's autocast would make them single precision."""

    def __init__(self, layer: nn.Module) -> None:
        super().__init__()
        self.layer = layer

    def forward(self, x: Tensor) -> Any:
        """Return what the layer makes of features (batch, channel, *space)."""
        if x.device.type != "cpu" or not torch.is_autocast_enabled("cpu"):
            return self.layer(x)
        with torch.autocast("cpu", enabled=False):
            return self.layer(x)


class ChannelFit(nn.Module):
    """A change of the number of channels that learns nothing: zeros are added, or the last ones left out."""

    def __init__(self, added: int) -> None:
        super().__init__()
        self.added = added

    def forward(self, x: Tensor) -> Tensor:
        """Return features (batch, channel, *space)."""
        return F.pad(x, [0, 0] * (x.ndim - 2) + [0, self.added])


def largest_divisor(number: int, limit: int) -> int:
    """Return the largest divisor of `number` that is not above `limit`."""
    return next(divisor for divisor in range(min(limit, number), 0, -1) if number % divisor == 0)


def activation() -> nn.Module:
    """Return nnU-Net's leaky ReLU, which overwrites its input."""
    return nn.LeakyReLU(NEGATIVE_SLOPE, inplace=True)
