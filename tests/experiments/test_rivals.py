from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from autoseg.simulate import SimulationOptions
from experiments.rivals import Contest, Outcome, compare, hold_contest
from experiments.statistics import bootstrap_interval

TINY = SimulationOptions(cases=5, held_out_cases=2, spacing_mm=6.0, seed=3)


def outcome(planner: str, dice: list[float], found: list[int]) -> Outcome:
    return Outcome(
        planner=planner,
        seed=0,
        dice=tuple(dice),
        volume_ml=(1.0, 5.0, 20.0, 80.0),
        found=tuple(found),
        lesions=(2, 2, 2, 2),
        false=(0, 0, 1, 1),
    )


def test_planners_are_compared_scan_by_scan_and_in_the_smallest_quarter() -> None:
    first = outcome("a", [0.5, 0.6, 0.7, 0.8], [2, 2, 2, 2])
    second = outcome("b", [0.1, 0.5, 0.6, 0.7], [0, 1, 1, 2])
    rows = {row[:2]: row[2:] for row in compare([first, second], ("a", "b"))}
    assert rows["all (4)", "Dice"][0].startswith("0.650 (")
    assert rows["all (4)", "Dice"][2].startswith("+0.175 (+0.100 to")
    assert rows["all (4)", "share of lesions found"][1].startswith("0.500 (")
    assert rows["all (4)", "share of predicted lesions that are some"][0].startswith("0.800 (")
    assert rows["smallest quarter (1)", "Dice"] == (
        "0.500 (0.500 to 0.500)",
        "0.100 (0.100 to 0.100)",
        "+0.400 (+0.400 to +0.400)",
    )
    assert rows["smallest quarter (1)", "share of predicted lesions that are some"][1] == "- (- to -)"


@pytest.mark.filterwarnings("ignore:This process")
def test_a_contest_trains_both_and_judges_them_on_the_same_scans(tmp_path: Path) -> None:
    contest = Contest(planners=("default", "nnunet"), minutes=0.02, seeds=1, simulation=TINY)
    outcomes = hold_contest(contest, tmp_path)
    assert [entry.planner for entry in outcomes] == ["default", "nnunet"]
    assert len(outcomes[0].dice) == 2
    assert outcomes[0].volume_ml == outcomes[1].volume_ml
    assert (tmp_path / "outcomes.json").is_file()


def test_the_interval_of_a_ratio_of_totals_holds_the_ratio() -> None:
    totals = np.array([[1.0, 2.0], [3.0, 4.0], [0.0, 2.0], [2.0, 2.0]])
    low, high = bootstrap_interval(totals, lambda means: means[..., 0] / means[..., 1])
    assert low < 0.6 < high
