"""Growth of the patch over a training that a plan can name; `planners.sizing.growth` lists its sizes.

Fischer 2024 is arXiv:2407.07853, Fischer 2025 is arXiv:2510.23241.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Literal, Protocol

from planners.choices import PartTable


@dataclass(frozen=True, kw_only=True, slots=True)
class Extent:
    """Size of a batch; axes are those that the network sees.

    Attributes:
        patch: lengths in voxels.
        batch_size: patches.
    """

    patch: tuple[int, ...]
    batch_size: int


class GrowthOptions(Protocol):
    """Interface of the entries of `GROWTHS`."""

    def extents(self, planned: Extent, divisors: Sequence[int]) -> tuple[Extent, ...]:
        """Return the sizes that a training goes through, each for as many steps as the others; the planned one last.

        Args:
            planned: by the configuration.
            divisors: per axis, the product of the network's strides; the planned patch may be no multiple of it.
        """
        ...


@dataclass(frozen=True, kw_only=True, slots=True)
class NoGrowthOptions:
    """The planned patch from the first step to the last."""

    def extents(self, planned: Extent, divisors: Sequence[int]) -> tuple[Extent, ...]:
        """Return the planned size alone."""
        return (planned,)


@dataclass(frozen=True, kw_only=True, slots=True)
class ProgressiveOptions:
    """Patches that grow from the smallest to the planned one (PGPS, Fischer 2024 and 2025).

    The first is one divisor of the network long along each axis, two along the first, so that the coarsest feature map
    has two voxels. Then one axis after the other grows by its divisor, in turn from the second on, all sizes for as
    many steps.

    Attributes:
        batch: `same` keeps the planned number of patches (their efficiency mode); `filled` takes as many as do not make
            more voxels than a batch of the next larger patch (their performance mode).
    """

    batch: Literal["same", "filled"] = "same"

    def extents(self, planned: Extent, divisors: Sequence[int]) -> tuple[Extent, ...]:
        """Return the sizes from the smallest to the planned one."""
        patches = _grow(planned.patch, divisors)
        counts = [planned.batch_size]
        for patch, larger in reversed(list(pairwise(patches))):
            # Rounded down at every size, as their trainer does.
            counts.append(counts[-1] * math.prod(larger) // math.prod(patch) if self.batch == "filled" else counts[-1])
        return tuple(
            Extent(patch=patch, batch_size=count) for patch, count in zip(patches, reversed(counts), strict=True)
        )


def _grow(planned: tuple[int, ...], divisors: Sequence[int]) -> list[tuple[int, ...]]:
    """Return all patches in the order of use; an axis that is as long as planned is left out of the turn."""
    axes = len(planned)
    patch = [min(2 * divisor if axis == 0 else divisor, planned[axis]) for axis, divisor in enumerate(divisors)]
    patches, turn = [tuple(patch)], 1
    while tuple(patch) != planned:
        axis = turn % axes
        if patch[axis] < planned[axis]:
            patch[axis] = min(patch[axis] + divisors[axis], planned[axis])
            patches.append(tuple(patch))
        turn += 1
    return patches


GROWTHS: PartTable[type[GrowthOptions]] = PartTable(
    "growths", "growth", {"none": NoGrowthOptions, "progressive": ProgressiveOptions}
)
