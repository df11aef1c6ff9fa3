"""Options of the textures that are measured."""

from __future__ import annotations

from dataclasses import dataclass

from dataset_fingerprints.errors import DataError

# Of top-hats and gradients, which see this many times the radius around a voxel.
_REACH = 2


@dataclass(frozen=True, kw_only=True, slots=True)
class TextureOptions:
    """Options of the textures; all have a default.

    Attributes:
        size: edge of a window, in voxels of a slice.
        levels: grey levels that histograms, co-occurrences and runs are counted in.
        distances: of the two voxels of a co-occurrence.
        radius: of structures that top-hats find, in voxels.
    """

    size: int = 30
    levels: int = 8
    distances: tuple[int, ...] = (1, 2)
    radius: int = 2

    def __post_init__(self) -> None:
        if self.size < 3:
            raise DataError(f"--size is {self.size}. Expected at least 3 voxels.")
        if self.levels < 2:
            raise DataError(f"--levels is {self.levels}. Expected at least 2 grey levels.")

    def longest_run(self) -> int:
        """Return how far a run of one grey level is followed to either side."""
        return self.size // 2

    def margin(self) -> int:
        """Return how many voxels around a window its numbers depend on."""
        return max(self.longest_run(), _REACH * self.radius + 1, *self.distances)

    def reach(self) -> int:
        """Return how far from its middle a window's numbers depend on voxels."""
        return self.size // 2 + self.margin()
