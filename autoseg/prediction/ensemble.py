"""Several predictors as one: the weighted mean of their probabilities, or of their logits."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch

from autoseg.models import Rule
from autoseg.prediction.inputs import SharedInputs, predict_with
from autoseg.prediction.members import Member
from autoseg.prediction.probabilities import Predictor, Probabilities
from autoseg.prediction.restore import restore
from autoseg.prediction.sliding.logits import MeanLogits
from dataset_fingerprints.geometry import Box, enclose
from dataset_fingerprints.measuring.scans import Scan


@dataclass(frozen=True, kw_only=True, slots=True)
class Ensemble:
    """Predictors of the same labels, of any configurations.

    Attributes:
        members: networks, cascades or ensembles.
        weights: of the members, positive; empty for equal ones.
        rule: what is averaged: probabilities on the scan's grid, or logits on the preprocessed array, as nnU-Net does,
            of networks that see the same array.
    """

    members: tuple[Predictor, ...]
    weights: tuple[float, ...] = ()
    rule: Rule = "probabilities"

    def predict(self, scan: Scan) -> Probabilities:
        """Return the probabilities of the members' weighted mean."""
        return self.predict_shared(SharedInputs(scan))

    def predict_shared(self, inputs: SharedInputs) -> Probabilities:
        """Return the same, sharing what networks see of the scan with others."""
        if self.rule == "logits" and len(self.members) > 1:
            return self._average_logits(inputs)
        return merge(self.predict_each(inputs), self.weights)

    def predict_each(self, inputs: SharedInputs) -> tuple[Probabilities, ...]:
        """Return every member's probabilities."""
        return tuple(predict_with(member, inputs) for member in self.members)

    def _average_logits(self, inputs: SharedInputs) -> Probabilities:
        networks = [member for member in self.members if isinstance(member, Member)]
        seen = [inputs.of(network.window.configuration, network.scheme) for network in networks]
        if len(networks) < len(self.members) or any(other is not seen[0] for other in seen):
            raise ValueError("only networks that see the same preprocessed array have logits that can be averaged")
        logits = tuple(network.predict_logits(seen[0], inputs.memory) for network in networks)
        shares = share_out(self.weights, len(logits))
        return restore(MeanLogits(members=logits, shares=shares), seen[0], networks[0].scheme)


def share_out(weights: Sequence[float], members: int) -> tuple[float, ...]:
    """Return each member's share, 1 in sum; equal ones where there are no weights.

    Raises:
        ValueError: there is not one positive weight per member.
    """
    if weights and (len(weights) != members or min(weights) <= 0):
        raise ValueError(f"weights are {list(weights)}, expected {members} positive numbers")
    return tuple(weight / sum(weights) for weight in weights) or (1 / members,) * members


def merge(per_member: Sequence[Probabilities], weights: Sequence[float] = ()) -> Probabilities:
    """Return the weighted mean of probabilities of one scan, computed slab by slab when it is read.

    What lies outside a member's box is background for that member; a single member's probabilities stay as they are.

    Args:
        per_member: of the same labels; their boxes may differ.
        weights: positive; empty for equal ones.

    Raises:
        ValueError: there is no member, labels or scans differ, or there is not one positive weight per member.
    """
    if not per_member:
        raise ValueError("there is no member to merge")
    first = per_member[0]
    if any((other.scheme, other.source_grid) != (first.scheme, first.source_grid) for other in per_member):
        raise ValueError("the members' labels or scans differ")
    shares = share_out(weights, len(per_member))
    if len(per_member) == 1:
        return first
    box = enclose([member.box for member in per_member])
    layers = MergedLayers(box=box, members=tuple(per_member), shares=shares)
    fallbacks = dict.fromkeys(fallback for member in per_member for fallback in member.fallbacks)
    return Probabilities(
        scheme=first.scheme, source_grid=first.source_grid, box=box, layers=layers, fallbacks=tuple(fallbacks)
    )


@dataclass(frozen=True, kw_only=True, slots=True)
class MergedLayers:
    """Probabilities that are merged whenever they are read.

    Attributes:
        box: that holds all the members' boxes, in the scan's canonical grid.
        shares: of the members, 1 in sum.
    """

    box: Box
    members: tuple[Probabilities, ...]
    shares: tuple[float, ...]

    @property
    def held(self) -> bool:
        """Whether reading all members again costs little."""
        return all(member.layers.held for member in self.members)

    def read(self, start: int, stop: int) -> torch.Tensor:
        """Return the mean probabilities of some layers, on the first member's device."""
        (x, y, z), (_, y_stop, z_stop) = self.box.start, self.box.stop
        box = Box(start=(x + start, y, z), stop=(x + stop, y_stop, z_stop))
        (first, *others), (share, *shares) = self.members, self.shares
        total = first.read_box(box) * share
        for member, share in zip(others, shares, strict=True):
            total.add_(member.read_box(box).to(total.device), alpha=share)
        return total
