"""What is counted of probabilities of labels that compete, where all of them would take too much memory."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from autoseg.hardware import give_freed_memory_back
from autoseg.prediction.deciding import choose_labels
from autoseg.prediction.probabilities import Probabilities, Slab
from autoseg.prediction.quantised import quantise_slab
from dataset_fingerprints.geometry import Box
from dataset_fingerprints.reading.body import bounding_box


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Part:
    """Some neighbouring layers, in the box where any voxel got a label.

    Attributes:
        box: in the canonical grid.
        own: (x, y, z) the probability, in 1/255, of the label that a voxel got; 0 where it got none.
    """

    box: Box
    own: NDArray[np.uint8]


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Tally:
    """Probabilities in 1/255: their sums, and of each voxel that of the label that it got.

    Attributes:
        sums: per label, of all voxels.
        parts: in ascending order.
    """

    sums: NDArray[np.int64]
    parts: tuple[Part, ...]

    def read(self, box: Box) -> NDArray[np.uint8]:
        """Return (x, y, z) the probabilities of voxels' own labels in a box of the canonical grid."""
        values = np.zeros(box.shape(), dtype=np.uint8)
        for part in self.parts:
            both = part.box.overlap(box)
            if both is not None:
                values[both.relative_to(box).slices()] = part.own[both.relative_to(part.box).slices()]
        return values


class Tallier:
    """Takes all slabs of probabilities in ascending order and counts them.

    Args:
        probabilities: that the slabs are of; their labels compete.
        thresholds: by which voxels get labels, as in `Decision`.
    """

    def __init__(self, probabilities: Probabilities, thresholds: Sequence[float]) -> None:
        self._probabilities, self._thresholds = probabilities, tuple(thresholds)
        self._heads = probabilities.scheme.heads()
        self._sums = np.zeros(len(self._heads.targets()), dtype=np.int64)
        self._parts: list[Part] = []

    def see(self, slab: Slab) -> None:
        """Count a slab."""
        chosen = choose_labels(slab.values, self._heads, self._thresholds).cpu().numpy()
        values = quantise_slab(slab.values, self._heads)
        self._sums += values.sum((1, 2, 3), dtype=np.int64)
        if not chosen.any():
            return
        inside = bounding_box(chosen > 0)
        labels = chosen[inside.slices()]
        places = np.maximum(labels, 1)[None].astype(np.intp) - 1
        own = np.take_along_axis(values[(slice(None), *inside.slices())], places, axis=0)[0]
        self._parts.append(Part(box=inside.moved(slab.box.start), own=np.where(labels > 0, own, np.uint8(0))))
        # What is kept would lie between holes that are larger.
        del chosen, values, labels, places, own
        give_freed_memory_back()

    def tally(self) -> Tally:
        """Return what was counted."""
        return Tally(sums=self._sums, parts=tuple(self._parts))

    def finish(self) -> tuple[Probabilities, tuple[Probabilities, ...]]:
        """Return the probabilities as they are, and the same as the only member."""
        return self._probabilities, (self._probabilities,)
