"""The ends of a network: tensors that grow with its channels, and those that grow with its heads."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from autoseg.networks import build_network
from planners.plan import Configuration
from planners.start import Transfer

Shape = tuple[int, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class Ends:
    """Axes of a network's tensors along which channels or heads are counted, by the tensors' names."""

    inputs: Mapping[str, int]
    heads: Mapping[str, int]


def build_outline(configuration: Configuration, channels: int, heads: int) -> nn.Module:
    """Build a configuration's network of tensors that have shapes and no values."""
    with torch.device("meta"):
        return build_network(configuration, channels, heads)


def find_ends(configuration: Configuration, channels: int, heads: int) -> Ends:
    """Return the ends of a configuration's network: what changes where it has one channel or head more.

    Args:
        configuration: names the network.
        channels: of its input.
        heads: channels of its logits.
    """
    shapes = _measure(configuration, channels, heads)
    return Ends(
        inputs=_find_growing(shapes, _measure(configuration, channels + 1, heads)),
        heads=_find_growing(shapes, _measure(configuration, channels, heads + 1)),
    )


@dataclass(frozen=True, kw_only=True, slots=True)
class EndFit:
    """Way in which the ends of a model's network become those of another one.

    Attributes:
        ends: of the network that they become.
        transfer: places of its channels and heads in those of the model.
    """

    ends: Ends
    transfer: Transfer

    def apply(self, tensors: Mapping[str, Tensor], mine: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """Return a model's weights with its channels and heads put where a network has them.

        Channels that the model does not know start as the mean of those that it knows, and all of them are scaled by
        how many there were for how many there are, so that what they add up to stays of the same size. Masks and
        neighbouring slices that it does not know start at 0, heads that it does not know as they are in the network.
        Where it knows none of the heads, they are left out.

        Args:
            tensors: of the model.
            mine: the network's, as it is before.
        """
        known = any(place is not None for place in self.transfer.heads)
        fitted = {name: tensor for name, tensor in tensors.items() if known or name not in self.ends.heads}
        for name, axis in self.ends.inputs.items():
            if name in fitted and _are_alike(fitted[name], mine[name], axis):
                fitted[name] = _fit_inputs(fitted[name], axis, self.transfer)
        for name, axis in self.ends.heads.items():
            if name in fitted and _are_alike(fitted[name], mine[name], axis):
                fitted[name] = _fit_heads(fitted[name], mine[name], axis, self.transfer)
        return fitted

    def share(self, name: str) -> float:
        """Return the share of a fitted tensor's values that come from the model."""
        if name not in self.ends.heads:
            return 1.0
        return sum(place is not None for place in self.transfer.heads) / len(self.transfer.heads)


def _fit_inputs(weight: Tensor, axis: int, transfer: Transfer) -> Tensor:
    scans = weight.narrow(axis, 0, transfer.known_channels)
    scale = transfer.known_channels / len(transfer.channels)
    mean = scans.mean(dim=axis)
    taken = [mean if place is None else weight.select(axis, place) for place in transfer.channels]
    parts = [part * scale if scale != 1 else part for part in taken]
    further = (*transfer.masks, *transfer.neighbours)
    parts += [torch.zeros_like(mean) if place is None else weight.select(axis, place) for place in further]
    return torch.stack(parts, dim=axis)


def _fit_heads(weight: Tensor, mine: Tensor, axis: int, transfer: Transfer) -> Tensor:
    parts = [
        mine.select(axis, own).to(weight) if place is None else weight.select(axis, place)
        for own, place in enumerate(transfer.heads)
    ]
    return torch.stack(parts, dim=axis)


def _are_alike(theirs: Tensor, mine: Tensor, axis: int) -> bool:
    """Return whether two tensors differ along one axis at most."""
    shapes = [list(tensor.shape) for tensor in (theirs, mine)]
    if len(shapes[0]) != len(shapes[1]):
        return False
    for shape in shapes:
        shape[axis] = 0
    return shapes[0] == shapes[1]


def _measure(configuration: Configuration, channels: int, heads: int) -> dict[str, Shape]:
    network = build_outline(configuration, channels, heads)
    return {name: tuple(tensor.shape) for name, tensor in network.state_dict().items()}


def _find_growing(shapes: Mapping[str, Shape], larger: Mapping[str, Shape]) -> dict[str, int]:
    """Return the axes along which tensors are by one longer."""
    found = {}
    for name, shape in shapes.items():
        pairs = enumerate(zip(shape, larger.get(name, shape), strict=False))
        axes = [axis for axis, (length, longer) in pairs if longer == length + 1]
        if len(axes) == 1:
            found[name] = axes[0]
    return found
