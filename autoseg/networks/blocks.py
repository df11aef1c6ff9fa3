"""Blocks and levels of a U-Net, as in nnU-Net (Isensee 2021) and its residual encoder (Isensee 2024)."""

from __future__ import annotations

from collections.abc import Iterator

import torch
from torch import Tensor, nn

from autoseg.networks.instance_norm import CHANNELS_LAST
from autoseg.networks.layers import Layers, activation
from planners.parts.networks import BlockName


class ConvBlock(nn.Module):
    """Convolution, norm and, unless a residual is to be added first, activation."""

    def __init__(
        self,
        layers: Layers,
        channels: tuple[int, int],
        kernel: tuple[int, ...],
        stride: tuple[int, ...],
        activate: bool = True,
    ) -> None:
        super().__init__()
        self.conv = layers.convolution(channels, kernel, stride)
        self.norm = layers.normalization(channels[1])
        self.activation = activation() if activate else nn.Identity()

    def forward(self, x: Tensor) -> Tensor:
        """Return the features (batch, channel, *space)."""
        features: Tensor = self.activation(self.norm(self.conv(x)))
        return features


class ResidualBlock(nn.Module):
    """Two convolutions beside a skip, which mean pooling and, as a rule, a projection fit to a changed shape or width.

    The skip is that of ResNet-D (He 2019). A new block passes its skip through: the second norm's scale starts at 0.
    """

    def __init__(
        self, layers: Layers, channels: tuple[int, int], kernel: tuple[int, ...], stride: tuple[int, ...]
    ) -> None:
        super().__init__()
        self.first = ConvBlock(layers, channels, kernel, stride)
        self.second = ConvBlock(layers, (channels[1], channels[1]), kernel, (1,) * len(stride), activate=False)
        self.skip = nn.Sequential()
        if max(stride) > 1:
            self.skip.append(layers.average_pooling(stride))
        self.skip.extend(layers.widening(channels))
        self.activation = activation()

    def forward(self, x: Tensor) -> Tensor:
        """Return the features (batch, channel, *space)."""
        residual: Tensor = self.second(self.first(x))
        features: Tensor = self.activation(residual + self.skip(x))
        return features


class DecoderLevel(nn.Module):
    """Upsampling to the encoder's features of the same scale, concatenation and blocks."""

    def __init__(
        self,
        layers: Layers,
        channels: tuple[int, int],
        kernel: tuple[int, ...],
        stride: tuple[int, ...],
        count: int,
        block: BlockName = "plain",
    ) -> None:
        super().__init__()
        self.up = layers.upsampling(channels, stride)
        self.blocks = make_level(layers, block, (2 * channels[1], channels[1]), kernel, (1,) * len(stride), count)

    def forward(self, x: Tensor, skip: Tensor) -> Tensor:
        """Return the features at the scale of `skip`, of the same shape and width."""
        features = torch.cat((self.up(x), skip), dim=1)
        # One by one: called together they would keep what goes into the first of them until the last is done.
        for block in self.blocks:
            features = block(features)
        return features

    def join(self, x: Tensor, skips: list[Tensor]) -> Tensor:
        """Return what the blocks start from, with the last of the skips, which is taken off; without gradients."""
        skip = skips.pop()
        if skip.device.type == "meta":  # is traced, or only counted: there is no memory to be saved
            return torch.cat((self.up(x), skip), 1)
        batch, width, *space = skip.shape
        # As `lay_out`: on a GPU, instance norm would copy everything back.
        layout = CHANNELS_LAST[skip.ndim] if skip.device.type == "cpu" else torch.contiguous_format
        joined = torch.empty((batch, 2 * width, *space), dtype=skip.dtype, device=skip.device, memory_format=layout)
        joined[:, width:] = skip
        del skip
        joined[:, :width] = self.up(x)
        return joined


def list_steps(blocks: nn.Sequential) -> Iterator[nn.Module]:
    """Yield what is called one after the other, so that what went into one is freed before the next is called."""
    for block in blocks:
        if isinstance(block, ConvBlock):
            yield from block.children()
        else:
            yield block


def make_level(
    layers: Layers,
    block: BlockName,
    channels: tuple[int, int],
    kernel: tuple[int, ...],
    stride: tuple[int, ...],
    count: int,
) -> nn.Sequential:
    """Return `count` blocks of one scale, of which the first changes shape and width, and what weighs its channels."""
    kind = ConvBlock if block == "plain" else ResidualBlock
    width, ones = (channels[1], channels[1]), (1,) * len(stride)
    front = [layers.max_pooling(stride)] if layers.pooled and max(stride) > 1 else []
    blocks = [kind(layers, channels, kernel, ones if front else stride)]
    blocks += [kind(layers, width, kernel, ones) for _ in range(count - 1)]
    return nn.Sequential(*front, *blocks, *layers.recalibrations(channels[1]))
