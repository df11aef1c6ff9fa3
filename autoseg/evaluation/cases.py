"""Scores of one case: every metric for every label."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import reduce
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from autoseg.evaluation.conventions import DEFAULT_CONVENTION, Convention
from autoseg.evaluation.mask_pair import MaskPair, pair_masks
from autoseg.evaluation.metrics import MetricOptions
from dataset_fingerprints.dataset import LabelScheme
from dataset_fingerprints.errors import DataError, did_you_mean
from dataset_fingerprints.geometry import TripleFloat
from dataset_fingerprints.names import show_name

# Where a label is: in both masks, only in the reference, only in the prediction, or in neither.
Presence = Literal["both", "missed", "invented", "absent"]

_VALUE = re.compile(r"\s*-?[0-9]{1,10}\s*")


@dataclass(frozen=True, kw_only=True, slots=True)
class Segment:
    """A label, named by its value, or a region, named by its name, that is scored as one mask."""

    label: int | str
    values: tuple[int, ...]

    def mask(self, labels: NDArray[np.integer]) -> NDArray[np.bool_]:
        """Return where a label map holds any of the values."""
        return reduce(np.logical_or, (labels == value for value in self.values))


@dataclass(frozen=True, kw_only=True, slots=True)
class Targets:
    """Labels and regions that are scored in a label map.

    Attributes:
        ignored: the value of the reference's voxels that count in nothing, or None.

    Raises:
        DataError: two segments have one name, or the ignored value is to be scored as well.
    """

    segments: tuple[Segment, ...]
    ignored: int | None = None

    def __post_init__(self) -> None:
        named = [segment.label for segment in self.segments]
        twice = [name for name in dict.fromkeys(named) if named.count(name) > 1]
        if twice:
            raise DataError(f"{twice[0]} is given {named.count(twice[0])} times. Give each label and region once.")
        for segment in self.segments:
            if self.ignored in segment.values:
                raise DataError(
                    f"{segment.label}: holds the value {self.ignored}, which is ignored. Score it or ignore it."
                )

    def pairs(
        self,
        prediction: NDArray[np.integer],
        reference: NDArray[np.integer],
        spacing_mm: TripleFloat,
        read_probabilities: Callable[[int | str], NDArray[np.float32]] | None = None,
    ) -> Iterator[tuple[Segment, MaskPair]]:
        """Yield each segment's masks in two (x, y, z) label maps, both False at ignored voxels.

        Args:
            prediction: (x, y, z) label values.
            reference: the same.
            spacing_mm: voxel size.
            read_probabilities: returns the (x, y, z) probabilities of a label or region; None where there are none.
        """
        ignored = None if self.ignored is None else reference == self.ignored
        for segment in self.segments:
            predicted, true = segment.mask(prediction), segment.mask(reference)
            if ignored is not None:
                predicted = predicted & ~ignored
            probabilities = None if read_probabilities is None else read_probabilities(segment.label)
            yield segment, pair_masks(predicted, true, spacing_mm, ignored=ignored, probabilities=probabilities)


def label_targets(values: Iterable[int]) -> Targets:
    """Return plain labels to score, each by its value."""
    return Targets(segments=tuple(Segment(label=value, values=(value,)) for value in values))


def scheme_targets(scheme: LabelScheme) -> Targets:
    """Return what a label scheme's maps are scored by: its regions if it has any, else its labels."""
    regions = tuple(Segment(label=region.name, values=region.values) for region in scheme.regions)
    return Targets(segments=regions or label_targets(scheme.values()).segments, ignored=scheme.ignore_value)


def parse_region(text: str) -> Segment:
    """Return the region that a text such as `core=2,3` names.

    Raises:
        DataError: the text does not name a region.
    """
    name, _, values = text.partition("=")
    if not name.strip() or not all(map(_VALUE.fullmatch, values.split(","))):
        raise DataError(
            f"--region {show_name(text)}: cannot be read. Expected a name and label values, for example core=2,3."
        )
    if _VALUE.fullmatch(name):
        raise DataError(
            f"--region {show_name(text)}: is called by a number, as labels are. Give it a name, for example "
            f"lesion={values}."
        )
    return Segment(label=name.strip(), values=tuple(int(value) for value in values.split(",")))


@dataclass(frozen=True, kw_only=True, slots=True)
class Score:
    """One metric's score.

    Attributes:
        metric: the name that the convention gives it.
        value: None where the metric could not be measured; a count stays an integer.
    """

    metric: str
    value: int | float | None


@dataclass(frozen=True, kw_only=True, slots=True)
class LabelScores:
    """One label's or region's scores in one case, in the order of the convention.

    Attributes:
        label: a label's value or a region's name.
        presence: whether its reference or its prediction is empty, where metrics may have no score.
    """

    label: int | str
    scores: tuple[Score, ...]
    presence: Presence = "both"

    def value(self, metric: str) -> float | None:
        """Return a metric's score, None where it could not be measured.

        Raises:
            ValueError: there is no such metric.
        """
        for score in self.scores:
            if score.metric == metric:
                return score.value
        raise ValueError(f"no metric '{metric}'. {did_you_mean(metric, (score.metric for score in self.scores))}")

    def number(self, metric: str) -> float:
        """Return a metric's score, NaN where it could not be measured.

        Raises:
            ValueError: there is no such metric.
        """
        value = self.value(metric)
        return math.nan if value is None else float(value)


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
    convention: Convention = DEFAULT_CONVENTION,
) -> CaseScores:
    """Score a predicted label map against the reference.

    Args:
        prediction: (x, y, z) label values.
        reference: (x, y, z) label values.
        targets: what to score, each label or region as a mask of its own.
        spacing_mm: voxel size.
        case: its name.
        convention: the metrics.

    Raises:
        ValueError: the arrays are not 3D or differ in shape.
        PlanError: the convention has an unknown metric or option.
    """
    if prediction.ndim != 3 or prediction.shape != reference.shape:
        raise ValueError(
            f"case {case}: the prediction has shape {prediction.shape}, the reference {reference.shape}. "
            "Expected two (x, y, z) arrays of one shape."
        )
    metrics = convention.build()
    pairs = targets.pairs(prediction, reference, spacing_mm)
    return CaseScores(case=case, labels=tuple(score_pair(segment.label, pair, metrics) for segment, pair in pairs))


def score_pair(label: int | str, pair: MaskPair, metrics: Mapping[str, MetricOptions]) -> LabelScores:
    """Score one label's masks.

    Args:
        label: a label's value or a region's name.
        pair: its masks.
        metrics: by the names of their scores.
    """
    scores = (Score(metric=name, value=metric.measure(pair)) for name, metric in metrics.items())
    return LabelScores(label=label, scores=tuple(scores), presence=_find_presence(pair))


def _find_presence(pair: MaskPair) -> Presence:
    if pair.empty_masks == 2:
        return "absent"
    if not pair.counts.prediction:
        return "missed"
    return "both" if pair.counts.reference else "invented"
