"""Measurements that begin from nothing: a folder in which something is done already is refused."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from dataset_fingerprints.errors import AutosegError
from experiments.__main__ import walk_page
from experiments.checkouts import compare_checkouts
from experiments.costs.case_residency import compare_residency, watch_growth
from experiments.costs.foretold import compare_costs
from experiments.costs.many_cases import measure_growth

NOWHERE = Path("nowhere")
MEASUREMENTS: dict[str, Callable[[Path], object]] = {
    "checkouts": lambda work: next(compare_checkouts(NOWHERE, NOWHERE, work)),
    "foretold": lambda work: next(compare_costs(NOWHERE, (), work)),
    "growth": lambda work: watch_growth(NOWHERE, work, 1, 16),
    "many-cases": lambda work: next(measure_growth([1], work)),
    "residency": lambda work: next(compare_residency(work, 1, 16, 1)),
    "walk": lambda work: walk_page(NOWHERE, work),
}


@pytest.mark.parametrize("name", MEASUREMENTS)
def test_a_folder_of_an_earlier_run_is_refused_and_stays(tmp_path: Path, name: str) -> None:
    (tmp_path / "workspace").mkdir()
    with pytest.raises(AutosegError, match="holds something already"):
        MEASUREMENTS[name](tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["workspace"]
