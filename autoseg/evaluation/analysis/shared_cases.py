"""Cases, labels and metrics that several evaluations have in common, and what sets them apart."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from autoseg.evaluation.cases import LabelScores
from autoseg.evaluation.metrics.metric import Direction
from autoseg.evaluation.results import Evaluation
from autoseg.evaluation.traits import find_subjects
from dataset_fingerprints.errors import DataError, did_you_mean
from dataset_fingerprints.names import counted, some_of

USUAL_METRICS = ("dice", "hd95_mm", "lesion_f1", "volume_difference_ml")
_VOLUME = "reference_volume_ml"
# Volumes of one mask differ by rounding of voxel sizes only.
_SAME = 1e-4


@dataclass(frozen=True, kw_only=True, slots=True)
class SharedCases:
    """Evaluations on their common ground.

    Attributes:
        cases: names, in the order of the first evaluation.
        subjects: of the cases; None where each is a subject of its own.
        titles: of all metrics with a better direction, with their units.
        better: their better directions.
    """

    systems: Mapping[str, Mapping[str, Mapping[int | str, LabelScores]]]
    cases: tuple[str, ...]
    labels: tuple[int | str, ...]
    metrics: tuple[str, ...]
    subjects: tuple[str, ...] | None
    titles: Mapping[str, str]
    better: Mapping[str, Direction]
    names: Mapping[int | str, str]
    remarks: tuple[str, ...]

    def scores(self, system: str, label: int | str, metric: str) -> NDArray[np.float64]:
        """Return one system's scores of the cases, NaN where there is none."""
        return np.array([self.systems[system][case][label].number(metric) for case in self.cases], dtype=np.float64)

    def subjects_of(self, chosen: NDArray[np.bool_]) -> tuple[str, ...] | None:
        """Return the subjects of some of the cases; None where each case is a subject of its own."""
        if self.subjects is None:
            return None
        return tuple(subject for subject, taken in zip(self.subjects, chosen, strict=True) if taken)

    def name_of(self, label: int | str) -> str:
        """Return the name of a label."""
        return self.names[label]


def share_cases(systems: Mapping[str, Evaluation], metrics: Sequence[str] = ()) -> SharedCases:
    """Find what evaluations have in common.

    Args:
        systems: evaluations by name.
        metrics: to compare by; empty for the usual ones.

    Raises:
        DataError: there are fewer than two, or they have no case, label or metric in common, or define one differently.
    """
    if len(systems) < 2:
        raise DataError(f"{counted(len(systems), 'system')} to compare. Expected at least two: give a file for each.")
    scores = {
        name: {case.case: {label.label: label for label in case.labels} for case in evaluation.cases}
        for name, evaluation in systems.items()
    }
    first = next(iter(systems.values()))
    cases = tuple(case.case for case in first.cases if all(case.case in one for one in scores.values()))
    if not cases:
        raise DataError(
            f"no case is in all of {_quote(systems)}: {_examples(scores)}. Expected scores of the same scans under the "
            "same names."
        )
    labels = tuple(
        label.label
        for label in first.summary
        if all(label.label in one[case] for one in scores.values() for case in cases)
    )
    if not labels:
        raise DataError(
            f"no label is scored in all of {_quote(systems)}. Score them with the same --label or --region."
        )
    chosen = _choose_metrics(systems, metrics)
    about = {name: metric.about for name, metric in first.convention.build().items()}
    traits = [one for evaluation in systems.values() for one in evaluation.traits]
    return SharedCases(
        systems=scores,
        cases=cases,
        labels=labels,
        metrics=chosen,
        subjects=find_subjects(cases, traits),
        titles=first.convention.column_titles(),
        better={name: one.better for name, one in about.items()},
        names={label: first.name_of(label) for label in labels},
        remarks=tuple(_find_remarks(systems, scores, cases, labels)),
    )


def _choose_metrics(systems: Mapping[str, Evaluation], asked: Sequence[str]) -> tuple[str, ...]:
    """Return the metrics to compare by, which all systems have and define alike."""
    choices = {
        name: {entry.name: entry.metric for entry in evaluation.convention.spell_out().metrics}
        for name, evaluation in systems.items()
    }
    first, titles = next(iter(choices.values())), next(iter(systems.values())).convention.column_titles()
    known = [metric for metric in first if metric in titles and all(metric in one for one in choices.values())]
    for metric in asked:
        if metric not in known:
            raise DataError(
                f"--metric {metric}: is not in the scores of all of {_quote(systems)}. {did_you_mean(metric, known)} "
                "`autoseg evaluate --metric` adds one to the scores."
            )
    chosen = tuple(asked) or tuple(metric for metric in USUAL_METRICS if metric in known) or tuple(known)
    if not chosen:
        raise DataError(f"{_quote(systems)} have no metric in common. Evaluate them by the same convention.")
    for metric in chosen:
        for name, one in choices.items():
            if one[metric] != first[metric]:
                raise DataError(
                    f"{metric} is defined differently for {next(iter(choices))} ({_spell(first[metric].options)}) and "
                    f"{name} ({_spell(one[metric].options)}): their scores cannot be compared. Evaluate both by the "
                    "same convention."
                )
    return chosen


def _spell(options: Mapping[str, object]) -> str:
    return ", ".join(f"{name} {value}" for name, value in options.items()) or "no options"


def _find_remarks(
    systems: Mapping[str, Evaluation],
    scores: Mapping[str, Mapping[str, Mapping[int | str, LabelScores]]],
    cases: Sequence[str],
    labels: Sequence[int | str],
) -> Iterator[str]:
    """Yield what makes the comparison less than it seems."""
    shared = set(cases)
    for name, evaluation in systems.items():
        extra = [case for case in scores[name] if case not in shared]
        if extra:
            yield (
                f"{name}: {counted(len(extra), 'case is', 'cases are')} left out, which not all systems have scored: "
                f"{some_of(extra, 5)}."
            )
        if evaluation.failures:
            failed = [failure.case for failure in evaluation.failures]
            yield (
                f"{name}: {counted(len(failed), 'case')} could not be scored, and may be hard ones: "
                f"{some_of(failed, 5)}."
            )
        if said := evaluation.seen.describe():
            yield f"{name}: {said}"
    different = _find_different_references(scores, cases, labels)
    if different:
        yield (
            f"The references differ: the volume of {counted(len(different), 'case')} is another one "
            f"({some_of(different, 5)}). Differences of scores are then not those of the systems alone."
        )


def _find_different_references(
    scores: Mapping[str, Mapping[str, Mapping[int | str, LabelScores]]],
    cases: Sequence[str],
    labels: Sequence[int | str],
) -> list[str]:
    different = []
    for case in cases:
        for label in labels:
            volumes = [_volume(one[case][label]) for one in scores.values()]
            known = [volume for volume in volumes if volume is not None]
            if known and max(known) - min(known) > _SAME * max(known):
                different.append(case)
                break
    return different


def _volume(scores: LabelScores) -> float | None:
    return next((score.value for score in scores.scores if score.metric == _VOLUME), None)


def _quote(systems: Mapping[str, object]) -> str:
    return " and ".join(systems) if len(systems) == 2 else ", ".join(systems)


def _examples(scores: Mapping[str, Mapping[str, object]]) -> str:
    return "; ".join(f"{name} has {some_of(tuple(one), 2)}" for name, one in scores.items())
