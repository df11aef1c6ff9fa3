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
# The same for MedNeXt; with few channels inside, contractions over them are short.
MEDNEXTS: dict[int, dict[str, Any]] = {
    2: {
        "features": [4, 6, 8],
        "kernels": [[1, 3], [5, 3], [3, 3]],
        "strides": [[1, 1], [1, 2], [2, 2]],
        "encoder_blocks": [1, 2, 1],
        "decoder_blocks": [1, 2],
        "encoder_expansions": [2, 3, 2],
        "decoder_expansions": [3, 2],
    },
    3: {
        "features": [4, 6, 8],
        "kernels": [[1, 3, 3], [3, 5, 3], [3, 3, 3]],
        "strides": [[1, 1, 1], [1, 2, 2], [2, 2, 1]],
        "encoder_blocks": [1, 2, 1],
        "decoder_blocks": [1, 2],
        "encoder_expansions": [2, 3, 2],
        "decoder_expansions": [3, 2],
    },
}
UNET_VARIANTS = [(block, norm) for block in ("plain", "residual") for norm in ("instance", "batch", "group")]
SEGNETS: tuple[dict[str, Any], ...] = (
    {"upsampling": "pooling_indices"},
    {"upsampling": "pooling_indices", "norm": "instance"},
    {"norm": "group", "axes": 3},
    {"upsampling": "pooling_indices", "axes": 3},
)
# With residual blocks up and down, and in one of them skips that learn nothing and no stem.
RESIDUAL_UP: dict[str, dict[str, Any]] = {
    "both": {"block": "residual", "decoder_block": "residual", "norm": "group", "groups": 2},
    "bare": {
        "block": "residual",
        "decoder_block": "residual",
        "norm": "instance",
        "stem": False,
        "shortcut": "padding",
    },
}
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
    """Yield U-Nets of all kinds, uneven MedNeXts, and every other network with its own default options."""
    for axes, shape in UNETS.items():
        for block, norm in UNET_VARIANTS:
            choice = Choice(name="unet", options={**shape, "block": block, "norm": norm})
            yield Example(name=f"unet-{block}-{norm}-{axes}d", choice=choice, patch=LENGTHS[axes])
        for block in ("plain", "residual"):
            choice = Choice(name="unet", options={**shape, "block": block, "downsampling": "pool"})
            yield Example(name=f"unet-{block}-pool-{axes}d", choice=choice, patch=LENGTHS[axes])
        for kind, options in RESIDUAL_UP.items():
            choice = Choice(name="unet", options={**shape, **options})
            yield Example(name=f"unet-{kind}-{axes}d", choice=choice, patch=LENGTHS[axes])
    for axes, block, norm in ATTENTIVE:
        weighed = {"block": block, "norm": norm, "attention": "squeeze_excitation", "reduction": 1}
        choice = Choice(name="unet", options={**UNETS[axes], **weighed})
        yield Example(name=f"unet-{block}-{norm}-{axes}d-attentive", choice=choice, patch=LENGTHS[axes])
    for axes, shape in MEDNEXTS.items():
        yield Example(name=f"mednext-small-{axes}d", choice=Choice(name="mednext", options=shape), patch=LENGTHS[axes])
    for name in NETWORKS:
        if name != "unet":
            yield from list_examples_of(Choice(name=name))
    for chosen in SEGNETS:
        yield from list_examples_of(Choice(name="segnet", options=chosen))


def list_examples_of(choice: Choice) -> Iterator[Example]:
    """Yield the network in every number of dimensions that it has."""
    options = resolve(choice, NETWORKS, "network")
    more = [str(value) for name, value in choice.options.items() if name != "axes"]
    for axes, lengths in LENGTHS.items():
        if not list(options.find_shape_problems(axes)):
            # A norm of a channel's one or two values leaves no gradient: the coarsest map has four at least.
            least = [2 * step if axis < 2 else step for axis, step in enumerate(options.divisors())]
            steps = zip(map(max, lengths, least), options.divisors(), strict=True)
            patch = tuple(-(-length // step) * step for length, step in steps)
            yield Example(name="-".join((choice.name, *more, f"{axes}d")), choice=choice, patch=patch)


def open_residual_branches(network: nn.Module) -> None:
    """Give scales and shifts of norms values that let every parameter matter, as after some training."""
    generator = torch.Generator().manual_seed(2)
    for parameter in network.parameters():
        if parameter.ndim == 1:
            nn.init.uniform_(parameter, 0.5, 1.5, generator=generator)


def has_batch_norm(network: nn.Module) -> bool:
    return any(isinstance(part, nn.BatchNorm2d | nn.BatchNorm3d) for part in network.modules())
