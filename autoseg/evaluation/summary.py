"""Scores over cases: mean, spread and how far the mean can be trusted."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass, fields
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from autoseg.evaluation.cases import CaseScores, LabelScores
from autoseg.evaluation.conventions import DEFAULT_CONVENTIONS, Conventions
from dataset_fingerprints.errors import did_you_mean

SCHEMA_VERSION = 1
METRIC_NAMES = tuple(field.name for field in fields(LabelScores) if field.name != "label")


@dataclass(frozen=True, kw_only=True, slots=True)
class Statistics:
    """One metric's distribution over the cases in which it could be measured.

    Attributes:
        mean: None without any case.
        sd: of the sample; None below two cases.
        median: None without any case.
        ci95: bounds of the 95 % confidence interval of the mean; None below two cases.
        n: number of cases measured.
    """

    mean: float | None
    sd: float | None
    median: float | None
    ci95: tuple[float, float] | None
    n: int


@dataclass(frozen=True, kw_only=True, slots=True)
class MetricSummary:
    """A metric's name and its distribution."""

    name: str
    statistics: Statistics


@dataclass(frozen=True, kw_only=True, slots=True)
class LabelSummary:
    """All metrics of one label or region over the cases."""

    label: int | str
    metrics: tuple[MetricSummary, ...]

    def statistics(self, metric: str) -> Statistics:
        """Return one metric's distribution.

        Raises:
            ValueError: there is no such metric.
        """
        for summary in self.metrics:
            if summary.name == metric:
                return summary.statistics
        raise ValueError(f"no metric '{metric}'. {did_you_mean(metric, (m.name for m in self.metrics))}")


@dataclass(frozen=True, kw_only=True, slots=True)
class Evaluation:
    """Every case's scores, their summary per label, and the conventions they were made with."""

    cases: tuple[CaseScores, ...]
    summary: tuple[LabelSummary, ...]
    conventions: Conventions = DEFAULT_CONVENTIONS
    schema_version: int = SCHEMA_VERSION

    @property
    def foreground_mean_dice(self) -> float:
        """The mean over labels of the mean Dice over cases."""
        means = [label.statistics("dice").mean for label in self.summary]
        return math.fsum(mean for mean in means if mean is not None) / len(means)

    def label(self, value: int | str) -> LabelSummary:
        """Return the summary of one label by its value, or of a region by its name.

        Raises:
            ValueError: the label was not scored.
        """
        for summary in self.summary:
            if summary.label == value:
                return summary
        raise ValueError(f"label {value} was not scored, only {[summary.label for summary in self.summary]}")

    def to_plain(self) -> dict[str, Any]:
        """Return the plain values of the result file, in which labels and metrics are keys."""
        return {
            "schema_version": self.schema_version,
            "conventions": asdict(self.conventions),
            "cases": [{"case": case.case, "labels": _scores_by_label(case)} for case in self.cases],
            "summary": {
                str(label.label): {metric.name: asdict(metric.statistics) for metric in label.metrics}
                for label in self.summary
            },
        }


def summarise(cases: Sequence[CaseScores], conventions: Conventions = DEFAULT_CONVENTIONS) -> Evaluation:
    """Summarise every label over all cases that score it, in the order of the first case.

    Raises:
        ValueError: there is no case, or no label in any of them.
    """
    by_label: dict[int | str, list[LabelScores]] = {}
    for case in cases:
        for scores in case.labels:
            by_label.setdefault(scores.label, []).append(scores)
    if not by_label:
        raise ValueError(f"nothing to summarise: {len(cases)} cases without a scored label")
    summary = tuple(_summarise_label(label, by_label[label], conventions) for label in by_label)
    return Evaluation(cases=tuple(cases), summary=summary, conventions=conventions)


def measure_statistics(
    values: NDArray[np.float64], resamples: int = DEFAULT_CONVENTIONS.bootstrap_resamples, seed: int = 0
) -> Statistics:
    """Describe (n,) values; the interval is a percentile bootstrap of the mean (Efron 1979)."""
    n = len(values)
    if n == 0:
        return Statistics(mean=None, sd=None, median=None, ci95=None, n=0)
    mean, median = float(values.mean()), float(np.median(values))
    if n == 1:
        return Statistics(mean=mean, sd=None, median=median, ci95=None, n=1)
    low, high = np.percentile(_resample_weights(n, resamples, seed) @ values, [2.5, 97.5])
    return Statistics(mean=mean, sd=float(values.std(ddof=1)), median=median, ci95=(float(low), float(high)), n=n)


def _summarise_label(label: int | str, scores: Sequence[LabelScores], conventions: Conventions) -> LabelSummary:
    metrics = []
    for name in METRIC_NAMES:
        measured = [value for value in (getattr(score, name) for score in scores) if value is not None]
        statistics = measure_statistics(
            np.array(measured, dtype=np.float64), conventions.bootstrap_resamples, conventions.bootstrap_seed
        )
        metrics.append(MetricSummary(name=name, statistics=statistics))
    return LabelSummary(label=label, metrics=tuple(metrics))


def _scores_by_label(case: CaseScores) -> dict[str, dict[str, float | None]]:
    return {str(scores.label): {name: getattr(scores, name) for name in METRIC_NAMES} for scores in case.labels}


@lru_cache(maxsize=4)
def _resample_weights(n: int, resamples: int, seed: int) -> NDArray[np.float64]:
    """Return (resamples, n): each row's share of every case in one sample of n cases drawn with replacement.

    Metrics measured in the same number of cases share the draws, so their intervals can be compared.
    """
    counts = np.random.default_rng(seed).multinomial(n, np.full(n, 1.0 / n), size=resamples)
    return counts / n
