"""Simulated cross-validations in which post-processing helps, hurts or does nothing, without any training."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from autoseg.prediction import Probabilities, StoredLayers
from autoseg.selection import HeldOut
from dataset_fingerprints.dataset import Label, LabelScheme
from dataset_fingerprints.geometry import Box, make_grid
from planners.plan import PostprocessingCandidates

SHAPE, SPACING_MM = (24, 24, 24), 2.0
SCHEME = LabelScheme(labels=(Label(name="lesion", value=1),))
CANDIDATES = PostprocessingCandidates(
    name="lesion",
    min_volumes_mm3=(0.0, 30.0, 60.0, 120.0),
    largest_only=False,
    thresholds=(0.3, 0.4, 0.5, 0.6, 0.7),
    large_volumes_mm3=(100.0, 300.0),
    peaks=(0.6, 0.65, 0.8),
    fill_holes=True,
)
FOLDS = 5
# Of a blob's edge: how far it is blurred, and how wrong its predicted radius is.
_EDGE_MM, _RADIUS_ERROR = 0.6, 0.1
_SMALL_MM, _LARGE_MM = (1.8, 2.7), (4.0, 9.0)


@dataclass(frozen=True, kw_only=True, slots=True)
class Planted:
    """A network's habits.

    Attributes:
        small: mean number of small lesions per case.
        detected: the share of these that it finds.
        false: mean number of false lesions per case, as small as the small ones.
        small_peaks: range of the peak probability of small lesions.
        false_peaks: that of false ones.
        fold_spread: by which networks of different folds differ in their false lesions, as a standard deviation of
            their number's logarithm.
    """

    small: float
    detected: float
    false: float
    small_peaks: tuple[float, float]
    false_peaks: tuple[float, float]
    fold_spread: float = 0.2


# The habits of a network to which post-processing does ...
EFFECTS: Mapping[str, Planted] = {
    "helps": Planted(small=0.5, detected=0.8, false=1.0, small_peaks=(0.55, 0.95), false_peaks=(0.52, 0.7)),
    "hurts": Planted(small=2.5, detected=0.9, false=0.05, small_peaks=(0.52, 0.7), false_peaks=(0.52, 0.7)),
    # As many lesions are lost as false ones are taken out, so that no rule gains anything.
    "nothing": Planted(small=1.0, detected=0.8, false=0.85, small_peaks=(0.52, 0.9), false_peaks=(0.52, 0.9)),
}


@dataclass(frozen=True, kw_only=True, slots=True)
class Blob:
    """A ball.

    Attributes:
        radius_mm: in the reference; 0 where it is in the prediction alone.
        predicted_mm: in the prediction.
        peak: largest probability; 0 where it is not found.
    """

    centre_mm: tuple[float, float, float]
    radius_mm: float
    predicted_mm: float
    peak: float


def sample_folds(planted: Planted, rng: np.random.Generator) -> NDArray[np.float64]:
    """Draw each fold's mean number of false lesions."""
    return planted.false * np.exp(rng.normal(0, planted.fold_spread, FOLDS))


def sample_case(planted: Planted, false: float, rng: np.random.Generator) -> tuple[Blob, ...]:
    """Draw the lesions of a case, found or not, and false ones."""
    found = [(*_LARGE_MM, 0.97, True) for _ in range(1 + rng.integers(2))]
    for _ in range(rng.poisson(planted.small)):
        peak = rng.uniform(*planted.small_peaks) if rng.random() < planted.detected else 0.0
        found.append((*_SMALL_MM, peak, True))
    found += [(*_SMALL_MM, rng.uniform(*planted.false_peaks), False) for _ in range(rng.poisson(false))]
    blobs: list[Blob] = []
    for least, most, peak, real in found:
        radius = rng.uniform(least, most)
        x, y, z = _sample_centre(radius, blobs, rng)
        blobs.append(
            Blob(
                centre_mm=(x, y, z),
                radius_mm=radius if real else 0.0,
                predicted_mm=radius * (1 + rng.normal(0, _RADIUS_ERROR)),
                peak=peak,
            )
        )
    return tuple(blobs)


def _sample_centre(radius: float, others: list[Blob], rng: np.random.Generator) -> NDArray[np.float64]:
    """Draw a place apart from the others, or any after many attempts."""
    edge = np.array(SHAPE) * SPACING_MM
    for _ in range(100):
        centre = rng.uniform(radius + SPACING_MM, edge - radius - SPACING_MM)
        apart = (np.linalg.norm(centre - other.centre_mm) for other in others)
        if all(
            distance > radius + max(other.radius_mm, other.predicted_mm) + 3 * SPACING_MM
            for distance, other in zip(apart, others, strict=True)
        ):
            break
    return centre


def apply_case(name: str, fold: int, blobs: tuple[Blob, ...]) -> HeldOut:
    """Return a case with its reference and probabilities."""
    places = (np.indices(SHAPE) + 0.5) * SPACING_MM
    reference = np.zeros(SHAPE, dtype=np.uint8)
    values = np.zeros(SHAPE, dtype=np.float32)
    for blob in blobs:
        distance = np.sqrt(sum((axis - at) ** 2 for axis, at in zip(places, blob.centre_mm, strict=True)))
        reference[distance <= blob.radius_mm] = 1
        # One half lies at the predicted radius, whatever the peak.
        edge = np.clip((blob.predicted_mm - distance) / _EDGE_MM, -1, 1)
        inside = 0.5 + np.where(edge > 0, blob.peak - 0.5, 0.5) * edge
        np.maximum(values, inside if blob.peak else 0, out=values)
    target = torch.from_numpy(np.round(values * 255) / np.float32(255))
    probabilities = Probabilities(
        scheme=SCHEME,
        source_grid=make_grid(SHAPE, np.diag([SPACING_MM] * 3 + [1.0])),
        box=Box(start=(0, 0, 0), stop=SHAPE),
        layers=StoredLayers(values=torch.stack([1 - target, target])),
    )
    return HeldOut(
        name=name,
        unit=name,
        fold=str(fold),
        size_bytes=0,
        read=lambda source: probabilities,
        read_reference=lambda: reference,
    )


def sample_cases(planted: Planted, count: int, rng: np.random.Generator, false: NDArray[np.float64]) -> list[HeldOut]:
    """Draw cases of all folds in turn."""
    return [
        apply_case(f"case-{number:04d}", number % FOLDS, sample_case(planted, false[number % FOLDS], rng))
        for number in range(count)
    ]
