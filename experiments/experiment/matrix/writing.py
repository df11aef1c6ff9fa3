"""A matrix as Markdown for people, and as CSV: a row per model, group, label and metric, and one per test."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from autoseg.pipeline.scores.case_tables import SIMULATED, show_figure
from autoseg.pipeline.statistics.tables import as_markdown, place_markdown, place_rows, write_markdown, write_rows
from dataset_fingerprints.names import counted
from dataset_fingerprints.simulated import mark_title
from experiments.experiment.matrix.table import Matrix
from experiments.experiment.showing import Table

STEM, TESTS = "matrix", "matrix-tests"
FIRST = ("model", "data", "group", "label", "metric")
FIRST_OF_TESTS = ("kind", "in", "first", "second", "label", "metric")


def write_matrix(out: Path, matrix: Matrix, tables: Sequence[Table]) -> tuple[Path, Path, Path]:
    """Write a matrix into a folder, and return the paths: Markdown, means, tests."""
    path = out / f"{STEM}.csv"
    markdown, means = place_markdown(path), place_rows(path, FIRST)
    tests = place_rows(out / f"{TESTS}.csv", FIRST_OF_TESTS)
    columns = matrix.columns()
    title = mark_title(
        f"Matrix of {counted(len(matrix.models), 'model')} and {counted(len(columns), 'group')} of cases",
        matrix.simulated(),
    )
    parts = [f"# {title}", *(f"## {table.title}\n\n{as_markdown(table.columns, table.rows)}" for table in tables)]
    parts.append("".join(f"- {remark}\n" for remark in matrix.remarks))
    write_markdown(markdown, "experiment matrix", "\n\n".join(part.strip("\n") for part in parts if part) + "\n")
    mark = {SIMULATED: "yes"} if matrix.simulated() else {}
    write_rows(means, [row | mark for row in _list_means(matrix)])
    write_rows(tests, [row | mark for row in _list_tests(matrix)])
    return markdown, means, tests


def _list_means(matrix: Matrix) -> Iterator[dict[str, str]]:
    for entry in matrix.entries:
        for label in entry.evaluation.summary:
            name = entry.evaluation.name_of(label.label)
            for metric in matrix.metrics:
                found = label.statistics(metric)
                low, high = found.ci95 or (None, None)
                figures = {"mean": found.mean, "low": low, "high": high, "SD": found.sd, "median": found.median}
                yield (
                    dict(zip(FIRST, (entry.model, entry.data, entry.group, name, metric), strict=True))
                    | {"cases": str(found.n), "seen": str(entry.seen), "all seen": "yes" if entry.all_seen else "no"}
                    | {name: show_figure(value, 6) for name, value in figures.items()}
                )


def _list_tests(matrix: Matrix) -> Iterator[dict[str, str]]:
    """Yield a row per pair of models in a group, and per pair of groups of a model."""
    labels = matrix.labels()
    for where, one in matrix.between_models:
        low, high = one.ci95 or (None, None)
        yield _make_row(
            ("models", where, one.first, one.second, labels[one.label], one.metric),
            {
                "difference": one.mean,
                "low": low,
                "high": high,
                "p bootstrap": one.tests.bootstrap,
                "p t": one.tests.t,
                "p wilcoxon": one.tests.wilcoxon,
                "p rank_sum": one.tests.rank_sum,
                "p bootstrap corrected": one.corrected.bootstrap,
                "p t corrected": one.corrected.t,
                "p wilcoxon corrected": one.corrected.wilcoxon,
                "p rank_sum corrected": one.corrected.rank_sum,
            },
            (one.subjects, one.subjects, one.subjects),
        )
    for model, group in matrix.between_groups:
        first, second = group.means
        difference = None if first is None or second is None else second - first
        yield _make_row(
            ("groups", model, group.first, group.second, labels[group.label], group.metric),
            {"difference": difference, "p rank_sum": group.rank_sum, "p rank_sum corrected": group.corrected},
            (*group.subjects, group.shared),
        )


_FIGURES = (
    *("difference", "low", "high"),
    *(
        f"p {test}{corrected}"
        for corrected in ("", " corrected")
        for test in ("bootstrap", "t", "wilcoxon", "rank_sum")
    ),
)


def _make_row(
    key: tuple[str, ...], figures: Mapping[str, float | None], subjects: tuple[int, int, int]
) -> dict[str, str]:
    first, second, both = subjects
    return (
        dict(zip(FIRST_OF_TESTS, key, strict=True))
        | {"subjects of first": str(first), "subjects of second": str(second), "subjects of both": str(both)}
        | {name: show_figure(figures.get(name), 6) for name in _FIGURES}
    )
