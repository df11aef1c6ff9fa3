"""Scores of one case: every metric for every label."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import reduce

import numpy as np
from numpy.typing import NDArray

from autoseg.evaluation.conventions import DEFAULT_CONVENTIONS, Conventions
from autoseg.evaluation.lesion_matching import match_lesions
from autoseg.evaluation.overlap import measure_overlap
from autoseg.evaluation.surface import score_hd95
from dataset_fingerprints.errors import DataError
from dataset_fingerprints.geometry import TripleFloat
from dataset_fingerprints.reading.body import bounding_box


@dataclass(frozen=True, kw_only=True, slots=True)
class Segment:
    """What is scored as one mask: a label by its value, or a region by its name."""

    label: int | str
    values: tuple[int, ...]

    def mask(self, labels: NDArray[np.integer]) -> NDArray[np.bool_]:
        """Return where a label map holds any of the values."""
        return reduce(np.logical_or, (labels == value for value in self.values))


@dataclass(frozen=True, kw_only=True, slots=True)
class Targets:
    """Everything that is scored in a label map.

    Attributes:
        ignored: the value of the reference's voxels that count in nothing, or None.
    """

    segments: tuple[Segment, ...]
    ignored: int | None = None

    def masks(
        self, prediction: NDArray[np.integer], reference: NDArray[np.integer]
    ) -> Iterator[tuple[Segment, NDArray[np.bool_], NDArray[np.bool_]]]:
        """Yield each segment's masks in prediction and reference, both False at ignored voxels."""
        for segment in self.segments:
            predicted, true = segment.mask(prediction), segment.mask(reference)
            if self.ignored is not None:
                predicted = predicted & (reference != self.ignored)
            yield segment, predicted, true


def label_targets(values: Iterable[int]) -> Targets:
    """Return plain labels to score, each by its value."""
    return Targets(segments=tuple(Segment(label=value, values=(value,)) for value in values))


def parse_region(text: str) -> Segment:
    """Return the region that a text such as `core=2,3` names.

    Raises:
        DataError: it is no such text.
    """
    name, _, values = text.partition("=")
    if not name.strip() or not re.fullmatch(r"-?\d+(,-?\d+)*", values.replace(" ", "")):
        raise DataError(f"--region {text}: cannot be read. Expected a name and label values, for example core=2,3.")
    return Segment(label=name.strip(), values=tuple(int(value) for value in values.split(",")))


@dataclass(frozen=True, kw_only=True, slots=True)
class LabelScores:
    """One label's or region's scores in one case.

    `METRICS` says what each means and `Conventions` what happens without voxels.

    Attributes:
        label: a label's value or a region's name.
        hd95_mm: None where only one of the masks is empty.
    """

    label: int | str
    dice: float
    iou: float
    precision: float
    recall: float
    hd95_mm: float | None
    lesion_f1: float
    reference_volume_ml: float
    prediction_volume_ml: float
    volume_difference_ml: float
    reference_lesions: int
    prediction_lesions: int
    lesion_count_difference: int


@dataclass(frozen=True, kw_only=True, slots=True)
class CaseScores:
    """All labels' or regions' scores in one case."""

    case: str
    labels: tuple[LabelScores, ...]


def score_case(
    prediction: NDArray[np.integer],
    reference: NDArray[np.integer],
    targets: Targets,
    spacing_mm: TripleFloat,
    case: str,
    conventions: Conventions = DEFAULT_CONVENTIONS,
) -> CaseScores:
    """Score a predicted label map against the reference.

    Args:
        prediction: (x, y, z) label values.
        reference: (x, y, z) label values.
        targets: what to score, each label or region as a mask of its own.
        spacing_mm: voxel size.
        case: its name.
        conventions: how lesions are counted.

    Raises:
        ValueError: the arrays are not 3D or differ in shape.
    """
    if prediction.ndim != 3 or prediction.shape != reference.shape:
        raise ValueError(
            f"case {case}: the prediction has shape {prediction.shape}, the reference {reference.shape}. "
            "Expected two (x, y, z) arrays of one shape."
        )
    scores = (
        score_masks(segment.label, predicted, true, spacing_mm, conventions)
        for segment, predicted, true in targets.masks(prediction, reference)
    )
    return CaseScores(case=case, labels=tuple(scores))


def score_masks(
    label: int | str,
    prediction: NDArray[np.bool_],
    reference: NDArray[np.bool_],
    spacing_mm: TripleFloat,
    conventions: Conventions = DEFAULT_CONVENTIONS,
) -> LabelScores:
    """Score one label's (x, y, z) masks; only the box around both is looked at closely."""
    flat = tuple(length == 1 for length in reference.shape)
    box = bounding_box(prediction | reference).slices()
    prediction, reference = prediction[box], reference[box]
    overlap = measure_overlap(prediction, reference)
    lesions = match_lesions(prediction, reference, conventions.lesions)
    voxel_ml = float(np.prod(spacing_mm)) / 1000.0
    return LabelScores(
        label=label,
        dice=overlap.dice(),
        iou=overlap.iou(),
        precision=overlap.precision(),
        recall=overlap.recall(),
        hd95_mm=score_hd95(prediction, reference, spacing_mm, flat),
        lesion_f1=lesions.f1(),
        reference_volume_ml=overlap.reference * voxel_ml,
        prediction_volume_ml=overlap.prediction * voxel_ml,
        volume_difference_ml=abs(overlap.prediction - overlap.reference) * voxel_ml,
        reference_lesions=lesions.reference,
        prediction_lesions=lesions.prediction,
        lesion_count_difference=abs(lesions.prediction - lesions.reference),
    )
