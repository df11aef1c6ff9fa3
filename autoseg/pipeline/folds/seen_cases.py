"""Marks on scores of cases that a model had been trained on from which the training started."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from autoseg.evaluation import Evaluation, SeenCases
from planners.run import Run


def mark_seen(evaluation: Evaluation, runs: Iterable[Run | None]) -> Evaluation:
    """Return an evaluation that says which of its cases had been seen before.

    Args:
        evaluation: of cases that folds were judged on.
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
    scored = [case.case for case in evaluation.cases]
    found = SeenCases(
        cases=tuple(case for case in scored if case in seen),
        unknown=tuple(case for case in scored if case in unknown),
        models=tuple(models),
    )
    return replace(evaluation, seen=found)
