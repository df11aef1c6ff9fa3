"""The U-Net family: 2D and 3D, with plain or residual encoder."""

from __future__ import annotations

from itertools import pairwise

import torch
from torch import Tensor, nn

from autoseg.networks.blocks import ConvBlock, DecoderLevel, ResidualBlock, list_steps, make_level
from autoseg.networks.instance_norm import lay_out
from autoseg.networks.layers import NEGATIVE_SLOPE, Layers
from autoseg.networks.recomputing import run_part
from planners.parts.networks import UNetOptions

Convolution = nn.Conv2d | nn.Conv3d | nn.ConvTranspose2d | nn.ConvTranspose3d


class UNet(nn.Module):
    """Encoder, decoder with skips, and a head of logits per decoder level.

    `head` gives the finest logits in every U-Net. `auxiliary_heads`, second-finest first, exist with deep supervision;
    they are used in training only.
    """

    def __init__(self, options: UNetOptions, channels: tuple[int, int], recomputed: bool) -> None:
        super().__init__()
        self.recomputed = recomputed
        layers = Layers(
            dimensions=len(options.kernels[0]),
            norm=options.norm,
            groups=options.groups,
            shortcut=options.shortcut,
            attention=options.attention,
            reduction=options.reduction,
            dropout=options.dropout,
            pooled=options.downsampling == "pool",
        )
        finest = options.features[0]
        ones = (1,) * layers.dimensions
        stem = options.block == "residual" and options.stem
        self.stem = ConvBlock(layers, (channels[0], finest), options.kernels[0], ones) if stem else nn.Identity()
        self.encoder = build_encoder(layers, options, finest if stem else channels[0])
        self.decoder = build_decoder(layers, options)
        self.head = layers.pointwise((finest, channels[1]))
        coarser = options.features[1:-1] if options.deep_supervision else ()
        self.auxiliary_heads = nn.ModuleList(layers.pointwise((width, channels[1])) for width in coarser)
        self.apply(initialize)

    def forward(self, x: Tensor) -> tuple[Tensor, ...]:
        """Return logits (batch, output channel, *space), finest first.

        Args:
            x: (batch, channel, *space); each axis divisible by the product of its strides.
        """
        if not self.training and not torch.is_grad_enabled():
            return (self._infer(x),)
        skips = self.encode(x)
        features = skips.pop()
        scales = []
        for decoder_level in self.decoder:
            features = run_part(decoder_level, features, skips.pop(), recomputed=self.recomputed)
            scales.append(features)
        finest = self.head(features)
        if not self.training:
            return (finest,)
        coarser = scales[-2::-1]
        return (finest, *(head(scale) for head, scale in zip(self.auxiliary_heads, coarser, strict=False)))

    def encode(self, x: Tensor) -> list[Tensor]:
        """Return the features of every encoder level, finest first."""
        x = run_part(self.stem, lay_out(x), recomputed=self.recomputed)
        skips = []
        for encoder_level in self.encoder:
            x = run_part(encoder_level, x, recomputed=self.recomputed)
            skips.append(x)
        return skips

    def _infer(self, x: Tensor) -> Tensor:
        """Return the finest logits alone; feature maps are freed as soon as nothing needs them any more."""
        features, skips = self.stem(lay_out(x)), []
        for encoder_level in self.encoder:
            assert isinstance(encoder_level, nn.Sequential)
            for step in list_steps(encoder_level):
                features = step(features)
            skips.append(features)
        skips.pop()
        for decoder_level in self.decoder:
            assert isinstance(decoder_level, DecoderLevel)
            features = decoder_level.join(features, skips)
            for step in list_steps(decoder_level.blocks):
                features = step(features)
        finest: Tensor = self.head(features)
        return finest


def build_unet(options: UNetOptions, channels: int, outputs: int, recomputed: bool) -> UNet:
    """Return an initialised U-Net; the kernels' length makes it 2D or 3D.

    Args:
        options: of the network.
        channels: of its input.
        outputs: channels of its logits.
        recomputed: whether to keep only what goes from level to level for the backward pass.
    """
    return UNet(options, (channels, outputs), recomputed)


def build_encoder(layers: Layers, options: UNetOptions, channels: int) -> nn.ModuleList:
    """Return the encoder's levels, finest first."""
    widths = pairwise((channels, *options.features))
    rows = zip(widths, options.kernels, options.strides, options.encoder_blocks, strict=True)
    return nn.ModuleList(make_level(layers, options.block, *row) for row in rows)


def build_decoder(layers: Layers, options: UNetOptions) -> nn.ModuleList:
    """Return the decoder's levels in the order of use, coarsest first."""
    widths = ((coarse, fine) for fine, coarse in pairwise(options.features))
    rows = zip(widths, options.kernels[:-1], options.strides[1:], options.decoder_blocks, strict=True)
    return nn.ModuleList(reversed([DecoderLevel(layers, *row, block=options.decoder_block) for row in rows]))


def initialize(module: nn.Module) -> None:
    """Set a module's own weights to nnU-Net's start: Kaiming normal (He 2015), no bias, closed residual branches.

    Weights without memory stay as they are: to draw such ones, torch imports 70 MiB of its compiler.
    """
    if isinstance(module, Convolution) and not module.weight.is_meta:
        nn.init.kaiming_normal_(module.weight, a=NEGATIVE_SLOPE)
        if module.bias is not None:
            nn.init.zeros_(module.bias)
    if isinstance(module, ResidualBlock):
        nn.init.zeros_(module.second.norm.weight)
