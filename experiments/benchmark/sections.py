"""A benchmark as titled tables with remarks, before it becomes Markdown, HTML or lines on a terminal."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from dataset_fingerprints.names import counted
from experiments.benchmark.benchmark import Benchmark
from experiments.benchmark.comparing import find_notes, place
from experiments.benchmark.figures import DICE, FIGURES, describe_lesions, find_ours, show_ours, show_published
from experiments.benchmark.ours import OurResult
from experiments.published import PublishedRow

MARK = "SIMULATED"
# What every row says beside its figures.
_BACKGROUND = ("n", "protocol")


@dataclass(frozen=True, kw_only=True, slots=True)
class Section:
    """A table with its title and what is to be said of it.

    Attributes:
        rows: as many cells as columns.
        brief: the columns that a terminal has room for; none where the remarks say enough there.
        ours: how many of the rows, from the first on, are ours.
        remarks: sentences below the table.
    """

    title: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    brief: tuple[str, ...]
    ours: int = 0
    remarks: tuple[str, ...] = ()


def make_sections(benchmark: Benchmark) -> tuple[Section, ...]:
    """Return the tables: ours with what is comparable, how far people agree, and what is not comparable."""
    return (_compare(benchmark), _show_tracers(benchmark), _show_others(benchmark))


def _compare(benchmark: Benchmark) -> Section:
    standing = [_name_standing(benchmark, result) for result in benchmark.ours]
    columns = ("Method", *_BACKGROUND, "Dice", "95 % interval", *standing)
    others = tuple(figure.title for figure in FIGURES if figure is not DICE)
    ours = [_row_of_ours(benchmark, result) for result in benchmark.ours]
    published = [_row_of(row, benchmark) for row in benchmark.comparable]
    return Section(
        title=_title(benchmark),
        columns=(*columns, *others, "Lesion rule", "Source"),
        rows=(*ours, *published),
        brief=(*columns, "Source"),
        ours=len(ours),
        remarks=tuple(_remark(benchmark)),
    )


def _title(benchmark: Benchmark) -> str:
    scope = benchmark.scope
    if scope.simulated:
        return f"{MARK} scans, {scope.set}: only results of autoseg"
    where = f"ATLAS {scope.release}" if scope.release else "Scans of an unknown release"
    return f"{where}, {scope.set}: autoseg and comparable published results"


def _name_standing(benchmark: Benchmark, result: OurResult) -> str:
    return "Against ours" if len(benchmark.ours) == 1 else f"Against {result.name}"


def _row_of_ours(benchmark: Benchmark, result: OurResult) -> tuple[str, ...]:
    dice = find_ours(result, DICE)
    interval = _show_interval(dice.ci95 if dice else None)
    mark = f" ({MARK})" if benchmark.scope.simulated else ""
    return (
        f"{result.name}{mark}",
        f"{result.count()} scans",
        result.protocol,
        show_ours(result, DICE),
        interval,
        *("" for _ in benchmark.ours),
        *(show_ours(result, figure) for figure in FIGURES if figure is not DICE),
        describe_lesions(result) or "-",
        result.source,
    )


def _row_of(row: PublishedRow, benchmark: Benchmark) -> tuple[str, ...]:
    low, high = row.dice_ci_low, row.dice_ci_high
    return (
        show_method(row),
        row.show_n(),
        row.protocol,
        show_published(row, DICE),
        _show_interval(None if low is None or high is None else (low, high)),
        *(place(row, result) for result in benchmark.ours),
        *(show_published(row, figure) for figure in FIGURES if figure is not DICE),
        row.lesion_rule or "-",
        _show_source(row),
    )


def show_method(row: PublishedRow) -> str:
    """Return a method with its authors and year."""
    dated = row.reference if str(row.year) in row.reference else f"{row.reference}, {row.year}"
    return f"{row.method} ({dated})"


def _show_interval(bounds: tuple[float, float] | None) -> str:
    return "-" if bounds is None else f"{bounds[0]:.3f} to {bounds[1]:.3f}"


def _show_source(row: PublishedRow) -> str:
    said = row.verified == "read" or "abstract" in row.source
    return row.source if said else f"{row.source} ({row.verified})"


def _remark(benchmark: Benchmark) -> Iterator[str]:
    """Yield what has to be known to read the first table."""
    if benchmark.scope.simulated:
        yield (
            f"{MARK}: these scans are made by a program. Such figures say nothing of patients, and no published figure "
            "stands beside them."
        )
    yield from benchmark.remarks
    for result in benchmark.ours:
        if result.evaluation.scale != 1:
            size = f"1/{result.evaluation.scale:g} of the planned size (--scale)"
            yield f"{result.source} is of models of {size}, a deviation: it says nothing of the plan."
    for result in benchmark.ours:
        yield from _place_all(benchmark, result)
    if benchmark.comparable:
        notes = (note for result in benchmark.ours for note in find_notes(benchmark.comparable, result))
        yield from dict.fromkeys(notes)
    elif not benchmark.scope.simulated:
        yield "No published result is comparable: the last table says why, row by row."
    yield from _explain_interval(benchmark.ours)


def _explain_interval(ours: Sequence[OurResult]) -> Iterator[str]:
    """Yield how our intervals were made, in the words of the result files."""
    found = [result for result in ours if (dice := find_ours(result, DICE)) and dice.ci95]
    if found:
        yield f"Our 95 % interval: {found[0].evaluation.convention.ci95}. Published ones: as their authors made them."
    names = sorted({result.evaluation.convention.name for result in ours})
    yield f"Our metrics: convention {' and '.join(names)}; the result file has every option."


def _place_all(benchmark: Benchmark, result: OurResult) -> Iterator[str]:
    places = [place(row, result) for row in benchmark.comparable]
    if not benchmark.comparable:
        return
    if "-" in places:
        yield f"{result.name}: too few scans for an interval."
        return
    counts = ", ".join(f"{places.count(where)} {where}" for where in ("inside", "above", "below"))
    yield f"{result.name}: of {len(places)} comparable published Dice, {counts} our 95 % interval."


def _show_tracers(benchmark: Benchmark) -> Section:
    rows = tuple(
        (row.method, row.show_n(), row.protocol, show_published(row, DICE), f"{row.reference}, {_show_source(row)}")
        for row in benchmark.tracers
    )
    columns = ("Who", *_BACKGROUND, "Dice", "Source")
    apart = f"Apart from the {MARK} scans: " if benchmark.scope.simulated else ""
    title = f"{apart}agreement of people who draw lesions"
    remarks = () if benchmark.scope.simulated else tuple(_compare_with_people(benchmark))
    return Section(title=title[:1].upper() + title[1:], columns=columns, rows=rows, brief=columns, remarks=remarks)


def _compare_with_people(benchmark: Benchmark) -> Iterator[str]:
    """Yield where ours lie beside the agreement of two people, on other scans."""
    between = next((row for row in benchmark.tracers if "inter" in row.method), None)
    for result in benchmark.ours:
        where = "-" if between is None else place(between, result)
        if between is not None and where != "-":
            lies = {"inside": "lies inside", "above": "lies above", "below": "lies below"}[where]
            yield f"The Dice of two people ({between.dice:.3f}) {lies} the 95 % interval of {result.name}."
    yield "People drew other scans than these: their agreement is a landmark, no bound."


def _show_others(benchmark: Benchmark) -> Section:
    rows = tuple(
        (
            show_method(one.row),
            one.row.release,
            one.row.show_n(),
            one.row.protocol,
            one.row.dimension,
            one.row.input_size or "-",
            *(show_published(one.row, figure) for figure in FIGURES),
            one.row.lesion_rule or "-",
            " ".join(one.reasons),
            _show_source(one.row),
        )
        for one in benchmark.others
    )
    figures = tuple(figure.title for figure in FIGURES)
    head = ("Method", "Release", *_BACKGROUND)
    what = f"Apart from the {MARK} scans: published" if benchmark.scope.simulated else "Published"
    return Section(
        title=f"{what} results that are not comparable with ours",
        columns=(*head, "Dimension", "Input size", *figures, "Lesion rule", "Why not", "Source"),
        rows=rows,
        brief=(),
        remarks=tuple(_count_reasons(benchmark)),
    )


def _count_reasons(benchmark: Benchmark) -> Iterator[str]:
    """Yield how many rows each reason keeps apart, most frequent first."""
    counts = Counter(reason for one in benchmark.others for reason in one.reasons)
    for reason, count in counts.most_common():
        yield f"{counted(count, 'row')}: {reason}"
