from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from autoseg.pipeline.tuning.schedule import FEW_STEPS, divide
from autoseg.pipeline.tuning.searching import Search, find_best, rank, read_trials
from dataset_fingerprints.files.jsonfiles import write_json
from tests.autoseg.pipeline.tuning.searches import make_folder, make_trial


def test_the_best_of_the_longest_rung_counts_and_not_a_higher_score_before_it() -> None:
    trials = (make_trial(0, 0.5, 0.6), make_trial(1, 0.4, 0.7), make_trial(2, 0.9))
    best = find_best(trials)
    assert best is not None
    assert best.number == 1
    assert [trial.candidate.number for trial in rank(trials, 0)] == [2, 0, 1]


def test_of_equal_scores_the_plan_as_it_is_stays() -> None:
    best = find_best((make_trial(0, 0.5), make_trial(1, 0.5)))
    assert best is not None
    assert best.number == 0


def test_a_candidate_that_was_left_out_is_not_the_best() -> None:
    trials = (make_trial(0, 0.5), make_trial(1, 0.9, refused="the loss is not a number"))
    best = find_best(trials)
    assert best is not None
    assert best.number == 0
    assert find_best(()) is None


def test_trials_are_read_by_their_numbers_beyond_a_thousand(tmp_path: Path) -> None:
    folder = make_folder(tmp_path)
    for number in (1000, 101, 100, 0):
        write_json(folder.trial_record(number), make_trial(number, 0.5))
    assert [trial.candidate.number for trial in read_trials(folder)] == [0, 100, 101, 1000]


class Heard:
    def __init__(self) -> None:
        self.said: list[str] = []

    def say(self, message: str) -> None:
        self.said.append(message)


@pytest.mark.parametrize(("steps", "times"), [(3, 2), (FEW_STEPS, 0)])
def test_few_steps_are_said_once_in_each_rung_in_which_they_are_taken(tmp_path: Path, steps: int, times: int) -> None:
    heard, folder = Heard(), make_folder(tmp_path)
    bench: Any = SimpleNamespace(progress=heard, spent=SimpleNamespace(seconds=lambda: 0.0))
    search = Search(bench=bench, folder=folder, schedule=divide(0.1, None, 4), space={}, seed=0)
    for rung in (0, 1):
        for number in (0, 1):
            trial = make_trial(number, *(0.5,) * (rung + 1))
            trial = replace(trial, results=tuple(replace(result, iterations=steps) for result in trial.results))
            write_json(folder.trial_record(number), trial)
            search._report(trial.candidate, trial.results[-1], search.schedule.rungs[rung])
    assert sum("candidates differ by chance" in said for said in heard.said) == times
