"""A comparison of systems as JSON for programs, CSV for a spreadsheet, and Markdown for people."""

from __future__ import annotations

import json
from pathlib import Path

from autoseg.evaluation.analysis.conclusions import conclude, explain_difference, show_p
from autoseg.evaluation.analysis.systems import Difference, SystemComparison, SystemMean
from autoseg.pipeline.scores.case_tables import SIMULATED, show_figure
from autoseg.pipeline.statistics.tables import as_markdown, place_markdown, place_rows, write_markdown, write_rows
from dataset_fingerprints.files.jsonfiles import to_json, write_json
from dataset_fingerprints.names import counted
from dataset_fingerprints.simulated import mark_title

KEYS = ("label", "metric", "first", "second")
MEANS = ("metric", "system", "mean", "95 % interval", "SD", "median", "cases")
DIFFERENCES = ("metric", "difference", "mean", "95 % interval", "bootstrap", "Wilcoxon", "t", "rank sum", "can show")
# Columns of the terminal's table, which has no room for more.
SHORT = ("metric", "mean", "95 % interval", "bootstrap", "Wilcoxon", "t")
# Fields by which a file is known for a comparison.
FIELDS = frozenset({"systems", "means", "differences", "conclusion"})
_SCHEMA_VERSION = 1
_INTERVALS = {"percentile": "percentile", "bca": "BCa"}


def write_comparison(out: Path, comparison: SystemComparison) -> None:
    """Write the comparison, and beside it its tables."""
    plain = json.loads(to_json(comparison))
    for entry, one in zip(plain["differences"], comparison.differences, strict=True):
        entry["conclusion"] = explain_difference(one, comparison)
    if not comparison.simulated:
        del plain[SIMULATED]
    write_json(out, {"schema_version": _SCHEMA_VERSION, "conclusion": conclude(comparison)} | plain)
    write_rows(place_table(out), [_as_row(one, comparison) for one in comparison.differences])
    write_markdown(place_markdown(out), "compare", describe_comparison(comparison))


def place_table(out: Path) -> Path:
    """Return where the table beside a comparison lies."""
    return place_rows(out.with_suffix(".csv"), KEYS)


def describe_comparison(comparison: SystemComparison) -> str:
    """Return the comparison in Markdown: means, differences, and what they show."""
    title = " and ".join(comparison.systems) if len(comparison.systems) == 2 else ", ".join(comparison.systems)
    people = counted(comparison.subjects, "subject")
    cases = counted(len(comparison.cases), "case")
    parts = [
        f"# {mark_title(f'Comparison of {title}', comparison.simulated)}",
        conclude(comparison),
        f"{cases} of {people}, scored by all. 95 % intervals: bootstrap over subjects "
        f"({_INTERVALS[comparison.interval]}). P-values: two-sided, after Holm's correction for "
        f"{counted(comparison.tested, 'difference')}. Can show: the smallest difference that so many "
        f"subjects show with a power of {comparison.power:.0%}.",
        as_markdown(MEANS, mean_rows(comparison)),
        as_markdown(DIFFERENCES, difference_rows(comparison)),
        "".join(f"- {explain_difference(one, comparison)}\n" for one in comparison.differences),
        "".join(f"- {remark}\n" for remark in comparison.remarks),
    ]
    return "\n\n".join(part.strip("\n") for part in parts if part) + "\n"


def mean_rows(comparison: SystemComparison) -> list[tuple[str, ...]]:
    """Return a row per metric, label and system."""
    return [_mean_row(one, comparison) for one in comparison.means]


def difference_rows(comparison: SystemComparison) -> list[tuple[str, ...]]:
    """Return a row per metric, label and pair of systems."""
    return [_difference_row(one, comparison) for one in comparison.differences]


def short_rows(comparison: SystemComparison) -> dict[str, list[tuple[str, ...]]]:
    """Return rows of the columns `SHORT` for each pair of systems, by their names."""
    rows: dict[str, list[tuple[str, ...]]] = {}
    for one in comparison.differences:
        row = dict(zip(DIFFERENCES, _difference_row(one, comparison), strict=True))
        rows.setdefault(f"{one.second} minus {one.first}", []).append(tuple(row[column] for column in SHORT))
    return rows


def _mean_row(one: SystemMean, comparison: SystemComparison) -> tuple[str, ...]:
    figures = one.statistics
    return (
        _metric(one, comparison),
        one.system,
        *(show_figure(value) or "-" for value in (figures.mean,)),
        _show_interval(figures.ci95),
        *(show_figure(value) or "-" for value in (figures.sd, figures.median)),
        str(figures.n),
    )


def _difference_row(one: Difference, comparison: SystemComparison) -> tuple[str, ...]:
    p_values = (one.corrected.bootstrap, one.corrected.wilcoxon, one.corrected.t, one.corrected.rank_sum)
    return (
        _metric(one, comparison),
        f"{one.second} - {one.first}",
        "-" if one.mean is None else f"{one.mean:+.3f}",
        _show_interval(one.ci95, "+"),
        *(show_p(value).removeprefix("= ") for value in p_values),
        show_figure(one.smallest) or "-",
    )


def _metric(one: SystemMean | Difference, comparison: SystemComparison) -> str:
    title = comparison.titles[one.metric]
    return title if len(comparison.names) == 1 else f"{comparison.names[one.label]}: {title}"


def _show_interval(interval: tuple[float, float] | None, sign: str = "") -> str:
    return "-" if interval is None else f"{interval[0]:{sign}.3f} to {interval[1]:{sign}.3f}"


def _as_row(one: Difference, comparison: SystemComparison) -> dict[str, str]:
    means = {
        mean.system: mean.statistics.mean
        for mean in comparison.means
        if (mean.label, mean.metric) == (one.label, one.metric)
    }
    low, high = one.ci95 or (None, None)
    figures: dict[str, float | None] = {
        "mean of first": means[one.first],
        "mean of second": means[one.second],
        "difference": one.mean,
        "low": low,
        "high": high,
        "sd": one.sd,
    }
    for test in ("bootstrap", "wilcoxon", "t", "rank_sum"):
        figures[f"p {test}"] = getattr(one.tests, test)
        figures[f"p {test} corrected"] = getattr(one.corrected, test)
    return (
        dict(zip(KEYS, (comparison.names[one.label], one.metric, one.first, one.second), strict=True))
        | {"cases": str(one.cases), "subjects": str(one.subjects), "left out": str(one.left_out)}
        | {name: show_figure(value, 6) for name, value in figures.items()}
        | {"can show": show_figure(one.smallest, 6), "needed": str(one.needed or "")}
        | ({SIMULATED: "yes"} if comparison.simulated else {})
    )
