"""`label table`: the rounds beside each other, as Markdown, CSV and a picture."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from autoseg.evaluation.statistics import LEAST_CASES
from autoseg.labelling.corrections import list_structures, measure_rms
from autoseg.labelling.state import Loop
from autoseg.labelling.summary import (
    ALL,
    Manual,
    ManualSurfaces,
    RoundPair,
    RoundSummary,
    compare_rounds,
    dice_by_case,
    find_timed,
    summarise_rounds,
)
from autoseg.pipeline.labelling.corrected_files import find_masks, read_corrected
from autoseg.pipeline.scores.case_tables import Table, show_figure, write_table
from autoseg.pipeline.statistics.tables import as_markdown, write_markdown
from autoseg.reporting.rounds import RoundPoint, draw_rounds
from autoseg.workspace.loop import LoopFolder
from dataset_fingerprints.errors import DataError, PlanError
from dataset_fingerprints.geometry import canonical_grid
from dataset_fingerprints.names import counted, some_of
from dataset_fingerprints.reading.images import read_grid, read_label_map
from dataset_fingerprints.simulated import mark_title

COLUMNS = ("round", "label", "cases", "Dice", "95 %", "gain", "p", "corrected", "changed ml", "changed %", "minutes")
SURFACES = (
    *("round", "label", "held-out manual-CNN", "points", "CNN-corrected", "points"),
    *("manual-CNN", "manual-corrected", "points"),
)
_NAMED = 10
# Those that a terminal has room for; all are in the text.
BRIEF = ("round", "label", "cases", "Dice", "gain", "p", "changed %", "minutes")
BRIEF_SURFACES = ("round", "label", "held-out manual-CNN", "CNN-corrected", "manual-CNN", "manual-corrected")
PAIRS = ("rounds", "cases", "Dice difference", "95 %", "paired t, p")
_CSV = (
    *("round", "label", "trained_cases", "dice", "dice_low", "dice_high", "gain", "gain_p", "corrected_scans"),
    *("before_ml", "after_ml", "changed_ml", "changed_share", "minutes", "manual_minutes"),
    *("rms_manual_cnn_mm", "rms_cnn_corrected_mm", "rms_manual_cnn_of_corrected_mm", "rms_manual_corrected_mm"),
    *("points_manual_cnn", "points_cnn_corrected", "points_manual_corrected"),
)


@dataclass(frozen=True, kw_only=True, slots=True)
class RoundsTable:
    """The table of a loop.

    Attributes:
        rows: rounds and labels.
        surfaces: the same rounds and labels, distances of surfaces in mm.
        pairs: every two rounds.
        remarks: sentences on how the figures came about.
        files: where it was written: text, figures, picture.
    """

    title: str
    rows: tuple[tuple[str, ...], ...]
    surfaces: tuple[tuple[str, ...], ...]
    pairs: tuple[tuple[str, ...], ...]
    remarks: tuple[str, ...]
    files: tuple[Path, Path, Path]


def make_table(folder: LoopFolder, loop: Loop, manual: Path | None) -> RoundsTable:
    """Write the table of a loop's rounds, and return it.

    Args:
        folder: of the loop.
        loop: its state.
        manual: a folder of masks of corrected scans that people labelled without a network, called after the cases.

    Raises:
        AutosegError: no round is trained, or the manual masks cannot be read.
    """
    surfaces: Manual = {} if manual is None else _measure_manual(folder, loop, manual)
    summaries = summarise_rounds(loop, surfaces)
    if not summaries:
        raise PlanError(f"{folder.root}: no round is trained yet. Run `autoseg label train` first.")
    pairs = compare_rounds(loop)
    rounds = len({one.number for one in summaries})
    table = RoundsTable(
        title=mark_title(f"{loop.name}: {counted(rounds, 'round')} of labelling", loop.simulated),
        rows=tuple(map(_make_row, summaries)),
        surfaces=tuple(map(_make_surface_row, summaries)),
        pairs=tuple(map(_make_pair_row, pairs)),
        remarks=tuple(_remark(loop, summaries, len({case for case, _ in surfaces}))),
        files=folder.table,
    )
    markdown, figures, picture = table.files
    write_markdown(markdown, "label table", _write_text(table))
    write_table(figures, Table(columns=_CSV, rows=tuple(map(_make_figures, summaries))))
    draw_rounds(_make_points(loop, summaries), picture, table.title)
    return table


def _measure_manual(folder: LoopFolder, loop: Loop, place: Path) -> Manual:
    """Return how far manual surfaces lie from those of the model and of the corrected masks."""
    if not place.is_dir():
        raise DataError(f"{place}: is not a folder. Expected one with manual masks, called after the cases.")
    taken = loop.latest()
    found, _ = find_masks(place, [name for name, one in taken.items() if one.changes])
    if not found:
        raise DataError(
            f"{place}: holds no mask that is called after a corrected scan of the loop. Expected CASE.nii.gz or "
            "CASE.seg.nrrd: rename the masks."
        )
    measured: dict[tuple[str, str], ManualSurfaces] = {}
    for name, paths in found.items():
        if len(paths) > 1:
            raise DataError(f"{place}: {' and '.join(path.name for path in paths)} are masks of one scan. Keep one.")
        grid = canonical_grid(read_grid(loop.case(name).image_paths()[0]))
        own = read_corrected(paths[0], loop.labels, grid).labels
        model = read_label_map(folder.round(taken[name].round).presegmentation(name)).voxels[0]
        corrected = read_label_map(folder.masks / taken[name].file).voxels[0]
        for one in list_structures(loop.labels):
            sides = [measure_rms(one.mask(own), one.mask(other), grid.spacing_mm()) for other in (model, corrected)]
            measured[name, one.name] = ManualSurfaces(
                to_model=sides[0].mm, to_corrected=sides[1].mm, points=sides[1].points
            )
    return measured


def _make_row(one: RoundSummary) -> tuple[str, ...]:
    return (
        str(one.number),
        one.structure,
        str(one.trained),
        _show(one.dice),
        _show_interval(one.interval),
        "-" if one.gain is None else f"{one.gain:+.3f}",
        _show_p(one.p),
        str(one.corrected),
        _show(one.changed_ml, 2),
        "-" if one.share is None else f"{100 * one.share:.1f}",
        _show(one.minutes, 1),
    )


def _make_surface_row(one: RoundSummary) -> tuple[str, ...]:
    held_out, corrected, manual = (f"{points:,}" for points in one.points)
    return (
        *(str(one.number), one.structure),
        *(_show(one.rms_manual_model, 2), held_out),
        *(_show(one.rms_model_corrected, 2), corrected),
        *(_show(one.rms_manual_presegmented, 2), _show(one.rms_manual_corrected, 2), manual),
    )


def _make_pair_row(pair: RoundPair) -> tuple[str, ...]:
    names = f"{pair.first} and {pair.second}"
    return (
        names,
        str(pair.cases),
        f"{pair.difference:+.3f}",
        _show_interval(pair.interval, signed=True),
        _show_p(pair.p),
    )


def _make_figures(one: RoundSummary) -> dict[str, str]:
    low, high = one.interval or (None, None)
    values = (
        *(one.dice, low, high, one.gain, one.p, one.corrected, one.before_ml, one.after_ml, one.changed_ml, one.share),
        *(one.minutes, one.manual_minutes, one.rms_manual_model, one.rms_model_corrected),
        *(one.rms_manual_presegmented, one.rms_manual_corrected),
    )
    cells = [
        show_figure(value, 6) if isinstance(value, float) else "" if value is None else str(value) for value in values
    ]
    return dict(
        zip(_CSV, (str(one.number), one.structure, str(one.trained), *cells, *map(str, one.points)), strict=True)
    )


def _remark(loop: Loop, summaries: Sequence[RoundSummary], manual: int) -> Iterator[str]:
    """Yield what the figures are of.

    Args:
        loop: that they are of.
        summaries: of its rounds.
        manual: number of corrected scans of which manual masks were given.
    """
    yield (
        f"Dice and held-out manual-CNN: of {counted(len(loop.test), 'held-out case')}, the same in all rounds, which "
        "no round trained on or chose. Gain and p: against the round before, paired t-test."
    )
    if any(one.interval is None for one in summaries):
        yield (
            f"95 %: - where fewer than {LEAST_CASES} held-out cases were scored: so few have no interval, and p of so "
            "few says little."
        )
    yield (
        "Corrected: masks of the round's model that people gave back; volumes and minutes are means per scan, the "
        "share is of the corrected volume."
    )
    yield (
        "Surfaces: sqrt(sum x^2 / n) in mm over the n points of the first-named surface, x the distance to the nearest "
        "point of the second; means over scans."
    )
    if manual:
        scans = counted(manual, "corrected scan that was", "corrected scans that were")
        yield f"Manual-CNN and manual-corrected: of {scans} labelled without a network as well, from the same points."
    yield from _describe_timed(loop)
    yield from _describe_saved(loop, summaries)
    if loop.abandoned():
        yield f"Given up, and in no round: {some_of(loop.abandoned(), _NAMED)}."
    if loop.simulated:
        yield "SIMULATED: no figure is of a patient."


def _describe_timed(loop: Loop) -> Iterator[str]:
    """Yield how many scans the minutes of each label are of, where not every scan with minutes has those of all."""
    for done, cases in find_timed(loop):
        counts = {label.name: sum(label.name in own for own in cases) for label in loop.labels.labels}
        if min(counts.values(), default=0) < len(cases):
            each = ", ".join(f"{name} of {count}" for name, count in counts.items())
            yield (
                f"Minutes of all labels together add up those that were noted, of {counted(len(cases), 'scan')} "
                f"{done}: {each}."
            )


def _describe_saved(loop: Loop, summaries: Sequence[RoundSummary]) -> Iterator[str]:
    """Yield the minutes that the network saved in the last round that is timed, of all labels together and of each.

    Where not the same labels were timed with a network and without, there are only those of each label.
    """
    saved = {
        (one.number, one.structure): one.manual_minutes - one.minutes
        for one in summaries
        if one.minutes is not None and one.manual_minutes is not None
    }
    manual = next((one.manual_minutes for one in summaries if one.manual_minutes is not None), 0.0)
    last = max((number for number, structure in saved if structure == ALL), default=0)
    if not last:
        return
    each = ", ".join(f"{name} {own:.1f}" for (number, name), own in saved.items() if number == last and name != ALL)
    timed = {frozenset(own) for _, cases in find_timed(loop, last) for own in cases}
    whole = f"{saved[last, ALL]:.1f}{f' ({each})' if each else ''}"
    if len(timed) > 1:
        whole = f"{each or 'not known'} (not all labels were timed)"
    yield f"Minutes per scan without a network: {manual:.1f}; saved in round {last}: {whole}."


def _write_text(table: RoundsTable) -> str:
    parts = [f"# {table.title}\n", as_markdown(COLUMNS, table.rows), "## Surfaces, mm\n"]
    parts.append(as_markdown(SURFACES, table.surfaces))
    if table.pairs:
        parts += ["## Every two rounds\n", as_markdown(PAIRS, table.pairs)]
    parts.append("".join(f"- {remark}\n" for remark in table.remarks))
    return "\n".join(parts)


def _make_points(loop: Loop, summaries: Sequence[RoundSummary]) -> tuple[RoundPoint, ...]:
    dice = {one.number: tuple(dice_by_case(one).values()) for one in loop.rounds}
    return tuple(
        RoundPoint(
            number=one.number,
            trained=one.trained,
            dice=dice[one.number],
            interval=one.interval,
            changed_percent=None if one.share is None else 100 * one.share,
            minutes=one.minutes,
        )
        for one in summaries
        if one.structure == ALL
    )


def _show(value: float | None, digits: int = 3) -> str:
    return "-" if value is None else f"{value:.{digits}f}"


def _show_interval(interval: tuple[float, float] | None, *, signed: bool = False) -> str:
    if interval is None:
        return "-"
    low, high = (f"{end:+.3f}" if signed else f"{end:.3f}" for end in interval)
    return f"{low} to {high}"


def _show_p(p: float | None) -> str:
    return "-" if p is None else "<0.001" if p < 0.001 else f"{p:.3f}"
