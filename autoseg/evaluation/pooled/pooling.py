"""Figures of all cases together, made of the scores of each."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from autoseg.evaluation.cases import LabelScores
from autoseg.evaluation.conventions import Convention
from autoseg.evaluation.pooled import PooledOptions
from autoseg.evaluation.statistics import LEAST_CASES, bootstrap_interval


@dataclass(frozen=True, kw_only=True, slots=True)
class PooledFigure:
    """A figure of all cases together.

    Attributes:
        name: that the convention gives it.
        value: None where there is nothing to divide by.
        ci95: bounds of the 95 % interval, from resampled subjects; None below `LEAST_CASES` subjects.
        n: number of cases in it.
    """

    name: str
    value: float | None
    ci95: tuple[float, float] | None
    n: int


def pool_cases(
    scores: Sequence[LabelScores], convention: Convention, subjects: Sequence[str] | None = None
) -> tuple[PooledFigure, ...]:
    """Return the pooled figures of a convention.

    Args:
        scores: of one label in all cases.
        convention: names the figures.
        subjects: of the cases, drawn together for intervals; None where each case is a subject of its own.
    """
    people = [str(place) for place in range(len(scores))] if subjects is None else subjects
    return tuple(_pool(name, figure, scores, people, convention) for name, figure in convention.build_pooled().items())


def _pool(
    name: str, figure: PooledOptions, scores: Sequence[LabelScores], subjects: Sequence[str], convention: Convention
) -> PooledFigure:
    needed = tuple(figure.needs())
    cases = [{score: case.value(score) for score in needed} for case in scores]
    known = [{score: value for score, value in case.items() if value is not None} for case in cases]
    whole = [(case, subject) for case, subject in zip(known, subjects, strict=True) if len(case) == len(needed)]
    if not whole:
        return PooledFigure(name=name, value=None, ci95=None, n=0)
    terms, people = np.array([figure.terms(case) for case, _ in whole], dtype=np.float64), [one for _, one in whole]
    value = float(figure.pool(terms.mean(axis=0)))
    interval = None
    if len(set(people)) >= LEAST_CASES and not np.isnan(value):
        interval = bootstrap_interval(
            terms,
            figure.pool,
            units=people,
            resamples=convention.bootstrap_resamples,
            seed=convention.bootstrap_seed,
        )
    return PooledFigure(name=name, value=None if np.isnan(value) else value, ci95=interval, n=len(terms))
