"""Weights that a training starts from: those of another network, as far as they fit."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor, nn

from autoseg.networks.ends import EndFit
from dataset_fingerprints.errors import PlanError
from dataset_fingerprints.names import counted, some_of

Layers = Literal["all", "matching"]


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class InitialWeights:
    """Weights to start a training from.

    Attributes:
        tensors: by their names in a network's state.
        layers: whether all must match the network, or only those are taken that do, by name and shape.
        fit: of their channels and heads, where they are of a model for other channels or labels.
    """

    tensors: Mapping[str, Tensor]
    layers: Layers
    fit: EndFit | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Match:
    """Match between given weights and a network.

    Attributes:
        loaded: number of tensors that were taken over.
        share: of the network's values that were.
        missing: names in the network that the weights do not have; these layers stay as they were.
        unused: names in the weights that the network does not have.
        reshaped: names in both, of another shape: name, shape in the weights, shape in the network.
        new: parts of the network of which nothing was taken over, such as `encoder.5`.
    """

    loaded: int
    share: float
    missing: tuple[str, ...]
    unused: tuple[str, ...]
    reshaped: tuple[tuple[str, tuple[int, ...], tuple[int, ...]], ...]
    new: tuple[str, ...]

    def is_whole(self) -> bool:
        """Return whether there is no difference."""
        return not (self.missing or self.unused or self.reshaped)

    def describe(self) -> str:
        """Return in a sentence what was loaded and what was not."""
        if self.is_whole():
            rest = "" if self.share == 1 else f", which give {self.share:.1%} of its values; the others start at random"
            return f"All {self.loaded} tensors of the initial weights are loaded{rest}."
        total = self.loaded + len(self.missing) + len(self.reshaped)
        whole = f" New in whole: {', '.join(self.new)}." if self.new else ""
        return (
            f"{self.loaded} of the network's {counted(total, 'tensor')} ({self.share:.1%} of its values) start from "
            f"the initial weights, the others at random.{whole} In detail: {self.differences()}."
        )

    def differences(self) -> str:
        """Return what differs, each kind with the first names of it."""
        reshaped = [f"{name} ({_show(theirs)} for {_show(mine)})" for name, theirs, mine in self.reshaped]
        kinds = (
            (counted(len(reshaped), "has another shape", "have another shape"), reshaped),
            (counted(len(self.missing), "is only in the network", "are only in the network"), self.missing),
            (counted(len(self.unused), "is only in the weights", "are only in the weights"), self.unused),
        )
        return "; ".join(f"{what}: {some_of(names)}" for what, names in kinds if names)


@torch.no_grad()
def load_matching(
    network: nn.Module, tensors: Mapping[str, Tensor], layers: Layers, fit: EndFit | None = None
) -> Match:
    """Copy weights into the parameters and buffers of a network that have the same name and shape.

    Args:
        network: on any device.
        tensors: by their names in a network's state, in any number type.
        layers: `all` for no less than the whole network, or `matching` for what fits.
        fit: of the weights' channels and heads, where they are of a model for other channels or labels.

    Returns:
        What was loaded and what did not fit.

    Raises:
        PlanError: not all match and all should, or nothing matches; the network is unchanged.
    """
    mine = network.state_dict()
    tensors = tensors if fit is None else fit.apply(tensors, mine)
    both = [name for name in mine if name in tensors]
    fitting = [name for name in both if tensors[name].shape == mine[name].shape]
    match = Match(
        loaded=len(fitting),
        share=_measure_share(mine, fitting, fit),
        missing=tuple(name for name in mine if name not in tensors),
        unused=tuple(name for name in tensors if name not in mine),
        reshaped=tuple(
            (name, tuple(tensors[name].shape), tuple(mine[name].shape))
            for name in both
            if tensors[name].shape != mine[name].shape
        ),
        new=tuple(dict.fromkeys(part for part in map(_part_of, mine) if part not in set(map(_part_of, fitting)))),
    )
    if layers == "all" and not match.is_whole():
        raise PlanError(
            f"The initial weights are not those of this network: {match.differences()}. Plan both networks alike, or "
            'start from what matches (initial.layers: "matching").'
        )
    if not fitting:
        raise PlanError(f"Nothing of the initial weights fits this network: {match.differences()}. Start without them.")
    for name in fitting:
        mine[name].copy_(tensors[name])
    return match


def _measure_share(mine: Mapping[str, Tensor], taken: Sequence[str], fit: EndFit | None) -> float:
    known = sum(mine[name].numel() * (1.0 if fit is None else fit.share(name)) for name in taken)
    return known / max(1, sum(tensor.numel() for tensor in mine.values()))


def _part_of(name: str) -> str:
    """Return the part of a network that a tensor belongs to: one level of `encoder.5.0.conv.weight`, or `head`."""
    first, *rest = name.split(".")
    return f"{first}.{rest[0]}" if rest and rest[0].isdecimal() else first


def _show(shape: Sequence[int]) -> str:
    return "x".join(map(str, shape)) or "one number"
