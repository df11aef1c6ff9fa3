"""Labels of all voxels of a scan, by the class of the texture around them."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from autoseg.classical.texture.features import measure_textures
from autoseg.classical.texture.options import TextureOptions
from autoseg.classical.texture.patches import GreyScale
from autoseg.classical.texture.svm import TextureClassifier
from dataset_fingerprints.reading.body import bounding_box


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class TextureLabeller:
    """Classifier of the voxels of slices, by the texture around them.

    Attributes:
        step: every so many voxels along both axes are classified; scores in between are interpolated.
    """

    classifier: TextureClassifier
    scale: GreyScale
    options: TextureOptions
    step: int

    def label(
        self, voxels: NDArray[np.float32], inside: NDArray[np.bool_], axis: int, workers: int
    ) -> NDArray[np.int16]:
        """Return the class of every voxel inside, from 0 on; -1 elsewhere.

        Args:
            voxels: (x, y, z).
            inside: (x, y, z).
            axis: that slices lie across.
            workers: slices at once.
        """
        slices = [np.take(voxels, place, axis) for place in range(voxels.shape[axis])]
        masks = [np.take(inside, place, axis) for place in range(voxels.shape[axis])]
        with ThreadPoolExecutor(max_workers=workers) as pool:
            found = list(pool.map(self._label_slice, slices, masks))
        return np.stack(found, axis=axis)

    def _label_slice(self, voxels: NDArray[np.float32], inside: NDArray[np.bool_]) -> NDArray[np.int16]:
        labels = np.full(inside.shape, -1, dtype=np.int16)
        if not inside.any():
            return labels
        box = _grow(bounding_box(inside[..., None]).slices()[:2], self.options.reach(), inside.shape)
        seen = inside[box]
        grid = (slice(None, None, self.step),) * 2
        # Every voxel inside lies between places of the grid that are less than a step away.
        near = np.asarray(ndimage.maximum_filter(seen, 2 * self.step + 1))[grid]
        features = measure_textures(self.scale.apply(voxels[box]), seen, grid, self.options)
        scores = np.zeros((self.classifier.classes, *near.shape))
        scores[:, near] = self.classifier.score(np.stack([one[near] for one in features.values()], axis=1)).T
        places = np.nonzero(seen)
        between = [place / self.step for place in places]
        read: Callable[..., NDArray[np.float64]] = ndimage.map_coordinates
        every = [read(one, between, order=1, mode="nearest") for one in scores]
        labels[box][places] = np.argmax(every, axis=0)
        return labels


def _grow(box: tuple[slice, ...], voxels: int, shape: tuple[int, ...]) -> tuple[slice, ...]:
    return tuple(
        slice(max(one.start - voxels, 0), min(one.stop + voxels, length))
        for one, length in zip(box, shape, strict=True)
    )
