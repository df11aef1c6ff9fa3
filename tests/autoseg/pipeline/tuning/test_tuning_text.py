from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from autoseg.pipeline.tuning.records import Outcome
from autoseg.pipeline.tuning.tuning_text import describe_outcome, rows
from autoseg.pipeline.tuning.writing import _picture, write_report
from tests.autoseg.pipeline.tuning.searches import make_folder, make_outcome, make_record, make_trial


def describe(outcome: Outcome) -> str:
    return " ".join(describe_outcome(make_record(outcome=outcome)))


def test_a_gain_is_said_with_what_it_was_measured_on() -> None:
    said = describe(make_outcome(plan="default-tuned"))
    assert said.startswith("Found: rate times 3; its gain is more than chance. Gain of Dice +0.1000 (+0.0200 to +0.18")
    assert "better in 3 of 3 pairs of trainings" in said
    assert "the 1 case of 11 subjects of fold 0, which the search never saw, by 3 trainings of 4 steps" in said
    assert "The 95 % interval" in said
    assert "comparisons" not in said
    assert "`autoseg train FOLD -c 3d_fullres --plan default-tuned`" in said


def test_earlier_comparisons_on_the_same_cases_raise_the_level_and_are_named() -> None:
    said = describe(make_outcome(comparisons=5))
    assert "The 99 % interval" in said
    assert "with this one 5 comparisons were made on these cases" in said


def test_what_is_not_taken_is_said_to_be_nothing_and_names_no_plan() -> None:
    outcome = make_outcome()
    assert outcome.trial is not None
    said = describe(replace(outcome, trial=replace(outcome.trial, taken=False, reason="its gain may be chance")))
    assert said.startswith("Nothing found: the best candidate (rate times 3) is not taken; its gain may be chance.")
    assert "chosen the plan" not in said
    assert describe(Outcome(best=0, reason="none was better")) == "Nothing found: none was better."


def test_each_trial_has_a_row_with_its_end() -> None:
    trials = [make_trial(0, 0.5, 0.6), make_trial(1, 0.4, 0.7), make_trial(2, 0.3), make_trial(3, refused="no memory")]
    assert rows(make_record(outcome=make_outcome()), trials) == [
        ("0", "as planned", "0.5000", "0.6000", "ended after round 2 of 2"),
        ("1", "rate way 1", "0.4000", "0.7000", "best of the search, proven"),
        ("2", "rate way 2", "0.3000", "", "ended after round 1 of 2"),
        ("3", "rate way 3", "", "", "no memory"),
    ]


def test_the_picture_names_the_plan_as_it_is_and_those_that_are_best_where_they_came_to() -> None:
    ends = {1: 0.1, 2: 0.7, 3: 0.6, 4: 0.5}
    # A high score in the first rung does not make one of the best.
    trials = [make_trial(0, 0.2), *(make_trial(number, 1.0 - end, end) for number, end in ends.items()), make_trial(5)]
    climbs = _picture(make_record(), trials).climbs
    assert [climb.named for climb in climbs] == [True, False, True, True, True]
    assert climbs[1].scores == (0.9, 0.1)


def test_words_table_and_picture_are_written(tmp_path: Path) -> None:
    folder, trials = make_folder(tmp_path), [make_trial(0, 0.5, 0.6), make_trial(1, 0.4, 0.7)]
    write_report(folder, make_record(outcome=make_outcome(), simulated=True), trials)
    assert "Gain of Dice +0.1000" in folder.text.read_text(encoding="utf-8")
    lines = folder.table.read_text(encoding="utf-8").splitlines()
    assert len(lines) == 3
    assert folder.picture.is_file()
