from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from autoseg.evaluation import CONVENTIONS, METRICS
from tests.autoseg.evaluation.metrics.contracts import CONTRACT

CHOSEN = [
    (convention, name, metric) for convention in CONVENTIONS for name, metric in CONVENTIONS[convention].build().items()
]


@pytest.mark.parametrize("holds", CONTRACT, ids=lambda holds: holds.__name__)
@pytest.mark.parametrize("name", METRICS)
def test_every_metric_keeps_to_the_contract(name: str, holds: Callable[[Any], None]) -> None:
    holds(METRICS[name]())


@pytest.mark.parametrize("holds", CONTRACT, ids=lambda holds: holds.__name__)
@pytest.mark.parametrize(
    "metric", [metric for *_, metric in CHOSEN], ids=[f"{entry[0]}-{entry[1]}" for entry in CHOSEN]
)
def test_every_choice_of_a_convention_keeps_to_the_contract(metric: Any, holds: Callable[[Any], None]) -> None:
    holds(metric)
