"""A CSV of paths: one row per case, for scans that lie wherever they lie."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from dataset_fingerprints.dataset import Case, Dataset
from dataset_fingerprints.errors import DataError, did_you_mean
from dataset_fingerprints.files.opening import MOST_TEXT_BYTES, read_file
from dataset_fingerprints.files.text import decode_text
from dataset_fingerprints.layouts.description import (
    most_common_count,
    read_scheme_or_default,
    refuse_absence,
    refuse_unusable_names,
    refuse_wrong_channels,
    session_of,
    subject_of,
)
from dataset_fingerprints.names import some_of
from dataset_fingerprints.reading.file_names import split_channel, stem_of

_PLAIN_COLUMNS = ("case", "image", "label", "subject", "session", "site", "group")
_KNOWN_COLUMNS = (*_PLAIN_COLUMNS, "image_0", "image:T1w")
_IMAGE_COLUMN = re.compile(r"image|image_\d+|image:.+")

_Row = Mapping[str, str]


@dataclass(frozen=True, kw_only=True, slots=True)
class _Columns:
    """The columns that hold images, in the order of the channels.

    Attributes:
        channels: their names; empty for a lone `image` column, whose files may hold several channels.
    """

    images: tuple[str, ...]
    channels: tuple[str, ...]


def is_csv(path: Path, description: Mapping[str, Any]) -> bool:
    """Return whether the data set is given as a CSV file."""
    return path.is_file() and path.suffix.lower() == ".csv"


def read_csv(path: Path, description: Mapping[str, Any]) -> Dataset:
    """Read a CSV of paths, which are absolute or relative to the CSV's folder.

    Columns:
        `image`: the scan; a 4D file holds several channels. Or `image_0`, `image_1`, ...: one file per channel. Or
            `image:T1w`, `image:FLAIR`, ...: the same with the names of the channels, which are numbers otherwise.
        `label`: the label map.
        `case` (optional): the name of the case; otherwise the first image's file name.
        `subject`, `session` (optional): otherwise from BIDS names (sub-..., ses-...), or the case is its own subject.
        `site` (optional): folds are balanced over sites.
        `group` (optional): cases of one group never lie in different folds, as those of one subject do not.

    A CSV cannot name labels: they are the 'labels' of a dataset.json beside it (in nnU-Net's form) if there is one,
    else {"background": 0, "lesion": 1}.

    Args:
        description: the dataset.json beside the CSV; empty without one.
    """
    header, rows = _read_rows(path)
    columns = _choose_columns(path, header)
    numbered = all(_is_numbered(path, columns, row) for _, row in rows)
    cases = tuple(_case(path, columns, number, row, numbered=numbered) for number, row in rows)
    refuse_unusable_names(path, [case.name for case in cases], "Give each case a name of its own in a column 'case'.")
    refuse_absence(path, cases)
    channels = columns.channels or _numbers(most_common_count(case.images[0] for case in cases))
    cure = "Expected as many in every case, and a file per channel where there are several image columns."
    refuse_wrong_channels(path, cases, channels, cure)
    return Dataset(
        name=path.stem,
        layout="csv",
        root=str(path.parent),
        channels=channels,
        labels=read_scheme_or_default(path.parent, description),
        cases=cases,
    )


def _read_rows(path: Path) -> tuple[list[str], list[tuple[int, _Row]]]:
    """Return the header, and the rows that are not blank with the numbers of their lines."""
    try:
        text = decode_text(read_file(path, MOST_TEXT_BYTES))
        reader = csv.reader(io.StringIO(text, newline=""), strict=True)
        lines = [(reader.line_num, [cell.strip() for cell in cells]) for cells in reader]
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise DataError(f"{path}: cannot be read as CSV ({error}). Save it as CSV in UTF-8, with commas.") from error
    lines = [(number, cells) for number, cells in lines if any(cells)]
    if len(lines) < 2:
        raise DataError(f"{path}: lists no cases. Expected a line of column names (image,label) and a line per case.")
    header = lines[0][1]
    wrong = [str(number) for number, cells in lines[1:] if len(cells) != len(header)]
    if wrong:
        raise DataError(
            f"{path}: line {some_of(wrong, 10)}: has another number of cells than the {len(header)} columns. "
            "Put cells that hold a comma into double quotes."
        )
    return header, [(number, dict(zip(header, cells, strict=True))) for number, cells in lines[1:]]


def _choose_columns(path: Path, header: Sequence[str]) -> _Columns:
    for name in header:
        if name not in _PLAIN_COLUMNS and not _IMAGE_COLUMN.fullmatch(name):
            commas = " Separate columns by commas." if set(name) & set(";\t") else ""
            raise DataError(f"{path}: has an unknown column '{name}'. {did_you_mean(name, _KNOWN_COLUMNS)}{commas}")
    if len(set(header)) != len(header):
        raise DataError(f"{path}: has two columns of one name: {', '.join(header)}. Keep one of them.")
    images = tuple(name for name in header if _IMAGE_COLUMN.fullmatch(name))
    if not images or "label" not in header:
        raise DataError(
            f"{path}: has the columns {', '.join(header)}. Expected 'label' and 'image' (or 'image_0', 'image_1', ... "
            "or 'image:T1w', 'image:FLAIR', ... for several channels): add what is missing."
        )
    if images == ("image",):
        return _Columns(images=images, channels=())
    if all(name.startswith("image:") for name in images):
        return _Columns(images=images, channels=tuple(name.removeprefix("image:").strip() for name in images))
    numbered = tuple(f"image_{index}" for index in range(len(images)))
    if set(images) != set(numbered):
        raise DataError(
            f"{path}: has the image columns {', '.join(images)}. Expected one of: 'image' alone; "
            "'image_0', 'image_1', ... without a gap; 'image:NAME' for every channel. Rename them."
        )
    return _Columns(images=numbered, channels=_numbers(len(numbered)))


def _is_numbered(path: Path, columns: _Columns, row: _Row) -> bool:
    """Return whether the digits at the end of a line's first image are the number of its channel, as nnU-Net's are."""
    filled = [(channel, row[column]) for channel, column in enumerate(columns.images) if row[column]]
    return all(split_channel(stem_of(path.parent / file))[1] == channel for channel, file in filled[:1])


def _name(path: Path, columns: _Columns, row: _Row, *, numbered: bool) -> str:
    """Return the name of a line's case: as it says, or else that of its first file."""
    files = [row[column] for column in (*columns.images, "label") if row[column]]
    stem = stem_of(path.parent / files[0]) if files else ""
    return row.get("case") or (split_channel(stem)[0] if numbered else stem)


def _case(path: Path, columns: _Columns, number: int, row: _Row, *, numbered: bool) -> Case:
    """Return the case of a line; an empty cell becomes an empty path, which is reported when the case is read.

    Args:
        path: of the CSV.
        columns: of the CSV.
        number: of the line, for messages.
        row: the line.
        numbered: the digits at the end of its first file's name are a channel.
    """
    files = [row[name] for name in (*columns.images, "label")]
    name = _name(path, columns, row, numbered=numbered)
    if not name:
        raise DataError(f"{path}: line {number} names neither a case nor a file. Fill it in or take the line out.")
    *images, label = (str(path.parent / file) if file else "" for file in files)
    return Case(
        name=name,
        images=tuple(images),
        label=label,
        subject=row.get("subject") or subject_of(name),
        session=row.get("session") or session_of(name),
        site=row.get("site", ""),
        group=row.get("group", ""),
    )


def _numbers(count: int) -> tuple[str, ...]:
    return tuple(str(index) for index in range(count))
