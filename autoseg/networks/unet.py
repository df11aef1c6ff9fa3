"""The U-Net family: 2D and 3D, with plain or residual encoder."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import torch
from torch import Tensor, nn
from torch.utils.checkpoint import checkpoint

from autoseg.networks.blocks import ConvBlock, DecoderStage, ResidualBlock, stage
from autoseg.networks.instance_norm import lay_out
from autoseg.networks.layers import NEGATIVE_SLOPE, Layers, NormName
from dataset_fingerprints.errors import PlanError
from planners.networks.topology import BlockName
from planners.plan import Topology

Convolution = nn.Conv2d | nn.Conv3d | nn.ConvTranspose2d | nn.ConvTranspose3d


class UNet(nn.Module):
    """Encoder, decoder with skips, and a head of logits per decoder scale.

    `head` gives the finest logits in every U-Net. `auxiliary_heads`, second-finest first, exist only with deep
    supervision; a network without them drops their entries when it loads a state dict, so that weights saved in
    training load for prediction.
    """

    def __init__(
        self,
        layers: Layers,
        block: BlockName,
        topology: Topology,
        channels: tuple[int, int],
        deep_supervision: bool,
        recomputed: bool,
    ) -> None:
        super().__init__()
        self.recomputed = recomputed
        finest = topology.features[0]
        ones = (1,) * layers.dimensions
        residual = block == "residual"
        self.stem = ConvBlock(layers, (channels[0], finest), topology.kernels[0], ones) if residual else nn.Identity()
        self.encoder = build_encoder(layers, block, topology, finest if residual else channels[0])
        self.decoder = build_decoder(layers, topology)
        self.head = layers.pointwise((finest, channels[1]))
        coarser = topology.features[1:-1] if deep_supervision else ()
        self.auxiliary_heads = nn.ModuleList(layers.pointwise((width, channels[1])) for width in coarser)
        self.register_load_state_dict_pre_hook(drop_unknown_auxiliary_heads)  # type: ignore[no-untyped-call]
        self.apply(initialize)

    def forward(self, x: Tensor) -> tuple[Tensor, ...]:
        """Return logits (batch, output channel, *space), finest first.

        Args:
            x: (batch, channel, *space); each axis divisible by the product of its strides.
        """
        skips = self.encode(x)
        features = skips.pop()
        scales = []
        for decoder_stage in self.decoder:
            features = self._run(decoder_stage, features, skips.pop())
            scales.append(features)
        finest = self.head(features)
        if not self.training:
            return (finest,)
        coarser = scales[-2::-1]
        return (finest, *(head(scale) for head, scale in zip(self.auxiliary_heads, coarser, strict=False)))

    def encode(self, x: Tensor) -> list[Tensor]:
        """Return the features of every encoder stage, finest first."""
        x = self._run(self.stem, lay_out(x))
        skips = []
        for encoder_stage in self.encoder:
            x = self._run(encoder_stage, x)
            skips.append(x)
        return skips

    def _run(self, part: nn.Module, *inputs: Tensor) -> Tensor:
        """Return what a stage makes of its inputs, of which alone it keeps anything where it is to be recomputed."""
        if self.recomputed and self.training and torch.is_grad_enabled():
            features: Tensor = checkpoint(part, *inputs, use_reentrant=False)
        else:
            features = part(*inputs)
        return features


@dataclass(frozen=True, kw_only=True, slots=True)
class UNetOptions:
    """nnU-Net's U-Net, whose skeleton the planner chooses.

    Attributes:
        block: plain (Isensee 2021) or residual (Isensee 2024) encoder stages; the decoder is plain in both.
        groups: of a group norm; where it does not divide a stage's features, the next smaller number that does.
    """

    block: BlockName = "plain"
    norm: NormName = "instance"
    groups: int = 8

    def build(
        self,
        topology: Topology,
        input_channels: int,
        output_channels: int,
        deep_supervision: bool,
        recomputed: bool = False,
    ) -> UNet:
        """Return an initialised network; the kernels' length makes it 2D or 3D.

        Raises:
            PlanError: batch norms would see every batch twice if their stages were recomputed.
        """
        if recomputed and self.norm == "batch":
            raise PlanError(
                "training.recomputed: a network with batch norm cannot be recomputed, its running averages would count "
                "every batch twice. Plan with --set training.recomputed=false or --set network.options.norm=instance."
            )
        layers = Layers(dimensions=len(topology.kernels[0]), norm=self.norm, groups=self.groups)
        return UNet(layers, self.block, topology, (input_channels, output_channels), deep_supervision, recomputed)


def build_encoder(layers: Layers, block: BlockName, topology: Topology, input_channels: int) -> nn.ModuleList:
    """Return the encoder's stages, finest first."""
    widths = pairwise((input_channels, *topology.features))
    rows = zip(widths, topology.kernels, topology.strides, topology.encoder_blocks, strict=True)
    return nn.ModuleList(stage(layers, block, *row) for row in rows)


def build_decoder(layers: Layers, topology: Topology) -> nn.ModuleList:
    """Return the decoder's stages in the order of use, coarsest first.

    `Topology.decoder_blocks` is finest first like every other field.
    """
    widths = ((coarse, fine) for fine, coarse in pairwise(topology.features))
    rows = zip(widths, topology.kernels[:-1], topology.strides[1:], topology.decoder_blocks, strict=True)
    return nn.ModuleList(reversed([DecoderStage(layers, *row) for row in rows]))


def initialize(module: nn.Module) -> None:
    """Set a module's own weights to nnU-Net's start: Kaiming normal (He 2015), no bias, closed residual branches."""
    if isinstance(module, Convolution):
        nn.init.kaiming_normal_(module.weight, a=NEGATIVE_SLOPE)
        if module.bias is not None:
            nn.init.zeros_(module.bias)
    if isinstance(module, ResidualBlock):
        nn.init.zeros_(module.second.norm.weight)


def drop_unknown_auxiliary_heads(network: UNet, state: dict[str, Any], prefix: str, *_: object) -> None:
    """Remove from a state dict the heads of deep supervision that a network does not have."""
    if not network.auxiliary_heads:
        for name in [name for name in state if name.startswith(f"{prefix}auxiliary_heads.")]:
            del state[name]
