"""Marks on scores: of cases that a model had been trained on before, and of simulated scans."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from autoseg.evaluation import Evaluation, SeenCases
from planners.run import Run


def mark_seen(evaluation: Evaluation, runs: Iterable[Run | None]) -> Evaluation:
    """Return an evaluation that says which of its cases had been seen before, and whether they are simulated.

    Args:
        evaluation: of cases that folds were judged on.
        runs: what these folds were begun with, as far as that is known.
    """
    seen: dict[str, None] = {}
    unknown: dict[str, None] = {}
    models: dict[str, None] = {}
    known_runs = [run for run in runs if run is not None]
    for run in known_runs:
        known = run.seen_cases()
        others = [case for case in run.validation_cases if case not in known] if run.seen.unknown else []
        seen |= dict.fromkeys(known)
        unknown |= dict.fromkeys(others)
        models |= dict.fromkeys((*(run.seen.models if known else ()), *(run.seen.unknown if others else ())))
    scored = [case.case for case in evaluation.cases]
    found = SeenCases(
        cases=tuple(case for case in scored if case in seen),
        unknown=tuple(case for case in scored if case in unknown),
        models=tuple(models),
    )
    return replace(evaluation, seen=found, simulated=any(run.summary.simulated for run in known_runs))
