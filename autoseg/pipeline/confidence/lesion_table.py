"""The table of all lesions of predicted masks: where each is, how large, and how sure the networks are of it."""

from __future__ import annotations

import csv
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path

from autoseg.confidence import LesionSigns, MaskSigns
from autoseg.pipeline.scores.case_tables import CASE, SIMULATED, Table, choose_name, show_figure, write_table

LESIONS = "lesions.csv"
COLUMNS = (
    CASE,
    "label",
    "lesion",
    "volume mm3",
    "x mm",
    "y mm",
    "z mm",
    "mean probability",
    "peak probability",
    "agreement",
)


def list_lesions(case: str, names: Sequence[str], signs: Sequence[MaskSigns]) -> list[Mapping[str, str]]:
    """Return a row per lesion of a scan, the largest of each label first.

    Args:
        case: the scan's name.
        names: of the labels or regions.
        signs: of each.
    """
    return [
        dict(zip(COLUMNS, (case, name, str(number), *_show(lesion)), strict=True))
        for name, own in zip(names, signs, strict=True)
        for number, lesion in enumerate(own.lesions, start=1)
    ]


def _show(lesion: LesionSigns) -> tuple[str, ...]:
    places = (show_figure(place, 1) for place in lesion.centre_mm)
    shares = (lesion.mean_probability, lesion.peak_probability, lesion.agreement)
    return (show_figure(lesion.volume_mm3, 1), *places, *map(show_figure, shares))


def write_lesions(
    folder: Path, rows: Sequence[Mapping[str, str]], kept: Collection[str], simulated: Collection[str] = ()
) -> Path:
    """Write the table, and return its path; lesions of earlier runs stay where the masks of their scans do.

    Args:
        folder: of the report.
        rows: of this run.
        kept: scans of earlier runs whose masks are still there.
        simulated: scans that are marked as simulated.
    """
    place = choose_name(folder / LESIONS, lambda path: _read(path) is not None)
    there = {*kept}
    earlier = [row for row in _read(place) or () if row[CASE] in there]
    marked = {*simulated}
    every = [{**row, SIMULATED: "yes"} if row[CASE] in marked else row for row in (*rows, *earlier)]
    columns = (*COLUMNS, SIMULATED) if any(row[CASE] in marked for row in every) else COLUMNS
    write_table(place, Table(columns=columns, rows=tuple(every)))
    return place


def _read(path: Path) -> list[dict[str, str]] | None:
    """Return the rows of a table as `write_lesions` leaves it; None for another file, or none."""
    try:
        with path.open(encoding="utf-8-sig", newline="") as stream:
            reader = csv.DictReader(stream)
            columns, rows = tuple(reader.fieldnames or ()), list(reader)
    except (OSError, UnicodeDecodeError, csv.Error):
        return None
    broken = any(None in row or None in row.values() for row in rows)
    if columns not in (COLUMNS, (*COLUMNS, SIMULATED)) or broken:
        return None
    return [{column: row[column] for column in COLUMNS} for row in rows]
