"""Agreement of volumes, and how scores depend on the size of a lesion."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from autoseg.evaluation.results import Evaluation
from autoseg.evaluation.statistics.agreement import (
    Coefficient,
    IntraclassCorrelations,
    LimitsOfAgreement,
    find_concordance,
    find_intraclass,
    find_limits,
    find_pearson,
)
from autoseg.evaluation.statistics.trend import Trend, find_trend
from autoseg.evaluation.traits import find_subjects
from dataset_fingerprints.names import counted

REFERENCE, PREDICTION = "reference", "prediction"
_VOLUMES = {REFERENCE: "reference_volume_ml", PREDICTION: "prediction_volume_ml"}


@dataclass(frozen=True, kw_only=True, slots=True)
class VolumeAgreement:
    """Agreement of two volumes in ml of every case, second minus first.

    Attributes:
        limits: bias and limits of agreement; None below three cases.
        intraclass: ICC(2,1) and ICC(3,1).
        concordance: Lin's coefficient.
        pearson: the correlation, which a constant bias does not lower.
        first_ml: (case,) volumes.
        second_ml: (case,) volumes of the same cases.
    """

    label: int | str
    first: str
    second: str
    limits: LimitsOfAgreement | None
    intraclass: IntraclassCorrelations
    concordance: Coefficient
    pearson: Coefficient
    first_ml: tuple[float, ...]
    second_ml: tuple[float, ...]

    @property
    def n(self) -> int:
        """The number of cases."""
        return len(self.first_ml)

    def describe(self) -> str:
        """Return the figures in a sentence."""
        if self.limits is None:
            return f"Volumes, {self.second} minus {self.first}: {counted(self.n, 'case is', 'cases are')} too few."
        bias, low, high = self.limits.bias, self.limits.lower, self.limits.upper
        text = (
            f"Volumes, {self.second} minus {self.first}: {bias:+.3g} ml (95 % {_bounds(self.limits.bias_ci95)}); 95 % "
            f"limits of agreement {low:+.3g} to {high:+.3g} ml. ICC(2,1) {_show(self.intraclass.absolute)}, "
            f"ICC(3,1) {_show(self.intraclass.consistent)}, CCC {_show(self.concordance)}, r {_show(self.pearson)}."
        )
        slope, p = self.limits.slope, self.limits.slope_p
        if slope is not None and p is not None and p < 0.05:
            text += f" The difference changes with the size, by {slope:+.3g} ml per ml."
        return text


@dataclass(frozen=True, kw_only=True, slots=True)
class SizeSummary:
    """One label's volumes, and its Dice over their logarithm.

    Attributes:
        agreement: of the prediction's volumes with the reference's.
        dice: (case,) scores; NaN where there is none.
        trend: of Dice over log10 of the reference's volume in ml, of cases that have one; None without.
    """

    label: int | str
    agreement: VolumeAgreement
    trend: Trend | None
    dice: tuple[float, ...]

    def describe_trend(self) -> str:
        """Return in a sentence how Dice depends on the volume."""
        if self.trend is None:
            return "Dice over the lesion's volume: too few cases of different volumes."
        interval = f" (95 % {_bounds(self.trend.slope_ci95)})" if self.trend.slope_ci95 else ""
        r2 = "" if self.trend.r2 is None else f"; the volume explains {self.trend.r2:.0%} of its variance (R2)"
        return f"Dice changes by {self.trend.slope:+.3f}{interval} where a lesion is ten times as large{r2}."


def measure_volumes(
    label: int | str, names: tuple[str, str], first: NDArray[np.float64], second: NDArray[np.float64]
) -> VolumeAgreement:
    """Measure the agreement of (case,) volumes of two raters."""
    return VolumeAgreement(
        label=label,
        first=names[0],
        second=names[1],
        limits=find_limits(first, second),
        intraclass=find_intraclass(np.stack([first, second], axis=1)),
        concordance=find_concordance(first, second),
        pearson=find_pearson(first, second),
        first_ml=tuple(first.tolist()),
        second_ml=tuple(second.tolist()),
    )


def read_volumes(evaluation: Evaluation, label: int | str, side: str, cases: Sequence[str] = ()) -> NDArray[np.float64]:
    """Return (case,) volumes of a label in ml on one side; NaN where the scores hold none.

    Args:
        evaluation: the scores.
        label: the label.
        side: `REFERENCE` or `PREDICTION`.
        cases: to return; empty for all.
    """
    return read_scores(evaluation, label, _VOLUMES[side], cases)


def read_scores(
    evaluation: Evaluation, label: int | str, metric: str, cases: Sequence[str] = ()
) -> NDArray[np.float64]:
    """Return (case,) scores of a label; NaN where there is none."""
    found = {
        case.case: next(
            (
                score.value
                for one in case.labels
                if one.label == label
                for score in one.scores
                if score.metric == metric
            ),
            None,
        )
        for case in evaluation.cases
    }
    values = [found[case] for case in cases or found]
    return np.array([np.nan if value is None else value for value in values], dtype=np.float64)


def summarise_sizes(evaluation: Evaluation) -> tuple[SizeSummary, ...]:
    """Return for each label how volumes agree, and how Dice depends on them; none without volumes among the scores."""
    summaries = []
    for label in evaluation.summary:
        true, predicted = (read_volumes(evaluation, label.label, side) for side in (REFERENCE, PREDICTION))
        if np.isnan(true).any() or np.isnan(predicted).any():
            continue
        dice = read_scores(evaluation, label.label, "dice")
        summaries.append(
            SizeSummary(
                label=label.label,
                agreement=measure_volumes(label.label, (REFERENCE, PREDICTION), true, predicted),
                trend=_find_trend(evaluation, dice, true),
                dice=tuple(dice.tolist()),
            )
        )
    return tuple(summaries)


def _find_trend(evaluation: Evaluation, dice: NDArray[np.float64], volumes: NDArray[np.float64]) -> Trend | None:
    known = ~np.isnan(dice) & (volumes > 0)
    cases = [case.case for case, taken in zip(evaluation.cases, known, strict=True) if taken]
    return find_trend(dice[known], volumes[known], find_subjects(cases, evaluation.traits))


def _show(coefficient: Coefficient) -> str:
    if coefficient.value is None:
        return "-"
    return f"{coefficient.value:.3f}" + (f" ({_bounds(coefficient.ci95, '.2f')})" if coefficient.ci95 else "")


def _bounds(interval: tuple[float, float], form: str = "+.3g") -> str:
    return f"{interval[0]:{form}} to {interval[1]:{form}}"
