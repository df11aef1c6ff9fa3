from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from autoseg.simulate import SimulationOptions
from dataset_fingerprints.errors import AutosegError
from experiments.plateau import ARMS, Study, choose_arms, compare_arms
from experiments.statistics import bootstrap_interval

TINY = Study(
    iterations=2, simulation=SimulationOptions(cases=5, held_out_cases=1, spacing_mm=6.0, seed=1), folds=("0",)
)


def test_arms_train_the_same_cases_and_are_compared_one_by_one(tmp_path: Path) -> None:
    chosen = choose_arms(["as planned", "balanced lesions"])
    first, second = compare_arms(tmp_path, chosen, TINY)
    assert [case.case for case in first.cases] == [case.case for case in second.cases]
    assert first.row(first)[-1] == "-"
    assert second.row(first)[0] == "balanced lesions"
    again, _ = compare_arms(tmp_path, chosen, TINY)
    np.testing.assert_array_equal(again.values("dice"), first.values("dice"))


def test_all_arms_are_chosen_without_names_and_unknown_ones_refused() -> None:
    assert choose_arms([]) == ARMS
    with pytest.raises(AutosegError, match="Did you mean 'pooled Dice'"):
        choose_arms(["pooled dice"])


def test_the_interval_holds_the_mean_and_shrinks_without_spread() -> None:
    low, high = bootstrap_interval(np.array([0.0, 0.1, 0.2, 0.3]))
    assert low < 0.15 < high
    assert bootstrap_interval(np.full(5, 0.2)) == pytest.approx((0.2, 0.2))
