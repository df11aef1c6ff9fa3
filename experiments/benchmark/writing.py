"""A benchmark on the disk: Markdown and HTML for people, CSV for programs."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Mapping
from dataclasses import asdict, fields
from html import escape
from pathlib import Path
from typing import Any

from autoseg.pipeline.outputs import refuse_no_place, refuse_read_only, refuse_reserved
from dataset_fingerprints.errors import DataError
from dataset_fingerprints.files.atomic import write_bytes
from experiments.benchmark.benchmark import Benchmark
from experiments.benchmark.comparing import place
from experiments.benchmark.figures import DICE, FIGURES, describe_dice, describe_lesions, find_mean, find_ours
from experiments.benchmark.ours import OurResult
from experiments.benchmark.sections import MARK, Section, make_sections
from experiments.published import PublishedRow

# The first line of every page: only files that begin with it, or with our columns, are replaced.
OWN = "<!-- autoseg benchmark -->"
_ENDINGS = (".md", ".csv", ".html")
_EXTRA = ("table", "whose", "simulated", "position", "why_not")
_STYLE = """
.autoseg-benchmark { font: 14px/1.45 system-ui, sans-serif; color: #1c2430; }
.autoseg-benchmark .scroll { overflow-x: auto; }
.autoseg-benchmark table { border-collapse: collapse; margin: .4em 0; }
.autoseg-benchmark th, .autoseg-benchmark td { padding: .3em .6em; border-bottom: 1px solid #d5dbe3; }
.autoseg-benchmark th, .autoseg-benchmark td { text-align: left; vertical-align: top; }
.autoseg-benchmark tr.ours td { background: #e8f1fb; font-weight: 600; }
.autoseg-benchmark .mark { background: #b3261e; color: #fff; padding: .5em .8em; font-weight: 700; }
"""


def place_files(stem: Path) -> tuple[Path, ...]:
    """Return the files that a benchmark is written to, and make sure that no other ones are replaced.

    Raises:
        DataError: a file is there that is no benchmark, or nothing may be written there.
    """
    places = tuple(stem.with_name(f"{stem.name}{ending}") for ending in _ENDINGS)
    refuse_no_place(places[0])
    refuse_read_only(places[0])
    refuse_reserved(places[0])
    for path in places:
        if path.is_dir() or (path.exists() and path.stat().st_size and not _is_own(path)):
            raise DataError(
                f"{path}: exists and is not a benchmark of ours. It would be replaced: name another with -o."
            )
    return places


def write_benchmark(stem: Path, benchmark: Benchmark) -> tuple[Path, ...]:
    """Write a benchmark as STEM.md, STEM.csv and STEM.html, and return the paths.

    Raises:
        DataError: a file is there that is no benchmark.
    """
    sections = make_sections(benchmark)
    texts = (show_markdown(sections), show_csv(benchmark), show_page(sections, simulated=benchmark.scope.simulated))
    places = place_files(stem)
    for path, text in zip(places, texts, strict=True):
        write_bytes(path, text.encode("utf-8", errors="backslashreplace"))
    return places


def show_markdown(sections: tuple[Section, ...]) -> str:
    """Return the tables as Markdown."""
    lines = [OWN, ""]
    for section in sections:
        lines += [f"## {section.title}", "", _line(section.columns), _line("---" for _ in section.columns)]
        lines += [_line(map(_escape_cell, row)) for row in section.rows]
        lines += ["", *(f"* {remark}" for remark in section.remarks), ""]
    return "\n".join(lines)


def _line(cells: Any) -> str:
    return f"| {' | '.join(cells)} |"


def _escape_cell(cell: str) -> str:
    return escape(cell, quote=False).replace("|", "\\|").replace("\n", " ")


def show_page(sections: tuple[Section, ...], *, simulated: bool) -> str:
    """Return one HTML page that needs no other file."""
    title = f"{MARK}: benchmark" if simulated else "Benchmark"
    return (
        f"{OWN}\n"
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{title}</title>\n</head>\n<body>\n{show_fragment(sections, simulated=simulated)}</body>\n</html>\n"
    )


def show_fragment(sections: tuple[Section, ...], *, simulated: bool) -> str:
    """Return the tables as a piece of HTML, for a page of somebody else's."""
    mark = f'<p class="mark">{MARK}: no figure of ours here is of a patient.</p>\n' if simulated else ""
    body = "".join(_show_section(section) for section in sections)
    return f'<section class="autoseg-benchmark">\n<style>{_STYLE}</style>\n{mark}{body}</section>\n'


def _show_section(section: Section) -> str:
    head = "".join(f"<th>{escape(column)}</th>" for column in section.columns)
    rows = "".join(
        f"<tr{' class=' + chr(34) + 'ours' + chr(34) if number < section.ours else ''}>"
        f"{''.join(f'<td>{escape(cell)}</td>' for cell in row)}</tr>\n"
        for number, row in enumerate(section.rows)
    )
    remarks = "".join(f"<li>{escape(remark)}</li>\n" for remark in section.remarks)
    return (
        f'<h2>{escape(section.title)}</h2>\n<div class="scroll"><table>\n<thead><tr>{head}</tr></thead>\n'
        f"<tbody>\n{rows}</tbody></table></div>\n" + (f"<ul>\n{remarks}</ul>\n" if remarks else "")
    )


def show_csv(benchmark: Benchmark) -> str:
    """Return a row per result of ours and per published one, with all columns of the published table."""
    columns = (*_EXTRA, *(field.name for field in fields(PublishedRow)))
    stream = io.StringIO(newline="")
    writer = csv.DictWriter(stream, columns, restval="", lineterminator="\n")
    writer.writeheader()
    writer.writerows(_list_rows(benchmark))
    return stream.getvalue()


def _list_rows(benchmark: Benchmark) -> Iterator[Mapping[str, Any]]:
    simulated = benchmark.scope.simulated
    yield from (_plain_ours(result, benchmark) for result in benchmark.ours)
    for row in benchmark.comparable:
        positions = "; ".join(place(row, result) for result in benchmark.ours)
        yield _plain(row) | {"table": "comparable", "whose": "published", "simulated": "no", "position": positions}
    for row in benchmark.tracers:
        yield _plain(row) | {"table": "people", "whose": "published", "simulated": "no"}
    for one in benchmark.others:
        table = f"apart from {MARK}" if simulated else "not comparable"
        marks = {"table": table, "whose": "published", "simulated": "no", "why_not": " ".join(one.reasons)}
        yield _plain(one.row) | marks


def _plain(row: PublishedRow) -> dict[str, Any]:
    values = {name: "" if value is None else value for name, value in asdict(row).items()}
    return values | {"comparable": "yes" if row.comparable else "no"}


def _plain_ours(result: OurResult, benchmark: Benchmark) -> dict[str, Any]:
    scope, dice = benchmark.scope, find_ours(result, DICE)
    low, high = dice.ci95 if dice and dice.ci95 else ("", "")
    means = {figure.column: find_mean(result, figure) for figure in FIGURES}
    figures = {column: "" if mean is None else mean for column, mean in means.items()}
    return figures | {
        "table": MARK if scope.simulated else "comparable",
        "whose": "ours",
        "simulated": "yes" if scope.simulated else "no",
        "release": scope.release,
        "method": result.name,
        "n": result.count(),
        "n_of": "scans",
        "protocol": result.protocol,
        "set": result.set,
        "space": scope.space,
        "dice_rule": describe_dice(result),
        "lesion_rule": describe_lesions(result),
        "dice_sd": dice.sd if dice and dice.sd is not None else "",
        "dice_ci_low": low,
        "dice_ci_high": high,
        "source": result.source,
    }


def _is_own(path: Path) -> bool:
    """Return whether a file is a benchmark of ours, by its first line."""
    try:
        with path.open(encoding="utf-8") as stream:
            first = stream.readline()
    except (OSError, UnicodeDecodeError):
        return False
    return first.startswith((OWN, ",".join(_EXTRA)))
