"""Marks on scores: of cases that a model had been trained on before, of simulated scans, of plans divided to try."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace

from autoseg.evaluation import Evaluation, SeenCases
from autoseg.models import read_settings
from autoseg.workspace.fold import FoldFolder
from planners.defaults import FULL_SIZE
from planners.run import Run


def mark_seen(evaluation: Evaluation, runs: Iterable[Run | None]) -> Evaluation:
    """Return an evaluation that says which cases had been seen before, whether they are simulated, and at which scale.

    Args:
        evaluation: of cases that folds were judged on.
        runs: what these folds were begun with, as far as that is known.
    """
    known = [run for run in runs if run is not None]
    seen = find_seen([case.case for case in evaluation.cases], known)
    simulated, scale = any(run.summary.simulated for run in known), max((run.scale for run in known), default=FULL_SIZE)
    return replace(evaluation, seen=seen, simulated=simulated, scale=scale)


def describe_seen(cases: Iterable[str], folders: Iterable[FoldFolder]) -> str:
    """Return in sentences without names how many cases had been seen before; empty where none had.

    Args:
        cases: that folds were judged on.
        folders: of these folds.
    """
    return find_seen(tuple(cases), [read_settings(folder) for folder in folders]).describe(named=False)


def find_seen(scored: Sequence[str], runs: Iterable[Run | None]) -> SeenCases:
    """Return which cases had been seen before by models from which trainings started.

    Args:
        scored: names of cases that folds were judged on.
        runs: what these folds were begun with, as far as that is known.
    """
    seen: dict[str, None] = {}
    unknown: dict[str, None] = {}
    models: dict[str, None] = {}
    for run in runs:
        if run is None:
            continue
        known = run.seen_cases()
        others = [case for case in run.validation_cases if case not in known] if run.seen.unknown else []
        seen |= dict.fromkeys(known)
        unknown |= dict.fromkeys(others)
        models |= dict.fromkeys((*(run.seen.models if known else ()), *(run.seen.unknown if others else ())))
    return SeenCases(
        cases=tuple(case for case in scored if case in seen),
        unknown=tuple(case for case in scored if case in unknown),
        models=tuple(models),
    )
