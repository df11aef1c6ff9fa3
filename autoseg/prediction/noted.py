"""What post-processing asks of probabilities that are not held, noted while they go by."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray

from autoseg.prediction.probabilities import Probabilities, Slab, select_targets
from dataset_fingerprints.geometry import Box


class NotedProbabilities:
    """The probabilities of the labels that voxels got, in half precision (rounded by 0.00025 at most).

    Of labels that compete one number per voxel says that; of regions there is one each.

    Args:
        probabilities: that are noted slab by slab.
    """

    def __init__(self, probabilities: Probabilities) -> None:
        self._heads, self._box = probabilities.scheme.heads(), probabilities.box
        maps = 1 if self._heads.exclusive else len(self._heads.targets())
        self._maps = np.zeros((maps, *self._box.shape()), dtype=np.float16)

    def note(self, slab: Slab, chosen: torch.Tensor) -> None:
        """Keep what is needed of a slab.

        Args:
            slab: of the probabilities.
            chosen: (x, y, z) the label indices that it got.
        """
        values = select_targets(slab.values, self._heads)
        if self._heads.exclusive:
            values = values.gather(0, (chosen.long() - 1).clamp_min_(0)[None]) * (chosen > 0)
        self._maps[(slice(None), *slab.box.relative_to(self._box).slices())] = values.half().cpu().numpy()

    def measure_peaks(self, target: int, box: Box, components: NDArray[np.integer]) -> NDArray[np.float32]:
        """Return the largest probability in each component of a label or region; see `measure_peaks` in `deciding`."""
        peaks = np.zeros(int(components.max()) + 1, dtype=np.float32)
        found = self._maps[(0 if self._heads.exclusive else target, *box.relative_to(self._box).slices())]
        for layer, values in zip(components, found, strict=True):
            inside = layer > 0
            np.maximum.at(peaks, layer[inside], values[inside].astype(np.float32))
        return peaks
