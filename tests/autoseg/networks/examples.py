"""A small network of every entry of the table, in every number of dimensions that it has."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import Tensor, nn

from autoseg.networks import BUILDERS
from planners.choices import Choice, choose, resolve
from planners.parts import NETWORKS
from planners.parts.networks import NetworkLayers, NetworkOptions

INPUT_CHANNELS, OUTPUT_CHANNELS, BATCH = 2, 3, 2
# Anisotropic kernels and strides, and a width that stays across a stride.
UNETS: dict[int, dict[str, Any]] = {
    2: {
        "features": [4, 6, 6, 8],
        "kernels": [[1, 3], [3, 3], [3, 3], [3, 3]],
        "strides": [[1, 1], [1, 2], [2, 2], [2, 1]],
        "encoder_blocks": [1, 2, 1, 2],
        "decoder_blocks": [1, 2, 1],
    },
    3: {
        "features": [4, 6, 6, 8],
        "kernels": [[1, 3, 3], [1, 3, 3], [3, 3, 3], [3, 3, 3]],
        "strides": [[1, 1, 1], [1, 2, 2], [2, 2, 2], [1, 2, 1]],
        "encoder_blocks": [1, 2, 1, 2],
        "decoder_blocks": [1, 2, 1],
    },
}
UNET_VARIANTS = [(block, norm) for block in ("plain", "residual") for norm in ("instance", "batch", "group")]
# By its axes, block and norm: with channels weighed at the end of every level.
ATTENTIVE = [(2, "plain", "instance"), (3, "plain", "instance"), (3, "residual", "group")]
# At least so long are patches, along each axis.
LENGTHS = {2: (12, 16), 3: (4, 16, 12)}


@dataclass(frozen=True, kw_only=True, slots=True)
class Example:
    """A network and the patch that goes into it."""

    name: str
    choice: Choice
    patch: tuple[int, ...]

    @property
    def options(self) -> NetworkOptions:
        return resolve(self.choice, NETWORKS, "network")

    def scaled(self, factor: float) -> Example:
        return replace(self, choice=choose(self.choice.name, self.options.scaled(factor)))

    def layers(self) -> NetworkLayers:
        return self.options.layers(INPUT_CHANNELS, OUTPUT_CHANNELS, self.patch)

    def build(self, *, recomputed: bool = False) -> nn.Module:
        torch.manual_seed(0)
        options, build = BUILDERS.find(self.choice)
        network: nn.Module = build(options, INPUT_CHANNELS, OUTPUT_CHANNELS, recomputed)
        return network

    def images(self) -> Tensor:
        generator = torch.Generator().manual_seed(1)
        return torch.randn(BATCH, INPUT_CHANNELS, *self.patch, generator=generator)


def list_examples() -> Iterator[Example]:
    """Yield U-Nets of all kinds, and every other network with its own default options."""
    for axes, shape in UNETS.items():
        for block, norm in UNET_VARIANTS:
            choice = Choice(name="unet", options={**shape, "block": block, "norm": norm})
            yield Example(name=f"unet-{block}-{norm}-{axes}d", choice=choice, patch=LENGTHS[axes])
    for axes, block, norm in ATTENTIVE:
        weighed = {"block": block, "norm": norm, "attention": "squeeze_excitation", "reduction": 1}
        choice = Choice(name="unet", options={**UNETS[axes], **weighed})
        yield Example(name=f"unet-{block}-{norm}-{axes}d-attentive", choice=choice, patch=LENGTHS[axes])
    for name in NETWORKS:
        if name != "unet":
            yield from list_plain_examples(name)


def list_plain_examples(name: str) -> Iterator[Example]:
    options = resolve(Choice(name=name), NETWORKS, "network")
    for axes, lengths in LENGTHS.items():
        if not list(options.find_shape_problems(axes)):
            steps = zip(lengths, options.divisors(), strict=True)
            patch = tuple(-(-length // step) * step for length, step in steps)
            yield Example(name=f"{name}-{axes}d", choice=Choice(name=name), patch=patch)


def open_residual_branches(network: nn.Module) -> None:
    """Give scales and shifts of norms values that let every parameter matter, as after some training."""
    generator = torch.Generator().manual_seed(2)
    for parameter in network.parameters():
        if parameter.ndim == 1:
            nn.init.uniform_(parameter, 0.5, 1.5, generator=generator)


def has_batch_norm(network: nn.Module) -> bool:
    return any(isinstance(part, nn.BatchNorm2d | nn.BatchNorm3d) for part in network.modules())
