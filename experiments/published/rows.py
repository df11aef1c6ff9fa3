"""The table of published results: one typed row per method, and what makes a row unfit to be shown."""

from __future__ import annotations

import csv
from collections.abc import Mapping
from dataclasses import MISSING, dataclass, fields
from pathlib import Path
from typing import Any

from dataset_fingerprints.errors import DataError

FILE = Path(__file__).with_name("atlas.csv")

# Columns without which a figure says nothing.
_NEEDED = ("release", "method", "n", "protocol", "set", "dice", "source")
_SHARES = ("dice", "dice_ci_low", "dice_ci_high", "lesion_f1", "precision", "recall")
_YES = {"yes": True, "no": False}


@dataclass(frozen=True, kw_only=True, slots=True)
class PublishedRow:
    """One method's published figures. Figures that were not published are None, texts that were not are empty.

    Attributes:
        release: of ATLAS: R1.x, R2.0, R2.1 or R3.0; `ATLAS protocol` for tracers.
        reference: authors and year, or where it lies.
        dimension: of the network: 2D, 2.5D, 3D.
        input_size: of the network, in voxels.
        n: on how many the figures were measured.
        n_of: what n counts: scans, or tracers.
        protocol: how these were chosen, in the source's words.
        set: the same as a key that rows share: cross-validation, hold-out, public test, ...
        space: MNI, native, or `not stated`.
        dice_rule: `plain` for the mean over scans of each scan's Dice; `per slice`; `not stated`.
        lesion_rule: when a lesion counts as found, and which voxels are neighbours.
        lesion_count_diff: mean absolute difference of the numbers of lesions.
        volume_diff_mm3: mean absolute difference of the volumes.
        comparable: whether the protocol is known well enough to stand beside others.
        verified: `read` in the source, or `abstract only`.
    """

    release: str
    year: int
    method: str
    reference: str
    dimension: str
    n: int
    n_of: str
    protocol: str
    set: str
    space: str
    dice_rule: str
    dice: float
    comparable: bool
    source: str
    verified: str
    input_size: str = ""
    lesion_rule: str = ""
    dice_sd: float | None = None
    dice_ci_low: float | None = None
    dice_ci_high: float | None = None
    lesion_f1: float | None = None
    lesion_count_diff: float | None = None
    volume_diff_mm3: float | None = None
    hd95_mm: float | None = None
    precision: float | None = None
    recall: float | None = None

    def is_human(self) -> bool:
        """Return whether people were measured, not a method."""
        return self.n_of == "tracers"

    def show_n(self) -> str:
        """Return n in words that say what it counts."""
        return f"{self.n} {self.n_of}"


def read_rows(path: Path = FILE) -> tuple[PublishedRow, ...]:
    """Read a table of published results.

    Raises:
        DataError: a column is missing or unknown, or a row lacks n, its protocol or its source, or holds a figure that
            cannot be; the message names file, line and column.
    """
    with path.open(encoding="utf-8", newline="") as stream:
        reader = csv.DictReader(stream)
        _refuse_columns(path, tuple(reader.fieldnames or ()))
        return tuple(_read_row(f"{path}, line {reader.line_num}", cells) for cells in reader)


def _refuse_columns(path: Path, columns: tuple[str, ...]) -> None:
    known = {field.name for field in fields(PublishedRow)}
    lacking = [field.name for field in fields(PublishedRow) if field.default is MISSING and field.name not in columns]
    unknown = [column for column in columns if column not in known]
    if lacking or unknown:
        found = f"lacks the columns {', '.join(lacking)}" if lacking else f"has unknown columns: {', '.join(unknown)}"
        raise DataError(
            f"{path}: {found}. Expected the columns {', '.join(field.name for field in fields(PublishedRow))}."
        )


def _read_row(where: str, cells: Mapping[str | None, str | None]) -> PublishedRow:
    if None in cells or None in cells.values():
        raise DataError(f"{where}: has more or fewer cells than columns. Put quotes around texts with commas.")
    found = {str(column): (cell or "").strip() for column, cell in cells.items()}
    lacking = [column for column in _NEEDED if not found[column]]
    if lacking:
        raise DataError(
            f"{where} ({found['method'] or 'no method'}): says nothing under {', '.join(lacking)}. A published figure "
            "needs its number of scans, its protocol and its source: look them up, or leave the row out."
        )
    kinds = {field.name: str(field.type) for field in fields(PublishedRow)}
    values = {column: _read_cell(f"{where}, {column}", kinds[column], cell) for column, cell in found.items()}
    row = PublishedRow(**values)
    _refuse_figures(where, row)
    return row


def _read_cell(where: str, kind: str, text: str) -> Any:
    if kind == "str":
        return text
    if not text and "None" in kind:
        return None
    try:
        return _YES[text] if kind == "bool" else int(text) if kind == "int" else float(text)
    except (KeyError, ValueError) as error:
        expected = {"bool": "yes or no", "int": "a whole number"}.get(kind, "a number, or nothing")
        raise DataError(f"{where}: holds '{text[:40]}'. Expected {expected}.") from error


def _refuse_figures(where: str, row: PublishedRow) -> None:
    """Refuse figures that cannot be: shares beyond 1, intervals that the mean is not in, no scans."""
    beyond = [name for name in _SHARES if not 0 <= (getattr(row, name) or 0) <= 1]
    bounds = (row.dice_ci_low, row.dice, row.dice_ci_high)
    ordered = [value for value in bounds if value is not None]
    if beyond or row.n < 1 or ordered != sorted(ordered):
        what = (
            f"{beyond[0]} is {getattr(row, beyond[0])}" if beyond else f"n is {row.n}, Dice and interval are {bounds}"
        )
        raise DataError(f"{where} ({row.method}): {what}. Expected shares from 0 to 1, low <= Dice <= high, n >= 1.")
