"""The table of a comparison: figures of known scores, marks, and files."""

from __future__ import annotations

import csv
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from autoseg.evaluation.statistics import bootstrap_interval
from dataset_fingerprints.dataset import Label
from dataset_fingerprints.errors import DataError
from experiments.experiment.table import (
    BRIEF,
    COLUMNS,
    Scored,
    make_table,
    place_tables,
    refuse_other_labels,
    write_tables,
)
from tests.experiments.benchmark.results import make_evaluation, spread

FIRST, OTHER = spread(0.5), [value + 0.1 for value in spread(0.5)]


def scored(name: str, dice: list[float], scale: float = 1.0, *, simulated: bool = False) -> Scored:
    evaluation = make_evaluation(dice, simulated=simulated)
    return Scored(name=name, scale=scale, steps=1200, minutes=2.5, evaluation=evaluation)


def test_a_row_holds_means_and_the_paired_difference_to_the_first() -> None:
    noisy = list(np.array(FIRST) + np.linspace(-0.02, 0.01, len(FIRST)))
    table = make_table([scored("a", FIRST), scored("a-seed-1", noisy), scored("b", OTHER)], 5.0, ("0",))
    first, seed, other = (dict(zip(COLUMNS, row, strict=True)) for row in table.rows)
    assert (first["recipe"], first["scale"], first["steps"], first["Dice"]) == ("a", "1", "1,200", "0.500")
    assert (first["Dice diff."], other["Dice diff."]) == ("-", "+0.100 (+0.100 to +0.100)")
    low, high = bootstrap_interval(np.array(noisy) - np.array(FIRST), kind="bca") or (0.0, 0.0)
    assert seed["Dice diff."] == f"-0.005 ({low:+.3f} to {high:+.3f})"
    assert first["lesion F1"] == "0.500"
    said = " ".join(table.remarks)
    assert "Each fold of each recipe was given 5 min" in said
    assert "Noise: a-seed-1 differs from a in nothing but the seed" in said
    assert "deviation" not in said
    assert "NOT THE SAME TIME" not in said


def test_a_training_that_took_longer_than_its_time_and_a_noise_that_was_not_measured_are_told() -> None:
    said = " ".join(make_table([scored("a", FIRST), scored("b", OTHER)], 1.0, ("0", "1")).remarks)
    assert "NOT THE SAME TIME" not in said, "2.5 minutes of twice 1 are no more than a quarter over them"
    said = " ".join(make_table([scored("a", FIRST), scored("b", OTHER)], 0.5, ("0", "1")).remarks)
    assert "NOT THE SAME TIME: of 1 minutes, there were taken by a 2.5, b 2.5." in said
    assert "Noise was not measured: --seeds 2 trains a once more" in said
    assert "NOT PREDICTED AS PLANNED" not in said
    cheaper = replace(scored("b", OTHER), cheaper=("no flips, tiles overlap by 10%",))
    said = " ".join(make_table([scored("a", FIRST), cheaper], 5.0, ("0",)).remarks)
    assert "NOT PREDICTED AS PLANNED, for lack of time: b (no flips, tiles overlap by 10%)." in said
    long = [replace(scored(name, FIRST), minutes=200.0) for name in ("a", "b")]
    said = " ".join(make_table(long, 60.0, ("0", "1")).remarks)
    assert "of 120 minutes, there were taken by a 200.0, b 200.0." in said


def test_a_training_that_was_made_before_for_another_time_is_told_with_its_minutes() -> None:
    before = replace(scored("b", OTHER), other_time=True, minutes=90.0)
    table = make_table([scored("a", FIRST), before], 2.5, ("0",))
    said = " ".join(table.remarks)
    assert "was given 2.5 min, with all trainings that it needs, unless it was trained before." in said
    assert "NOT THE SAME TIME: trained before for another time, and taken as they are: b 90.0 min." in said
    assert "there were taken by" not in said
    columns, rows = table.only(BRIEF)
    assert [row[columns.index("minutes")] for row in rows] == ["2.5", "90.0"]


def test_recipes_whose_labels_of_one_value_are_others_are_not_compared() -> None:
    def name(one: Scored, label: str) -> Scored:
        return replace(one, evaluation=replace(one.evaluation, names=(Label(name=label, value=1),)))

    first, same = name(scored("a", FIRST), "MS"), name(scored("b", OTHER), "MS")
    union = name(scored("c", OTHER), "MS+stroke")
    refuse_other_labels(first, same)
    with pytest.raises(DataError, match=r"c: its label 1 is MS\+stroke, and that of a is MS"):
        refuse_other_labels(first, union)
    summary = tuple(replace(label, label=2) for label in union.evaluation.summary)
    elsewhere = replace(union, evaluation=replace(union.evaluation, summary=summary))
    with pytest.raises(DataError, match=r"c: has none of the labels of a \(MS\)"):
        refuse_other_labels(first, elsewhere)


def test_scale_and_simulated_scans_are_marked_in_every_row_and_file(tmp_path: Path) -> None:
    entries = [scored("a", FIRST, 8.0, simulated=True), scored("b", OTHER, 8.0, simulated=True)]
    table = make_table(entries, 5.0, ("0", "1"))
    markdown, rows = write_tables(place_tables(tmp_path), table, entries)
    assert table.title == "SIMULATED: 2 trainings of recipes, 2 folds (0, 1)"
    assert any("A deviation: features, patches and batches are divided" in remark for remark in table.remarks)
    text = markdown.read_text(encoding="utf-8")
    assert "SIMULATED" in text
    assert text.count("| 1/8 |") == 2
    with rows.open(encoding="utf-8-sig") as stream:
        found = list(csv.DictReader(stream))
    assert [(row["scale"], row["simulated"]) for row in found] == [("1/8", "yes")] * 2


def test_files_of_somebody_else_are_not_replaced(tmp_path: Path) -> None:
    for name in ("recipes.md", "recipes.csv"):
        (tmp_path / name).write_text("mine", encoding="utf-8")
    entries = [scored("a", FIRST), scored("b", OTHER)]
    table = make_table(entries, 5.0, ("0",))
    written = write_tables(place_tables(tmp_path), table, entries)
    again = write_tables(place_tables(tmp_path), table, entries)
    assert written == again
    assert all((tmp_path / name).read_text(encoding="utf-8") == "mine" for name in ("recipes.md", "recipes.csv"))


def test_terminal_columns_are_a_part_of_all() -> None:
    columns, rows = make_table([scored("a", FIRST), scored("b", OTHER)], 5.0, ("0",)).only(("recipe", "Dice"))
    assert (columns, rows) == (("recipe", "Dice"), [["a", "0.500"], ["b", pytest.approx("0.600")]])


def test_several_labels_have_a_row_each() -> None:
    entries = [scored("a", FIRST), scored("b", OTHER)]
    doubled = []
    for one in entries:
        cases = tuple(
            replace(case, labels=(*case.labels, replace(case.labels[0], label=2))) for case in one.evaluation.cases
        )
        summary = (*one.evaluation.summary, replace(one.evaluation.summary[0], label=2))
        doubled.append(replace(one, evaluation=replace(one.evaluation, cases=cases, summary=summary)))
    rows = make_table(doubled, 5.0, ("0",)).rows
    assert [row[0] for row in rows] == ["a (label 1)", "a (label 2)", "b (label 1)", "b (label 2)"]
