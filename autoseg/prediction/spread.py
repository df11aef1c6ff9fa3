"""Agreement between the members of an ensemble."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from autoseg.prediction.ensemble import merge
from autoseg.prediction.probabilities import Probabilities, select_targets
from dataset_fingerprints.geometry import Box, canonical_grid


@dataclass(frozen=True, kw_only=True, slots=True)
class UncertainSlab:
    """Disagreement in some neighbouring layers.

    Attributes:
        box: in the scan's canonical grid.
        mean: (label or region, x, y, z), the probabilities that the mask follows from.
        deviation: (label or region, x, y, z), the standard deviation of the members' probabilities, 0 to 0.5.
        entropy: (x, y, z), of these probabilities, in nats; of regions, which do not compete, the sum of each one's.
    """

    box: Box
    mean: torch.Tensor
    deviation: torch.Tensor
    entropy: torch.Tensor


@dataclass(frozen=True, kw_only=True, slots=True)
class UncertaintyMaps:
    """What is known of how sure a mask is, voxel by voxel; outside of the box that was looked at it is 0.

    Attributes:
        entropy: of the mean probabilities, in nats.
        disagreement: the standard deviation of the networks' probabilities, of several labels or regions that of the
            one that they disagree about the most; None of a single network.
    """

    entropy: NDArray[np.float32]
    disagreement: NDArray[np.float32] | None


@dataclass(frozen=True, kw_only=True, slots=True)
class Uncertainty:
    """The disagreement of an ensemble's members, read slab by slab; outside the mean's box there is none.

    Attributes:
        mean: of the members' probabilities, by any weights, or of their logits.
    """

    mean: Probabilities
    members: tuple[Probabilities, ...]

    def measure(self) -> UncertaintyMaps:
        """Return (x, y, z) maps on the scan's whole canonical grid."""
        shape = canonical_grid(self.mean.source_grid).shape
        entropy = np.zeros(shape, dtype=np.float32)
        disagreement = np.zeros(shape, dtype=np.float32) if len(self.members) > 1 else None
        for slab in self.slabs():
            entropy[slab.box.slices()] = slab.entropy.cpu().numpy()
            if disagreement is not None:
                disagreement[slab.box.slices()] = torch.amax(slab.deviation, dim=0).cpu().numpy()
        return UncertaintyMaps(entropy=entropy, disagreement=disagreement)

    def slabs(self, thickness: int | None = None) -> Iterator[UncertainSlab]:
        """Yield slabs that cover the mean's box, each layer once.

        Args:
            thickness: of a slab in layers; None as in `Probabilities.slabs`.
        """
        heads = self.mean.scheme.heads()
        for slab in self.mean.slabs(thickness=thickness):
            mean = select_targets(slab.values, heads)
            deviation = _measure_deviation(
                select_targets(member.read_box(slab.box), heads).to(mean.device) for member in self.members
            )
            yield UncertainSlab(
                box=slab.box,
                mean=mean,
                deviation=deviation,
                entropy=_entropy(slab.values, exclusive=heads.exclusive),
            )


def spread(per_member: Sequence[Probabilities]) -> Uncertainty:
    """Return how far the members' probabilities of one scan lie apart.

    Raises:
        ValueError: there is no member, or labels or scans differ.
    """
    return Uncertainty(mean=merge(per_member), members=tuple(per_member))


def _measure_deviation(members: Iterable[torch.Tensor]) -> torch.Tensor:
    """Return the standard deviation of arrays of one shape, which are in memory one after the other (Welford 1962).

    It is about their own mean: that of weighted networks, or of the networks' logits, is another one.
    """
    others = iter(members)
    mean, count = next(others), 1
    squares = torch.zeros_like(mean)
    for values in others:
        count += 1
        difference = values - mean
        mean = mean + difference / count
        squares.addcmul_(difference, values - mean)
    return (squares / count).clamp_min(0).sqrt()


def _entropy(values: torch.Tensor, *, exclusive: bool) -> torch.Tensor:
    terms: torch.Tensor = torch.special.entr(values)
    if not exclusive:
        terms = terms + torch.special.entr((1 - values).clamp_min(0))
    return terms.sum(0)
