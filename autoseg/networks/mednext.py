"""MedNeXt (Roy 2023, arXiv:2303.09975): an encoder and a decoder of ConvNeXt blocks, 2D and 3D."""

from __future__ import annotations

from itertools import pairwise

from torch import Tensor, nn

from autoseg.networks.instance_norm import InstanceNorm, lay_out
from autoseg.networks.layers import CONVOLUTIONS, TRANSPOSED_CONVOLUTIONS
from autoseg.networks.recomputing import run_part
from planners.parts.networks import MedNeXtOptions

Lengths = tuple[int, ...]


class MedNeXtBlock(nn.Module):
    """Depthwise convolution, norm, expansion, GELU and compression beside a skip.

    The published group norm has a group per channel: that is an instance norm.

    Args:
        channels: of input and output.
        expansion: channels inside for each of the input.
        kernel: of the depthwise convolution.
        stride: of it; the skip is then a convolution of kernel 1 with the same stride.
        up: whether the stride makes the shape larger.
    """

    def __init__(
        self, channels: tuple[int, int], expansion: int, kernel: Lengths, stride: Lengths = (), up: bool = False
    ) -> None:
        super().__init__()
        inputs, outputs = channels
        ones = (1,) * len(kernel)
        self.depthwise = _convolve((inputs, inputs), kernel, stride or ones, groups=inputs, up=up)
        self.norm = InstanceNorm(inputs)
        self.expansion = _convolve((inputs, expansion * inputs), ones, ones)
        self.activation = nn.GELU()
        self.compression = _convolve((expansion * inputs, outputs), ones, ones)
        self.skip = _convolve(channels, ones, stride, up=up) if stride else nn.Identity()

    def forward(self, x: Tensor, added: Tensor | None = None) -> Tensor:
        """Return the features (batch, channel, *space), with those of the encoder added where they are given."""
        features: Tensor = self.activation(self.expansion(self.norm(self.depthwise(x))))
        features = self.compression(features) + self.skip(x)
        return features if added is None else features + added


class MedNeXt(nn.Module):
    """Encoder, decoder that adds the encoder's features, and a head of logits per level.

    `auxiliary_heads`, second-finest first, exist with deep supervision; they are used in training only.
    """

    def __init__(self, options: MedNeXtOptions, channels: tuple[int, int], recomputed: bool) -> None:
        super().__init__()
        self.recomputed = recomputed
        ones = (1,) * len(options.kernels[0])
        self.stem = _convolve((channels[0], options.features[0]), ones, ones)
        self.encoder = build_encoder(options)
        self.decoder = build_decoder(options)
        self.head = _convolve((options.features[0], channels[1]), ones, ones)
        coarser = options.features[1:] if options.deep_supervision else ()
        self.auxiliary_heads = nn.ModuleList(_convolve((width, channels[1]), ones, ones) for width in coarser)

    def forward(self, x: Tensor) -> tuple[Tensor, ...]:
        """Return logits (batch, output channel, *space), finest first.

        Args:
            x: (batch, channel, *space); each axis divisible by the product of its strides.
        """
        features, skips = run_part(self.stem, lay_out(x), recomputed=self.recomputed), []
        for encoder_level in self.encoder:
            assert isinstance(encoder_level, nn.ModuleList)
            for block in encoder_level:
                features = run_part(block, features, recomputed=self.recomputed)
            skips.append(features)
        scales = [skips.pop()]
        for decoder_level in self.decoder:
            assert isinstance(decoder_level, nn.ModuleList)
            first, *others = decoder_level
            features = run_part(first, features, skips.pop(), recomputed=self.recomputed)
            for block in others:
                features = run_part(block, features, recomputed=self.recomputed)
            scales = [features, *scales] if self.training else []
        finest = self.head(features)
        if not self.training:
            return (finest,)
        return (finest, *(head(scale) for head, scale in zip(self.auxiliary_heads, scales[1:], strict=False)))


def build_mednext(options: MedNeXtOptions, channels: int, outputs: int, recomputed: bool) -> MedNeXt:
    """Return a MedNeXt with torch's own random weights; the kernels' length makes it 2D or 3D.

    Args:
        options: of the network.
        channels: of its input.
        outputs: channels of its logits.
        recomputed: whether to keep only what goes from block to block for the backward pass.
    """
    return MedNeXt(options, (channels, outputs), recomputed)


def build_encoder(options: MedNeXtOptions) -> nn.ModuleList:
    """Return the encoder's levels, finest first; all but the first begin with a strided block."""
    levels = nn.ModuleList()
    for level, (width, kernel) in enumerate(zip(options.features, options.kernels, strict=True)):
        expansion, blocks = options.encoder_expansions[level], nn.ModuleList()
        if level:
            widths = (options.features[level - 1], width)
            blocks.append(MedNeXtBlock(widths, expansion, kernel, options.strides[level]))
        blocks.extend(MedNeXtBlock((width, width), expansion, kernel) for _ in range(options.encoder_blocks[level]))
        levels.append(blocks)
    return levels


def build_decoder(options: MedNeXtOptions) -> nn.ModuleList:
    """Return the decoder's levels in the order of use, coarsest first; each begins with a transposed block."""
    levels = nn.ModuleList()
    for level, (width, coarse) in reversed(list(enumerate(pairwise(options.features)))):
        expansion, stride = options.decoder_expansions[level], options.strides[level + 1]
        blocks = nn.ModuleList([MedNeXtBlock((coarse, width), expansion, options.kernels[level + 1], stride, up=True)])
        blocks.extend(
            MedNeXtBlock((width, width), expansion, options.kernels[level])
            for _ in range(options.decoder_blocks[level])
        )
        levels.append(blocks)
    return levels


def _convolve(
    channels: tuple[int, int], kernel: Lengths, stride: Lengths, *, groups: int = 1, up: bool = False
) -> nn.Module:
    """Return a convolution that divides the shape by its stride, or multiplies it, and keeps it otherwise."""
    padding = tuple((size - 1) // 2 for size in kernel)
    if not up:
        return CONVOLUTIONS[len(kernel)](*channels, kernel, stride, padding, groups=groups)
    missing = tuple(step - 1 for step in stride)
    return TRANSPOSED_CONVOLUTIONS[len(kernel)](*channels, kernel, stride, padding, missing, groups=groups)
