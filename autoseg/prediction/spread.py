"""Agreement between the members of an ensemble."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import torch

from autoseg.prediction.ensemble import merge
from autoseg.prediction.probabilities import Probabilities, select_targets
from dataset_fingerprints.geometry import Box


@dataclass(frozen=True, kw_only=True, slots=True)
class UncertainSlab:
    """Disagreement in some neighbouring layers.

    Attributes:
        box: in the scan's canonical grid.
        deviation: (label or region, x, y, z), the standard deviation of the members' probabilities, 0 to 0.5.
        entropy: (x, y, z), of the mean probabilities, in nats; of regions, which do not compete, the sum of each one's.
    """

    box: Box
    deviation: torch.Tensor
    entropy: torch.Tensor


@dataclass(frozen=True, kw_only=True, slots=True)
class Uncertainty:
    """The disagreement of an ensemble's members, read slab by slab; outside the mean's box there is none.

    Attributes:
        mean: of the members, equally weighted.
    """

    mean: Probabilities
    members: tuple[Probabilities, ...]

    def slabs(self, thickness: int | None = None) -> Iterator[UncertainSlab]:
        """Yield slabs that cover the mean's box, each layer once.

        Args:
            thickness: of a slab in layers; None as in `Probabilities.slabs`.
        """
        heads = self.mean.scheme.heads()
        for slab in self.mean.slabs(thickness=thickness):
            mean = select_targets(slab.values, heads)
            squares = torch.zeros_like(mean)
            for member in self.members:
                difference = select_targets(member.read_box(slab.box), heads).to(mean.device) - mean
                squares.addcmul_(difference, difference)
            yield UncertainSlab(
                box=slab.box,
                deviation=(squares / len(self.members)).sqrt(),
                entropy=_entropy(slab.values, exclusive=heads.exclusive),
            )


def spread(per_member: Sequence[Probabilities]) -> Uncertainty:
    """Return how far the members' probabilities of one scan lie apart.

    Raises:
        ValueError: there is no member, or labels or scans differ.
    """
    return Uncertainty(mean=merge(per_member), members=tuple(per_member))


def _entropy(values: torch.Tensor, *, exclusive: bool) -> torch.Tensor:
    terms: torch.Tensor = torch.special.entr(values)
    if not exclusive:
        terms = terms + torch.special.entr((1 - values).clamp_min(0))
    return terms.sum(0)
