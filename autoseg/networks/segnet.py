"""SegNet: max pooling on the way down, upsampling on the way up, no skips between them."""

from __future__ import annotations

from collections.abc import Sequence

from torch import Tensor, nn

from autoseg.networks.blocks import ConvBlock
from autoseg.networks.instance_norm import lay_out
from autoseg.networks.layers import Layers
from autoseg.networks.unet import initialize
from planners.parts.networks.segnet import TAPS, SegNetOptions


class SegNet(nn.Module):
    """Encoder, decoder and a head of logits; of each level only the places of the largest values may go across."""

    def __init__(self, options: SegNetOptions, channels: tuple[int, int]) -> None:
        super().__init__()
        layers = Layers(dimensions=options.axes, norm=options.norm, groups=options.groups)
        halved = (2,) * options.axes
        self.placed = options.upsampling == "pooling_indices"
        self.encoder = nn.ModuleList(make_blocks(layers, level) for level in options.encoder_widths(channels[0]))
        self.pooling = layers.max_pooling(halved, indices=self.placed)
        self.upsampling = layers.max_unpooling(halved) if self.placed else layers.repetition(2)
        self.decoder = nn.ModuleList(make_blocks(layers, level) for level in options.decoder_widths())
        self.head = layers.pointwise((options.features[0], channels[1]))
        self.apply(initialize)

    def forward(self, x: Tensor) -> tuple[Tensor, ...]:
        """Return the logits (batch, output channel, *space) alone.

        Args:
            x: (batch, channel, *space); each axis divisible by two to the power of the number of levels.
        """
        x, places = lay_out(x), []
        for level in self.encoder:
            x = self.pooling(level(x))
            if self.placed:
                x, place = x
                places.append(place)
        for level in self.decoder:
            x = level(self.upsampling(x, places.pop()) if self.placed else self.upsampling(x))
        return (self.head(x),)


def make_blocks(layers: Layers, widths: Sequence[tuple[int, int]]) -> nn.Sequential:
    """Return convolutions of one scale with these channels into and out of each."""
    kernel, ones = (TAPS,) * layers.dimensions, (1,) * layers.dimensions
    return nn.Sequential(*(ConvBlock(layers, width, kernel, ones) for width in widths))


def build_segnet(options: SegNetOptions, channels: int, outputs: int, recomputed: bool) -> SegNet:
    """Return an initialised SegNet; its levels are not recomputable."""
    return SegNet(options, (channels, outputs))
