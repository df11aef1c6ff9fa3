from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from autoseg.evaluation import CONVENTIONS, METRICS
from tests.autoseg.evaluation.metrics.contracts import CONTRACT


def list_choices() -> dict[str, Any]:
    """Return the metrics of conventions whose options differ from those of the table, each once."""
    known: list[Any] = [entry() for entry in METRICS.values()]
    found = {}
    for convention in CONVENTIONS.values():
        for name, metric in convention.build().items():
            if metric not in known:
                known.append(metric)
                found[f"{convention.name}-{name}"] = metric
    return found


CHOSEN = list_choices()


@pytest.mark.parametrize("holds", CONTRACT, ids=lambda holds: holds.__name__)
@pytest.mark.parametrize("name", METRICS)
def test_every_metric_keeps_to_the_contract(name: str, holds: Callable[[Any], None]) -> None:
    holds(METRICS[name]())


@pytest.mark.parametrize("holds", CONTRACT, ids=lambda holds: holds.__name__)
@pytest.mark.parametrize("choice", CHOSEN)
def test_every_choice_of_a_convention_keeps_to_the_contract(choice: str, holds: Callable[[Any], None]) -> None:
    holds(CHOSEN[choice])
