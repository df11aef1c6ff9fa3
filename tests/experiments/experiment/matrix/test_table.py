"""A matrix of known scores: means, what is left out because a model has seen it, and tests."""

from __future__ import annotations

import csv
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from autoseg.evaluation import Evaluation
from autoseg.evaluation.analysis.systems import compare_systems
from autoseg.evaluation.results import SeenCases
from autoseg.evaluation.statistics.significance import compare_ranks, correct_holm
from autoseg.evaluation.traits import CaseTraits
from experiments.experiment.matrix.cells import Cell
from experiments.experiment.matrix.table import compare_cells, make_tables
from experiments.experiment.matrix.writing import write_matrix
from tests.autoseg.evaluation.analysis.made_up import make_evaluation

GENERATOR = np.random.default_rng(1)
NAMES = [f"c{number}" for number in range(12)]
FIRST = GENERATOR.beta(6, 2, size=12)
SECOND = np.clip(FIRST + GENERATOR.normal(0.05, 0.02, size=12), 0, 1)


def scored(dice: np.ndarray, seen: tuple[str, ...] = (), names: list[str] = NAMES) -> Evaluation:
    traits = {
        name: CaseTraits(case=name, known={"posture": "prone" if number % 2 == 0 else "supine"})
        for number, name in enumerate(names)
    }
    made = make_evaluation(list(dice), names=names, traits=traits)
    return replace(made, seen=SeenCases(cases=seen, models=("m",) if seen else ()))


def cell(model: str, data: str, evaluation: Evaluation) -> Cell:
    return Cell(model=model, data=data, evaluation=evaluation, out_of_fold=0)


def test_means_differences_and_p_values_are_those_of_the_comparison_of_systems() -> None:
    cells = [cell("a", "own", scored(FIRST)), cell("b", "own", scored(SECOND))]
    matrix = compare_cells(cells, ("dice",), "")
    assert (matrix.models, matrix.columns()) == (("a", "b"), ("own",))
    ((where, difference),) = matrix.between_models
    expected = compare_systems({"a": scored(FIRST), "b": scored(SECOND)}, metrics=["dice"]).differences[0]
    assert (where, difference) == ("own", expected)
    assert difference.tests.t is not None
    assert difference.tests.wilcoxon is not None
    means, models = make_tables(matrix)
    assert means.rows[0][1].startswith(f"{FIRST.mean():.3f} (")
    assert means.rows[0][1].endswith("n 12")
    assert models.rows[0][:3] == ("own", "Dice", "b - a")
    assert matrix.between_groups == ()


def test_cases_that_a_model_has_seen_are_in_no_mean_and_no_test_beside_others() -> None:
    seen = ("c0", "c1", "c2")
    cells = [cell("a", "own", scored(FIRST, seen)), cell("b", "own", scored(SECOND))]
    matrix = compare_cells(cells, ("dice",), "")
    first = matrix.find("a", "own")
    assert first is not None
    assert (first.seen, first.all_seen) == (3, False)
    assert first.evaluation.label(1).statistics("dice").mean == pytest.approx(FIRST[3:].mean())
    assert matrix.between_models[0][1].cases == 9


def test_scores_of_seen_cases_alone_are_marked_and_not_compared() -> None:
    cells = [cell("a", "own", scored(FIRST, tuple(NAMES))), cell("b", "own", scored(SECOND))]
    matrix = compare_cells(cells, ("dice",), "")
    assert matrix.between_models == ()
    assert "(seen)" in make_tables(matrix)[0].rows[0][1]
    assert "(seen)" not in make_tables(matrix)[0].rows[1][1]


def test_groups_of_a_column_are_columns_and_compared_by_ranks_with_one_correction() -> None:
    cells = [cell("a", "own", scored(FIRST)), cell("b", "own", scored(SECOND))]
    matrix = compare_cells(cells, ("dice",), "posture")
    assert matrix.columns() == ("own, prone", "own, supine")
    raw = [compare_ranks(scores[::2], scores[1::2]) for scores in (FIRST, SECOND)]
    assert [one.rank_sum for _, one in matrix.between_groups] == [pytest.approx(p) for p in raw]
    assert [one.corrected for _, one in matrix.between_groups] == [pytest.approx(p) for p in correct_holm(raw)]
    # Two differences of models, of which each test is corrected for both.
    tests = [one.tests.t for _, one in matrix.between_models]
    assert [one.corrected.t for _, one in matrix.between_models] == [pytest.approx(p) for p in correct_holm(tests)]


def test_data_sets_are_compared_by_ranks_and_models_without_common_cases_are_not_paired() -> None:
    other = scored(SECOND, names=[f"d{number}" for number in range(12)])
    cells = [cell("a", "own", scored(FIRST)), cell("a", "external", other), cell("b", "external", other)]
    matrix = compare_cells(cells, ("dice",), "")
    assert [(model, one.first, one.second) for model, one in matrix.between_groups] == [("a", "own", "external")]
    assert [where for where, _ in matrix.between_models] == ["external"]
    assert make_tables(matrix)[0].rows[1][1:] == ("-", make_tables(matrix)[0].rows[0][2])


def test_everything_is_written_as_markdown_and_csv(tmp_path: Path) -> None:
    simulated = replace(scored(FIRST, ("c0",)), simulated=True)
    cells = [cell("a", "own", simulated), cell("b", "own", scored(SECOND))]
    matrix = compare_cells(cells, ("dice",), "posture")
    markdown, means, tests = write_matrix(tmp_path, matrix, make_tables(matrix))
    text = markdown.read_text(encoding="utf-8")
    assert "# SIMULATED: Matrix of 2 models and 2 groups of cases" in text
    assert "## Models beside each other" in text
    assert "## Groups beside each other" in text
    with means.open(encoding="utf-8-sig") as stream:
        rows = list(csv.DictReader(stream))
    assert [(row["model"], row["group"], row["seen"]) for row in rows] == [
        ("a", "prone", "1"),
        ("a", "supine", "0"),
        ("b", "prone", "0"),
        ("b", "supine", "0"),
    ]
    assert {row["simulated"] for row in rows} == {"yes"}
    with tests.open(encoding="utf-8-sig") as stream:
        found = list(csv.DictReader(stream))
    assert [row["kind"] for row in found] == ["models", "models", "groups", "groups"]
    assert float(found[0]["p t"]) == pytest.approx(matrix.between_models[0][1].tests.t, rel=1e-3)
    assert found[0]["p rank_sum"]
    assert not found[2]["p t"]
