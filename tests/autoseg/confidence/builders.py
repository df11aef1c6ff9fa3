"""Segmented scans made by hand, and out-of-fold cases with a planted relation of sign and Dice."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray

from autoseg.confidence import MaskSigns, Measured
from autoseg.prediction import Probabilities, Segmented, StoredLayers, decide, merge
from autoseg.prediction.segmented import list_members
from dataset_fingerprints.dataset import LabelScheme
from dataset_fingerprints.geometry import Box, TripleFloat, make_grid
from tests.synthetic.heads import plain_scheme


def lesion_probabilities(
    values: NDArray[np.floating], spacing_mm: TripleFloat = (1, 1, 1), scheme: LabelScheme | None = None
) -> Probabilities:
    """Return probabilities of (target, x, y, z), of labels with what is left for background."""
    scheme = scheme or plain_scheme(len(values))
    targets = torch.from_numpy(np.asarray(values, dtype=np.float32))
    outputs = torch.cat([1 - targets.sum(0, keepdim=True), targets]) if scheme.heads().exclusive else targets
    shape = values.shape[1:]
    return Probabilities(
        scheme=scheme,
        source_grid=make_grid(shape, np.diag([*spacing_mm, 1.0])),
        box=Box(start=(0, 0, 0), stop=shape),
        layers=StoredLayers(values=outputs),
    )


def segment(members: Sequence[Probabilities]) -> Segmented:
    """Return what the members' mean makes of a scan, by the usual rule."""
    mean = merge(members)
    labels = mean.scheme.to_values(decide(mean))
    return Segmented(labels=labels, probabilities=mean, members=list_members(mean))


def make_signs(confidence: float, voxels: int = 1000) -> MaskSigns:
    """Return signs of a mask of which only the confidence says something."""
    return MaskSigns(
        voxels=voxels,
        volume_ml=voxels / 1000,
        expected_voxels=float(voxels),
        soft_dice_confidence=confidence,
        mean_probability=0.8,
        agreement=None,
        lesions=(),
    )


def plant(count: int, noise: float, seed: int = 0, empty: int = 0) -> list[Measured]:
    """Return cases whose Dice is 1.2 times the confidence minus 0.3; every second empty mask is right."""
    rng = np.random.default_rng(seed)
    confidences = rng.uniform(0.3, 1.0, count)
    dice = np.clip(1.2 * confidences - 0.3 + rng.normal(0, noise, count), 0, 1)
    cases = [
        Measured(subject=f"sub-{number}", fold=str(number % 5), signs=(make_signs(confidence),), dice=(float(true),))
        for number, (confidence, true) in enumerate(zip(confidences, dice, strict=True))
    ]
    return cases + [
        Measured(
            subject=f"empty-{number}", fold=str(number % 5), signs=(make_signs(0.0, 0),), dice=(float(number % 2),)
        )
        for number in range(empty)
    ]
