"""Agreement of readers with each other, beside that of a model with the readers: the ceiling of what it can reach."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from autoseg.evaluation.analysis.conclusions import show_p
from autoseg.evaluation.analysis.volumes import (
    PREDICTION,
    REFERENCE,
    VolumeAgreement,
    measure_volumes,
    read_scores,
    read_volumes,
)
from autoseg.evaluation.analysis.voxels import VoxelAgreement
from autoseg.evaluation.results import Evaluation
from autoseg.evaluation.statistics import (
    LEAST_CASES,
    USUAL_INTERVAL,
    Statistics,
    bootstrap_interval,
    measure_statistics,
)
from autoseg.evaluation.statistics.agreement import IntraclassCorrelations, find_intraclass
from autoseg.evaluation.statistics.significance import compare_pairs
from autoseg.evaluation.traits import find_subjects
from dataset_fingerprints.errors import DataError
from dataset_fingerprints.names import counted, some_of

# That do not care which of two masks is the reference.
METRICS = ("dice", "hd95_mm", "volume_difference_ml")
# Messages on cases that could not be scored.
_MOST_FAILURES = 10
Pair = tuple[str, str]


@dataclass(frozen=True, kw_only=True, slots=True)
class PairScores:
    """One metric of two raters' masks over the cases."""

    label: int | str
    metric: str
    first: str
    second: str
    statistics: Statistics


@dataclass(frozen=True, kw_only=True, slots=True)
class Contrast:
    """Agreement of the model with the readers, minus that of the readers with each other, case by case.

    Attributes:
        among: mean over pairs of readers.
        with_model: mean over pairs of the model and a reader.
        difference: of both, over the cases that have scores of all pairs.
        ci95: its 95 % interval; None below `LEAST_CASES` subjects.
        p: of no difference, by the bootstrap.
        wilcoxon: of differences that lie symmetrically around 0 (signed-rank test).
        better: whether a higher or a lower score is better.
        n: number of cases.
    """

    label: int | str
    metric: str
    among: float
    with_model: float
    difference: float
    ci95: tuple[float, float] | None
    p: float | None
    better: str
    n: int
    wilcoxon: float | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class ReaderAgreement:
    """Readers, and a model where there is one, on the same cases.

    Attributes:
        readers: their names.
        model: its name; empty without one.
        cases: that all have.
        pairs: scores of every pair, those of readers first.
        contrasts: a model beside the readers; none without a model or with one reader.
        volumes: agreement of volumes of every pair.
        voxels: agreement of label maps over all labels together, of every pair.
        all_readers: intraclass correlation of the volumes of all readers by label; none with one reader.
        titles: of metrics.
        names: of labels.
        remarks: what a reader of this has to know.
        simulated: whether the scans are simulated.
    """

    readers: tuple[str, ...]
    model: str
    cases: tuple[str, ...]
    pairs: tuple[PairScores, ...]
    contrasts: tuple[Contrast, ...]
    volumes: tuple[VolumeAgreement, ...]
    all_readers: Mapping[int | str, IntraclassCorrelations]
    titles: Mapping[str, str]
    names: Mapping[int | str, str]
    remarks: tuple[str, ...] = ()
    simulated: bool = False
    voxels: tuple[VoxelAgreement, ...] = ()


def compare_readers(evaluations: Mapping[Pair, Evaluation], readers: Sequence[str], model: str = "") -> ReaderAgreement:
    """Measure the agreement of all raters.

    Args:
        evaluations: of every pair (prediction, reference) of raters, those of readers first.
        readers: their names.
        model: its name; empty without one.

    Raises:
        DataError: no case or no label is in all of them.
    """
    first = next(iter(evaluations.values()))
    cases = tuple(
        case.case
        for case in first.cases
        if all(any(other.case == case.case for other in one.cases) for one in evaluations.values())
    )
    labels = [
        label.label
        for label in first.summary
        if all(any(other.label == label.label for other in one.summary) for one in evaluations.values())
    ]
    if not cases or not labels:
        raise DataError(
            f"{some_of([*readers, *([model] if model else [])], 10)}: no {'label' if cases else 'case'} is in all of "
            "them. Expected masks of the same scans, with the same names and labels."
        )
    about = {name: metric.about for name, metric in first.convention.build().items()}
    metrics = [metric for metric in METRICS if metric in about]
    subjects = find_subjects(cases, [one for evaluation in evaluations.values() for one in evaluation.traits])
    pairs, contrasts, volumes = [], [], []
    for label in labels:
        for metric in metrics:
            scores = {pair: read_scores(one, label, metric, cases) for pair, one in evaluations.items()}
            pairs += [_describe(label, metric, pair, values, subjects) for pair, values in scores.items()]
            contrasts += _contrast(label, metric, scores, model, subjects, about[metric].better)
        volumes += [
            measure_volumes(label, (pair[1], pair[0]), *(read_volumes(one, label, side, cases) for side in _SIDES))
            for pair, one in evaluations.items()
        ]
    return ReaderAgreement(
        readers=tuple(readers),
        model=model,
        cases=cases,
        pairs=tuple(pairs),
        contrasts=tuple(contrasts),
        volumes=tuple(volumes),
        all_readers={label: _correlate(evaluations, label, readers, cases) for label in labels if len(readers) > 1},
        titles={metric: first.convention.column_titles()[metric] for metric in metrics},
        names={label: first.name_of(label) for label in labels},
        remarks=tuple(_find_remarks(evaluations, cases)),
        simulated=any(one.simulated for one in evaluations.values()),
    )


_SIDES = (REFERENCE, PREDICTION)


def _describe(
    label: int | str, metric: str, pair: Pair, values: NDArray[np.float64], subjects: Sequence[str] | None
) -> PairScores:
    known = ~np.isnan(values)
    statistics = measure_statistics(values[known], units=_take(subjects, known))
    return PairScores(label=label, metric=metric, first=pair[1], second=pair[0], statistics=statistics)


def _contrast(
    label: int | str,
    metric: str,
    scores: Mapping[Pair, NDArray[np.float64]],
    model: str,
    subjects: Sequence[str] | None,
    better: str,
) -> list[Contrast]:
    among = [values for pair, values in scores.items() if model not in pair]
    with_model = [values for pair, values in scores.items() if model in pair]
    if not among or not with_model:
        return []
    readers, ours = np.mean(among, axis=0), np.mean(with_model, axis=0)
    known = ~np.isnan(readers) & ~np.isnan(ours)
    if not known.any():
        return []
    readers, ours, units = readers[known], ours[known], _take(subjects, known)
    enough = (len(readers) if units is None else len(set(units))) >= LEAST_CASES
    tests = compare_pairs(readers, ours, units=units) if enough else None
    return [
        Contrast(
            label=label,
            metric=metric,
            among=float(readers.mean()),
            with_model=float(ours.mean()),
            difference=float((ours - readers).mean()),
            ci95=bootstrap_interval(ours - readers, units=units, kind=USUAL_INTERVAL) if enough else None,
            p=tests.bootstrap if tests else None,
            better=better,
            n=len(readers),
            wilcoxon=tests.wilcoxon if tests else None,
        )
    ]


def _correlate(
    evaluations: Mapping[Pair, Evaluation], label: int | str, readers: Sequence[str], cases: Sequence[str]
) -> IntraclassCorrelations:
    columns = []
    for reader in readers:
        pair = next(pair for pair in evaluations if reader in pair)
        side = PREDICTION if pair[0] == reader else REFERENCE
        columns.append(read_volumes(evaluations[pair], label, side, cases))
    return find_intraclass(np.stack(columns, axis=1))


def _find_remarks(evaluations: Mapping[Pair, Evaluation], cases: Sequence[str]) -> list[str]:
    every = {case.case for one in evaluations.values() for case in one.cases}
    every |= {name for one in evaluations.values() for name in (*one.unpaired.without_prediction,)}
    every |= {name for one in evaluations.values() for name in (*one.unpaired.without_reference,)}
    failures = [failure for one in evaluations.values() for failure in one.failures]
    every |= {failure.case for failure in failures}
    left = sorted(every - set(cases))
    said = [f"Left out, because not all have a mask of it that can be scored: {some_of(left, 10)}."] if left else []
    return said + list(dict.fromkeys(failure.describe() for failure in failures))[:_MOST_FAILURES]


def _take(subjects: Sequence[str] | None, known: NDArray[np.bool_]) -> list[str] | None:
    if subjects is None:
        return None
    return [subject for subject, taken in zip(subjects, known, strict=True) if taken]


def conclude(one: Contrast, title: str) -> str:
    """Return in a sentence how a model stands beside the readers."""
    name, _, unit = title.partition(", ")
    unit = f" {unit}" if unit else ""
    head = f"{name}: {one.among:.3f}{unit} among readers, {one.with_model:.3f}{unit} between the model and them"
    if one.ci95 is None or one.p is None:
        return f"{head}; {counted(one.n, 'case is', 'cases are')} too few for an interval (from {LEAST_CASES} on)."
    figures = f"difference {one.difference:+.3f} (95 % {one.ci95[0]:+.3f} to {one.ci95[1]:+.3f})"
    if one.wilcoxon is not None:
        figures += f", Wilcoxon's p {show_p(one.wilcoxon)}"
    if one.p >= 0.05:
        return f"{head}; {figures}. No difference is shown, which does not prove that there is none."
    closer = (one.difference > 0) == (one.better == "higher")
    return (
        f"{head}; {figures}. The model agrees with readers {'more' if closer else 'less'} than they do with each other."
    )
