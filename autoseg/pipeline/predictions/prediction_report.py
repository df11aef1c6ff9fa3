"""What `predict` leaves beside the masks: a table of all scans, and pictures that show the unusual ones first."""

from __future__ import annotations

import logging
import math
import os
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from autoseg.hardware import give_freed_memory_back
from autoseg.pipeline.confidence.assessing import Assessor, is_dice_column, sort_by_dice
from autoseg.pipeline.predictions.places import SHEET, TABLE, TURN, report_folder
from autoseg.pipeline.predictions.record import PredictedDice, RecordedModel
from autoseg.pipeline.predictions.recording import Measured, Recorder, begin_recording
from autoseg.pipeline.scans.existing_masks import Origin
from autoseg.pipeline.scans.new_scans import NewScan
from autoseg.pipeline.scans.scan_warnings import ScanWarning, say_unlike, warn_of
from autoseg.pipeline.scores.case_tables import (
    CASE,
    SIMULATED,
    WARNINGS,
    Table,
    choose_name,
    join_warnings,
    read_table,
    show_figure,
    write_table,
)
from autoseg.pipeline.scores.showing import Showing, choose_showing, describe_amounts, measure_amounts
from autoseg.prediction import Fallback, LoadedModel, Segmented
from autoseg.progress import Progress
from autoseg.reporting import CaseSlice, SheetRow, choose_view, draw_slice, find_window, is_picture
from autoseg.workspace.locks import in_turn
from dataset_fingerprints.errors import DataError
from dataset_fingerprints.failures import Failure, attempt
from dataset_fingerprints.files.places import nearest_there
from dataset_fingerprints.geometry import Grid, TripleFloat, canonical_grid
from dataset_fingerprints.layouts import find_marks
from dataset_fingerprints.likeness import Unlikeness
from dataset_fingerprints.measuring.scans import Scan
from dataset_fingerprints.names import counted
from dataset_fingerprints.reading.images import read_label_map
from dataset_fingerprints.simulated import mark_title
from planners.run import Run

_log = logging.getLogger(__name__)

_INPUT, _MASK, _RESULT = "input file", "mask", "result"
# Of masks that were there: as this run would make them, otherwise, or nobody knows.
_KEPT, _KEPT_OTHER, _KEPT_UNKNOWN = "kept", "kept, of another model or settings", "kept, of an unknown model"
# Of the time, so much goes into writing what is known by now.
_CHECKPOINT_SHARE = 0.05
# Scans on one sheet, and sheets at most.
SHEET_CASES, MOST_SHEETS = 24, 4


@dataclass(frozen=True, kw_only=True, slots=True)
class Written:
    """Files of a report; none where there is no place for them."""

    table: Path | None = None
    pictures: tuple[Path, ...] = ()
    record: Path | None = None
    lesions: Path | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class _Drawn:
    """A scan's row in a sheet, and its place among the others: warned, low predicted Dice, empty masks, large ones."""

    key: tuple[bool, float, bool, float]
    row: SheetRow


@dataclass(frozen=True, kw_only=True, slots=True)
class Seen:
    """What a report says of a scan whose mask was made.

    Attributes:
        grid: of the scan's file.
        labels: (x, y, z) label values on its canonical grid.
        unlike: in what it is unlike all that the model was trained on.
        fallbacks: where a stage found nothing to crop to.
        measured: further figures.
        read: returns the scan, which may not be in memory any more.
    """

    grid: Grid
    labels: NDArray[np.integer]
    unlike: Sequence[Unlikeness]
    fallbacks: Sequence[Fallback]
    measured: Measured
    read: Callable[[], Scan]


def begin_report(
    run: Run,
    model: LoadedModel,
    masks: Path,
    recorded: RecordedModel,
    *,
    known: frozenset[str] = frozenset(),
    named: Path | None = None,
) -> PredictionReport:
    """Return a report, still empty, on what a model predicts.

    Args:
        run: what the first of its folds was trained by.
        model: that predicts.
        masks: the folder of the masks.
        recorded: what is recorded of the model.
        known: scans that are cases of the data set that it was trained on.
        named: the single mask whose own name a person gave, beside which nobody expects more than a record; else None.
    """
    seen = run.own().preprocessing.seen_channels(len(model.channels))
    showing = choose_showing(model.mask_scheme, model.channels, run.summary, seen)
    recorder = begin_recording(recorded, showing.names, masks, known, named)
    return PredictionReport(showing, model, masks, recorder, alone=named is not None)


class PredictionReport:
    """Collects what is said of each scan; of the pictures it keeps only slices, and those of the most unusual scans.

    Args:
        showing: of the model's results.
        model: that predicts.
        masks: the folder of the masks.
        recorder: takes note of the same for programs.
        alone: whether there is a single mask, whose own name a person gave: it gets a record, no tables and pictures.
    """

    def __init__(
        self, showing: Showing, model: LoadedModel, masks: Path, recorder: Recorder, *, alone: bool = False
    ) -> None:
        self._showing, self._model, self._masks, self._recorder = showing, model, masks, recorder
        self._alone = alone
        self._assessor = Assessor(model, [part.name for part in model.scheme.regions or model.scheme.labels])
        self._rows: dict[str, Mapping[str, str]] = {}
        self._drawn: list[_Drawn] = []
        self._seen, self._next_checkpoint = 0, 0.0
        self.warnings: list[ScanWarning] = []
        self.sentences: list[str] = []
        self._made_of: Mapping[str, str] = {} if alone else self._read_inputs()

    def assess(self, scan: NewScan, segmented: Segmented) -> PredictedDice | None:
        """Find out how far a scan's mask can be trusted, and return its predicted Dice; None where there is none.

        Args:
            scan: its files.
            segmented: what the model made of it.
        """
        return self._assessor.assess(scan.name, segmented)

    def look(self, scan: NewScan, target: Path, seen: Seen) -> None:
        """Take note of a scan whose mask was made; whatever goes wrong with that does not cost the mask.

        Args:
            scan: its files.
            target: its mask.
            seen: what is known of both.
        """
        done = attempt(scan.name, "cannot be drawn", lambda: self._look(scan, target, seen))
        if isinstance(done, Failure):
            _log.warning("%s", done.describe())

    def _look(self, scan: NewScan, target: Path, seen: Seen) -> None:
        warnings = warn_of(scan, self._showing.channels, seen.unlike, seen.fallbacks)
        spacing_mm = canonical_grid(seen.grid).spacing_mm()
        plain = is_picture(seen.grid)
        amounts = measure_amounts(seen.labels, self._showing.targets, spacing_mm)
        said = describe_amounts(self._showing.names, amounts, pixels=plain)
        messages = [warning.message for warning in warnings]
        self._rows[scan.name] = {
            **self._describe(scan, target, "predicted", messages),
            **self._assessor.fill(scan.name),
            **self._fill([(amount.ml, amount.lesions) for amount in amounts]),
        }
        self._recorder.look(scan, target, amounts, warnings, seen.measured)
        self.warnings += warnings
        expected = self._assessor.describe(scan.name)
        self.sentences.append(f"{scan.name}: {said}{f'; {expected}' if expected else ''}.")
        self._seen += 1
        read = seen.read()
        plane = _cut(read, seen.labels, self._choose_channel(read), spacing_mm)
        volume = sum(amount.ml for amount in amounts)
        # A single label needs no name, several need a line of their own.
        one_line = len(amounts) == 1 or not volume
        caption, detail = (said, expected) if one_line else (expected, said)
        row = SheetRow(case=scan.name, plane=plane, caption=caption, detail=detail, warning=join_warnings(messages))
        self._drawn.append(_Drawn(key=(not warnings, self._assessor.rank(scan.name), volume > 0, -volume), row=row))
        self._drawn.sort(key=lambda drawn: drawn.key)
        del self._drawn[SHEET_CASES * MOST_SHEETS :]

    def _choose_channel(self, read: Scan) -> int:
        wanted = self._showing.channel
        if wanted not in read.absent:
            return wanted
        return next(position for position in range(len(read.voxels)) if position not in read.absent)

    def recall(self, target: Path) -> Origin:
        """Return what an earlier run recorded of a mask that is there."""
        return self._recorder.recall(target)

    def made_of(self, target: Path) -> str:
        """Return the files that an earlier run made a mask of, as its table lists them; empty where none does."""
        return self._made_of.get(target.relative_to(self._masks).as_posix(), "")

    def _read_inputs(self) -> dict[str, str]:
        """Return the files that earlier runs made masks of, by the paths of these from their folder."""
        earlier = read_table(self._place_table())
        return {row[_MASK]: row[_INPUT] for row in earlier.rows if row[_MASK]} if earlier else {}

    def keep(self, scan: NewScan, target: Path) -> None:
        """Take note of a mask that was there before and stays."""
        origin = self.recall(target)
        result = _KEPT if not origin.doubt else _KEPT_OTHER if origin.known else _KEPT_UNKNOWN
        row = self._describe(scan, target, result, ())
        try:
            mask = read_label_map(target)
            labels = mask.voxels[0].round().astype(np.int64)
        except (DataError, OSError):
            self._rows[scan.name] = row
            self._recorder.keep(scan, target, None)
            return
        amounts = measure_amounts(labels, self._showing.targets, mask.grid().spacing_mm())
        self._recorder.keep(scan, target, amounts)
        self._rows[scan.name] = row | self._fill([(amount.ml, amount.lesions) for amount in amounts])

    def fail(self, scan: NewScan, failure: Failure) -> None:
        """Take note of a scan that could not be predicted."""
        self._rows[scan.name] = self._describe(scan, None, "failed", (failure.message,))
        self._recorder.fail(scan, failure.message)

    def conclude(self, progress: Progress) -> Written:
        """Say what is remarkable, and write the report."""
        if len(self.sentences) == 1:
            progress.say(self.sentences[0])
        say_unlike(self.warnings, progress)
        self._assessor.say(progress)
        return self.write()

    def checkpoint(self) -> None:
        """Write the tables and the record as they are by now, for the run may be killed; not too often.

        Whatever goes wrong with that does not cost the mask; what fails at the end is said then.
        """
        began = time.monotonic()
        if self._alone or began < self._next_checkpoint or not self._has_place():
            return
        done = attempt("report", "cannot be written", self._write_tables)
        if isinstance(done, Failure):
            _log.warning("%s", done.describe())
        took = time.monotonic() - began
        self._next_checkpoint = math.inf if isinstance(done, Failure) else began + took / _CHECKPOINT_SHARE

    def write(self) -> Written:
        """Write the table, the record and, where masks were made, pictures; nothing where they have no place.

        Of a mask with a name of its own the record only.

        Rows of earlier runs whose masks are still in the folder stay, and what was remarkable about masks that stay.
        """
        if self._alone:
            return Written(record=self._recorder.write_beside_mask())
        written = self._write_tables()
        return written if written.table is None else replace(written, pictures=self._draw(report_folder(self._masks)))

    def _write_tables(self) -> Written:
        folder = report_folder(self._masks)
        if not self._has_place():
            _log.warning("%s: no table and no picture can be written there.", folder)
            return Written()
        folder.mkdir(parents=True, exist_ok=True)
        with in_turn(folder / TURN):
            place = self._place_table()
            earlier = read_table(place)
            joined = self._join(earlier)
            rows = tuple(sort_by_dice(joined) if self._assessor.orders() else joined)
            marked = [row[CASE] for row in rows if row.get(SIMULATED)]
            columns = (*self._columns(), *([SIMULATED] if marked else []), WARNINGS)
            write_table(place, Table(columns=columns, rows=rows))
            record = self._recorder.write()
            lesions = self._assessor.write_lesions(folder, [row[CASE] for row in rows if row[_MASK]], marked)
        return Written(table=place, record=record, lesions=lesions)

    def _place_table(self) -> Path:
        return choose_name(report_folder(self._masks) / TABLE, lambda path: self._is_own(read_table(path)))

    def _has_place(self) -> bool:
        """Return whether the folder of the report is there or can be made; a link is left alone."""
        folder = report_folder(self._masks)
        there = nearest_there(folder)
        return not folder.is_symlink() and there.is_dir() and os.access(there, os.W_OK | os.X_OK)

    def _draw(self, folder: Path) -> tuple[Path, ...]:
        if not self._drawn:
            return ()
        give_freed_memory_back()
        # Matplotlib is not needed before, and takes memory.
        from autoseg.reporting import draw_contact_sheet, is_drawn

        parts = [self._drawn[start : start + SHEET_CASES] for start in range(0, len(self._drawn), SHEET_CASES)]
        first = choose_name(folder / SHEET, is_drawn)
        names = [first, *(first.with_name(f"{first.stem}-{number}.png") for number in range(2, len(parts) + 1))]
        pictures = []
        for number, (name, part) in enumerate(zip(names, parts, strict=True), start=1):
            picture = choose_name(name, is_drawn)
            draw_contact_sheet(
                [drawn.row for drawn in part],
                picture,
                self._title(number, len(parts)),
                self._showing.shown(),
                self._note(),
            )
            pictures.append(picture)
        return tuple(pictures)

    def _title(self, number: int, sheets: int) -> str:
        drawn = counted(len(self._drawn), "is drawn", "are drawn")
        left = f", of which {drawn}" if self._seen > len(self._drawn) else ""
        page = f", sheet {number} of {sheets}" if sheets > 1 else ""
        title = f"{self._masks.name}: {counted(self._seen, 'scan')} predicted{left}{page}"
        return mark_title(title, any(SIMULATED in row for row in self._rows.values()))

    def _note(self) -> str:
        order = "the lowest predicted Dice" if self._assessor.orders() else "empty masks, then the largest"
        return f"{self._showing.note()} Scans with warnings first, then {order}.".strip()

    def _columns(self) -> tuple[str, ...]:
        return (CASE, _INPUT, _MASK, _RESULT, *self._assessor.columns(), *self._amount_columns())

    def _amount_columns(self) -> tuple[str, ...]:
        return tuple(f"{name}: {what}" for name in self._showing.names for what in ("ml", "lesions"))

    def _fill(self, amounts: Sequence[tuple[float, int]]) -> dict[str, str]:
        figures = [figure for ml, lesions in amounts for figure in (show_figure(ml), show_figure(lesions))]
        return dict(zip(self._amount_columns(), figures, strict=True))

    def _describe(self, scan: NewScan, target: Path | None, result: str, warnings: Sequence[str]) -> dict[str, str]:
        return {
            CASE: scan.name,
            _INPUT: scan.list_files(),
            _MASK: target.relative_to(self._masks).as_posix() if target else "",
            _RESULT: result,
            **({SIMULATED: "yes"} if find_marks(scan.files()).simulated else {}),
            WARNINGS: join_warnings(warnings),
        }

    def _is_own(self, table: Table | None) -> bool:
        """Return whether a table is one of ours, whatever labels it is of: no column was added to it."""
        fixed = (CASE, _INPUT, _MASK, _RESULT)
        if table is None or table.columns[: len(fixed)] != fixed:
            return False
        between = _fixed(table.columns[len(fixed) :])
        return all(column.endswith((": ml", ": lesions")) for column in between)

    def _join(self, earlier: Table | None) -> list[Mapping[str, str]]:
        """Return the rows of this run, and those of earlier ones whose masks are there."""
        known = {row[CASE]: row for row in earlier.rows} if earlier else {}
        rows = []
        for case, row in self._rows.items():
            before = known.get(case, {}) if row[_RESULT] in (_KEPT, _KEPT_OTHER, _KEPT_UNKNOWN) else {}
            expected = {column: before.get(column, "") for column in self._assessor.columns()}
            # Of a mask that stays, what it was made of and what was said of that.
            stays = {column: before.get(column) or row[column] for column in (_INPUT, WARNINGS)}
            rows.append({**expected, **row, **stays})
        same = earlier is not None and _fixed(earlier.columns) == _fixed(self._columns())
        kept = (*self._columns(), WARNINGS)
        others = [
            {column: row.get(column, "") for column in kept} | ({SIMULATED: "yes"} if row.get(SIMULATED) else {})
            for case, row in known.items()
            if same and case not in self._rows
        ]
        there = [row for row in others if row[_MASK] and (self._masks / row[_MASK]).is_file()]
        return [*rows, *there]


def _fixed(columns: Sequence[str]) -> list[str]:
    """Return the columns that tables of the same labels have in common, the warnings apart."""
    return [column for column in columns if column not in (SIMULATED, WARNINGS) and not is_dice_column(column)]


def _cut(read: Scan, labels: NDArray[np.integer], channel: int, spacing_mm: TripleFloat) -> CaseSlice:
    """Return the slice of a scan that is drawn, without copies of its volumes."""
    inside = labels[read.box.slices()]
    view = choose_view(None, inside, spacing_mm, plain=is_picture(read.source_grid))
    view = replace(view, first=read.box.start[view.through])
    voxels = read.voxels[channel]
    return draw_slice(view, view.cut(voxels), find_window(voxels), (None, view.cut(inside)), spacing_mm)
