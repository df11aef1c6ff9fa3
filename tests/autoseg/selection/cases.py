"""Cases with made-up probabilities and references."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from scipy import ndimage

from autoseg.prediction import Probabilities, StoredLayers
from dataset_fingerprints.dataset import LabelScheme
from dataset_fingerprints.geometry import make_box, make_grid

SHAPE, SPACING_MM = (14, 13, 12), (2.0, 1.5, 3.0)


def make_probabilities(scheme: LabelScheme, seed: int, smoothing: float = 1.0) -> Probabilities:
    """Return smooth noise as probabilities inside a box that is smaller than the scan."""
    heads = scheme.heads()
    noise = np.random.default_rng(seed).normal(size=(heads.count(), 11, 12, 10))
    noise = ndimage.gaussian_filter(noise, (0, smoothing, smoothing, smoothing))
    logits = torch.from_numpy(3 * noise / noise.std()).float()
    values = logits.softmax(0) if heads.exclusive else logits.sigmoid()
    return Probabilities(
        scheme=scheme,
        source_grid=make_grid(SHAPE, np.diag([*SPACING_MM, 1.0])),
        box=make_box((2, 0, 1), (13, 12, 11)),
        layers=StoredLayers(values=values),
    )


def make_reference(scheme: LabelScheme, seed: int) -> NDArray[np.uint8]:
    """Return label indices in smooth patches, ignored ones included where there are such."""
    noise = ndimage.gaussian_filter(
        np.random.default_rng(seed).normal(size=(scheme.index_count(), *SHAPE)), (0, 1, 1, 1)
    )
    noise[0] += 0.15
    return noise.argmax(axis=0).astype(np.uint8)
