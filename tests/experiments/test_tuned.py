from __future__ import annotations

from pathlib import Path

import pytest

from autoseg.pipeline.tuning.records import Outcome
from autoseg.simulate import SimulationOptions
from experiments.tuned import COLUMNS, PLANTED, SUMMARY_COLUMNS, Conditions, Found, search_planted, summarise
from tests.autoseg.pipeline.tuning.searches import make_record


@pytest.mark.slow
def test_a_search_is_held_for_each_rate_and_counted(tmp_path: Path) -> None:
    scans = SimulationOptions(cases=20, held_out_cases=0, spacing_mm=6.0, min_lesion_ml=15.0)
    conditions = Conditions(minutes=None, iterations=2, candidates=2, scans=scans, judged=10)
    found = list(search_planted(tmp_path, conditions, (0,)))
    assert [(one.planted, one.seed) for one in found] == [(name, 0) for name in PLANTED]
    rates = [one.record.values for one in found]
    assert rates[0] != rates[1]
    assert all(len(one.row()) == len(COLUMNS) for one in found)
    rows = summarise(found)
    assert [row[0] for row in rows] == list(PLANTED)
    assert all(len(row) == len(SUMMARY_COLUMNS) for row in rows)
    # What is finished is not done again.
    assert list(search_planted(tmp_path, conditions, (0,))) == found


def test_without_searches_nothing_is_right() -> None:
    assert summarise([]) == [
        (name, "0", "0", "taken" if planted.taken else "not taken", "0 of 0") for name, planted in PLANTED.items()
    ]


def test_a_candidate_that_failed_in_the_proof_is_not_called_the_plan_as_it_is() -> None:
    rows = [
        Found(planted="as it should be", seed=0, record=make_record(outcome=Outcome(best=best, reason="why"))).row()
        for best in (0, 1)
    ]
    assert [row[2:] for row in rows] == [("the plan as it is", "-", "no"), ("failed in the proof", "-", "no")]
