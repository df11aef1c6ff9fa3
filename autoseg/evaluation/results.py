"""Results of an evaluation: every case's scores, and their summary per label."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from autoseg.evaluation.cases import CaseScores, LabelScores
from autoseg.evaluation.conventions import DEFAULT_CONVENTION, Convention
from autoseg.evaluation.pooled.pooling import PooledFigure, pool_cases
from autoseg.evaluation.statistics import LEAST_CASES, USUAL_INTERVAL, IntervalKind, Statistics, measure_statistics
from autoseg.evaluation.traits import NO_TRAITS, CaseTraits, find_subjects
from dataset_fingerprints.dataset import Label
from dataset_fingerprints.errors import PartlyDoneError, did_you_mean
from dataset_fingerprints.failures import Failure, list_failures
from dataset_fingerprints.names import counted, some_of

SCHEMA_VERSION = 2
# Of intervals, where several cases are of one subject.
_BY_SUBJECT = (
    "BCa bootstrap of the mean over cases, those of one subject drawn together, widened as Student's t for few; none "
    f"below {LEAST_CASES} subjects, too few to say how means spread"
)


@dataclass(frozen=True, kw_only=True, slots=True)
class MetricSummary:
    """A metric's name, its distribution, and the cases that are not in it: there is no distance to an empty mask.

    Attributes:
        missed: cases without a score in which only the reference holds the label.
        invented: those in which only the prediction does.
        absent: those in which neither does.
    """

    name: str
    statistics: Statistics
    missed: int = 0
    invented: int = 0
    absent: int = 0


@dataclass(frozen=True, kw_only=True, slots=True)
class LabelSummary:
    """All metrics of one label or region over the cases.

    Attributes:
        pooled: figures of all cases together.
    """

    label: int | str
    metrics: tuple[MetricSummary, ...]
    pooled: tuple[PooledFigure, ...] = ()

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
class Unpaired:
    """Names of cases that are not scored because one of their files is not there."""

    without_prediction: tuple[str, ...] = ()
    without_reference: tuple[str, ...] = ()

    def describe(self) -> str:
        """Return in words which these are; empty for none."""
        said = []
        if self.without_prediction:
            have = counted(len(self.without_prediction), "case has no mask", "cases have no masks")
            said.append(
                f"{have} and {_are(self.without_prediction)} not scored: {some_of(self.without_prediction, 10)}."
            )
        if self.without_reference:
            have = counted(len(self.without_reference), "mask has no reference", "masks have no references")
            said.append(f"{have} and {_are(self.without_reference)} not scored: {some_of(self.without_reference, 10)}.")
        return " ".join(said)


def _are(names: Sequence[str]) -> str:
    return "is" if len(names) == 1 else "are"


ALL_PAIRED = Unpaired()


@dataclass(frozen=True, kw_only=True, slots=True)
class SeenCases:
    """Scored cases that a model had been trained on from which the training of the scored one started.

    Attributes:
        cases: names of those that it had.
        unknown: names of those of which nobody knows.
        models: names of the models.
    """

    cases: tuple[str, ...] = ()
    unknown: tuple[str, ...] = ()
    models: tuple[str, ...] = ()

    def marks(self, cases: Iterable[str]) -> dict[str, str]:
        """Return for each of these cases whether it had been seen: `yes`, `no` or `unknown`."""
        seen, unknown = frozenset(self.cases), frozenset(self.unknown)
        return {case: "yes" if case in seen else "unknown" if case in unknown else "no" for case in cases}

    def brief(self) -> str:
        """Return in a few words how many had been; empty where none had."""
        said = [f"{counted(len(self.cases), 'case')} seen before"] if self.cases else []
        said += [f"{counted(len(self.unknown), 'case')} perhaps seen before"] if self.unknown else []
        return ", ".join(said)

    def describe(self, *, named: bool = True) -> str:
        """Return the same in sentences.

        Args:
            named: whether cases are named: their names may be those of people.
        """
        said, names = [], " and ".join(self.models)
        if self.cases:
            said.append(
                f"The training started from {names}, trained on {len(self.cases)} of these cases before"
                f"{f' ({some_of(self.cases, 10)})' if named else ''}: their scores look better than those of new scans."
            )
        if self.unknown:
            said.append(
                f"The training started from {names}, of which it is unknown whether its training cases are among "
                f"{len(self.unknown)} of these cases: their scores may look better than those of new scans."
            )
        return " ".join(said)


NONE_SEEN = SeenCases()


@dataclass(frozen=True, kw_only=True, slots=True)
class Evaluation:
    """Every case's scores, their summary per label, and the convention they were made with.

    Attributes:
        convention: with every option written out.
        failures: cases that could not be scored, and are in none of the figures.
        unpaired: cases of which only one side is there, and that are in none of the figures either.
        names: of labels, as far as they are known.
        seen: cases whose scores may look too good.
        simulated: whether the scans are simulated: such figures say nothing of patients.
        traits: of cases, as far as they are known.
        scale: what networks, patches and batches of the models were divided by to try them out; 1 at full size, and
            where it is not known. Such figures say nothing of the plan.
    """

    cases: tuple[CaseScores, ...]
    summary: tuple[LabelSummary, ...]
    convention: Convention
    failures: tuple[Failure, ...] = ()
    unpaired: Unpaired = ALL_PAIRED
    names: tuple[Label, ...] = ()
    seen: SeenCases = NONE_SEEN
    simulated: bool = False
    traits: tuple[CaseTraits, ...] = NO_TRAITS
    scale: float = 1.0
    schema_version: int = SCHEMA_VERSION

    @property
    def foreground_mean_dice(self) -> float:
        """The mean over labels of the mean of `dice` over cases; NaN where no label has one.

        Raises:
            ValueError: the convention has no metric of that name.
        """
        means = [label.statistics("dice").mean for label in self.summary]
        measured = [mean for mean in means if mean is not None]
        return math.fsum(measured) / len(measured) if measured else math.nan

    def name_of(self, label: int | str) -> str:
        """Return the name of a label, `label 1` of one without; that of a region."""
        named = {one.value: one.name for one in self.names}
        return label if isinstance(label, str) else named.get(label, f"label {label}")

    def label(self, value: int | str) -> LabelSummary:
        """Return the summary of one label by its value, or of a region by its name.

        Raises:
            ValueError: the label was not scored.
        """
        for summary in self.summary:
            if summary.label == value:
                return summary
        raise ValueError(f"label {value} was not scored, only {[summary.label for summary in self.summary]}")


def refuse_failures(evaluation: Evaluation) -> None:
    """Make sure that every case was scored: means over fewer cases are not those that were asked for.

    Raises:
        PartlyDoneError: some were not; the message lists them, and `result` is the evaluation of the others.
    """
    failed, scored = len(evaluation.failures), len(evaluation.cases)
    if failed:
        raise PartlyDoneError(
            f"{failed} of {failed + scored} cases cannot be scored, and all figures are of the other {scored}:\n"
            f"{list_failures(evaluation.failures)}",
            result=evaluation,
        )


def summarise(
    cases: Sequence[CaseScores], convention: Convention = DEFAULT_CONVENTION, traits: Sequence[CaseTraits] = NO_TRAITS
) -> Evaluation:
    """Summarise every label over all cases that score it, in the order of the first case.

    Args:
        cases: scored by the convention.
        convention: names the metrics.
        traits: of cases; those of one subject are drawn together for intervals.

    Raises:
        ValueError: there is no case, no label in any of them, or a case lacks a metric's score.
        PlanError: the convention has an unknown metric or option.
    """
    subjects = find_subjects([case.case for case in cases], traits)
    summary = summarise_labels(cases, convention, subjects)
    if not summary:
        raise ValueError(f"nothing to summarise: {len(cases)} cases without a scored label")
    spelled = convention.spell_out()
    if subjects is not None:
        spelled = replace(spelled, ci95=_BY_SUBJECT)
    return Evaluation(cases=tuple(cases), summary=summary, convention=spelled, traits=tuple(traits))


def summarise_labels(
    cases: Sequence[CaseScores],
    convention: Convention,
    subjects: Sequence[str] | None = None,
    kind: IntervalKind = USUAL_INTERVAL,
) -> tuple[LabelSummary, ...]:
    """Return a summary of every label over the cases that score it.

    Args:
        cases: scored by the convention.
        convention: names the metrics.
        subjects: of the cases, drawn together for intervals; None where each case is a subject of its own.
        kind: of the intervals.
    """
    by_label: dict[int | str, list[tuple[LabelScores, str]]] = {}
    units = [str(place) for place in range(len(cases))] if subjects is None else subjects
    for case, unit in zip(cases, units, strict=True):
        for scores in case.labels:
            by_label.setdefault(scores.label, []).append((scores, unit))
    return tuple(_summarise_label(label, found, convention, kind) for label, found in by_label.items())


def _summarise_label(
    label: int | str, found: Sequence[tuple[LabelScores, str]], convention: Convention, kind: IntervalKind
) -> LabelSummary:
    metrics, scores, units = [], [one for one, _ in found], np.array([unit for _, unit in found])
    for entry in convention.metrics:
        values = np.array([score.number(entry.name) for score in scores], dtype=np.float64)
        known = ~np.isnan(values)
        statistics = measure_statistics(
            values[known],
            convention.bootstrap_resamples,
            convention.bootstrap_seed,
            units=units[known].tolist(),
            kind=kind,
        )
        left_out = Counter(score.presence for score, given in zip(scores, known, strict=True) if not given)
        metrics.append(
            MetricSummary(
                name=entry.name,
                statistics=statistics,
                missed=left_out["missed"],
                invented=left_out["invented"],
                absent=left_out["absent"],
            )
        )
    return LabelSummary(label=label, metrics=tuple(metrics), pooled=pool_cases(scores, convention, units.tolist()))
