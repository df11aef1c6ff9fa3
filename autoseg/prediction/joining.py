"""Predictors that find different labels of a scan, side by side: one label map of several models."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch

from autoseg.prediction.ensemble import Ensemble, merge
from autoseg.prediction.inputs import SharedInputs, predict_with
from autoseg.prediction.probabilities import Predictor, Probabilities, select_targets
from dataset_fingerprints.dataset import LabelScheme, join_schemes
from dataset_fingerprints.geometry import Box, enclose
from dataset_fingerprints.measuring.scans import Scan


@dataclass(frozen=True, kw_only=True, slots=True)
class Joined:
    """Predictors of different labels; what several of them find is averaged.

    Attributes:
        members: of labels of the same scans.
        regions: what each of them finds, as regions of the data set's labels in the order of its outputs.
    """

    members: tuple[Predictor, ...]
    regions: tuple[LabelScheme, ...]

    def predict(self, scan: Scan) -> Probabilities:
        """Return the probabilities of all that the members find, each of which decides for itself."""
        return self.predict_shared(SharedInputs(scan))

    def predict_shared(self, inputs: SharedInputs) -> Probabilities:
        """Return the same, sharing what networks see of the scan with others."""
        return combine([predict_with(member, inputs) for member in self.members], self.regions)


def join_predictors(members: Sequence[Predictor], regions: Sequence[LabelScheme]) -> Predictor:
    """Return one predictor: of the same labels the mean of all members, of different ones all that they find.

    Args:
        members: at least one.
        regions: as in `Joined`.
    """
    if len(members) == 1:
        return members[0]
    if all(one == regions[0] for one in regions):
        return Ensemble(members=tuple(members))
    return Joined(members=tuple(members), regions=tuple(regions))


def combine(per_member: Sequence[Probabilities], regions: Sequence[LabelScheme]) -> Probabilities:
    """Return what several members find of one scan together, computed slab by slab when it is read.

    Members of the same labels are averaged. Different labels are put side by side as regions, each of which decides for
    itself: the mean of the members that find it.

    Args:
        per_member: of one scan.
        regions: as in `Joined`.

    Raises:
        ValueError: there is no member, or scans differ.
    """
    if all(one == regions[0] for one in regions):
        return merge(per_member)
    first, scheme = per_member[0], join_schemes(regions)
    if any(member.source_grid != first.source_grid for member in per_member):
        raise ValueError("the members' scans differ")
    box = enclose([member.box for member in per_member])
    fallbacks = dict.fromkeys(fallback for member in per_member for fallback in member.fallbacks)
    return Probabilities(
        scheme=scheme,
        source_grid=first.source_grid,
        box=box,
        layers=JoinedLayers(box=box, members=tuple(per_member), regions=tuple(regions), scheme=scheme),
        fallbacks=tuple(fallbacks),
    )


@dataclass(frozen=True, kw_only=True, slots=True)
class JoinedLayers:
    """Probabilities that are put side by side whenever they are read.

    Attributes:
        box: that holds all the members' boxes, in the scan's canonical grid.
        regions: as in `Joined`.
        scheme: of all that they find.
    """

    box: Box
    members: tuple[Probabilities, ...]
    regions: tuple[LabelScheme, ...]
    scheme: LabelScheme

    @property
    def held(self) -> bool:
        """Whether reading all members again costs little."""
        return all(member.layers.held for member in self.members)

    def read(self, start: int, stop: int) -> torch.Tensor:
        """Return the probabilities (region, stop - start, y, z) of some layers, on the first member's device."""
        (x, y, z), (_, y_stop, z_stop) = self.box.start, self.box.stop
        box = Box(start=(x + start, y, z), stop=(x + stop, y_stop, z_stop))
        found: dict[tuple[int, ...], list[torch.Tensor]] = {}
        for member, finds in zip(self.members, self.regions, strict=True):
            targets = select_targets(member.read_box(box), member.scheme.heads())
            for region, values in zip(finds.regions, targets, strict=True):
                found.setdefault(region.values, []).append(values)
        device = next(iter(found.values()))[0].device
        groups = (found[region.values] for region in self.scheme.regions)
        return torch.stack([torch.stack([one.to(device) for one in group]).mean(0) for group in groups])
