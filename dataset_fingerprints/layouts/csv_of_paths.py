"""A CSV or TSV of paths: one row per case, for scans that lie wherever they lie."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import zip_longest
from pathlib import Path
from typing import Any

from dataset_fingerprints.dataset import Case, Dataset
from dataset_fingerprints.errors import DataError
from dataset_fingerprints.files.places import identify_place
from dataset_fingerprints.layouts.column_names import ADVICE, known_cell
from dataset_fingerprints.layouts.description import (
    most_common_count,
    read_scheme_or_default,
    refuse_absence,
    refuse_unusable_names,
    refuse_wrong_channels,
    session_of,
    subject_of,
)
from dataset_fingerprints.layouts.selection import AUTOMATIC, Selection
from dataset_fingerprints.layouts.table_columns import Columns, read_columns
from dataset_fingerprints.layouts.table_text import Line, is_table, read_table
from dataset_fingerprints.names import is_case_name
from dataset_fingerprints.reading.file_names import split_channel, stem_of

_MEANINGS = {
    "label": "label map",
    "case": "name of the case",
    "subject": "patient",
    "session": "visit",
    "site": "site",
    "group": "group",
    "task": "task",
}


@dataclass(frozen=True, kw_only=True, slots=True)
class Listing:
    """The cases of a CSV.

    Attributes:
        channels: their names; empty for a lone `image` column, whose files may hold several.
    """

    channels: tuple[str, ...]
    cases: tuple[Case, ...]


def is_csv(path: Path, description: Mapping[str, Any]) -> bool:
    """Return whether the data set is given as a CSV or TSV file."""
    return is_table(path)


def read_csv(path: Path, description: Mapping[str, Any], selection: Selection = AUTOMATIC) -> Dataset:
    """Read a CSV of paths, which are absolute or relative to the CSV's folder.

    Columns:
        `image`: the scan; a 4D file holds several channels. Or `image_0`, `image_1`, ...: one file per channel. Or
            `image:T1w`, `image:FLAIR`, ...: the same with the names of the channels, which are numbers otherwise.
        `label`: the label map.
        `case` (optional): the name of the case; otherwise that of the subject, with the session where there is such a
            column, if these tell cases apart, else the first image's file name.
        `subject`, `session` (optional): otherwise from BIDS names (sub-..., ses-...), or the case is its own subject.
        `site` (optional): folds are balanced over sites.
        `group` (optional): cases of one group never lie in different folds, as those of one subject do not.
        `task`, and any other (optional): kept with the case by its name.

    Cells such as `NA`, `n/a` and `unknown` are as good as empty in all of these but the other columns.

    A CSV cannot name labels: they are the 'labels' of a dataset.json beside it (in nnU-Net's form) if there is one,
    else {"background": 0, "lesion": 1}.

    Args:
        description: the dataset.json beside the CSV; empty without one.
        selection: the columns of images that are channels.
    """
    listing = list_csv(path, ("image", "label"), selection)
    refuse_absence(path, listing.cases)
    channels = listing.channels or _numbers(most_common_count(case.images[0] for case in listing.cases))
    cure = "Expected as many in every case, and a file per channel where there are several image columns."
    refuse_wrong_channels(path, listing.cases, channels, cure)
    return Dataset(
        name=path.stem,
        layout="csv",
        root=str(path.parent),
        channels=channels,
        labels=read_scheme_or_default(path.parent, description),
        cases=listing.cases,
    )


def list_csv(path: Path, needs: Sequence[str], selection: Selection = AUTOMATIC) -> Listing:
    """List the cases of a CSV without looking at their files; a file that a line does not name is an empty path.

    Args:
        path: of the CSV.
        needs: the columns that must be there, of `image` and `label`.
        selection: the columns of images that are channels.

    Raises:
        DataError: the table or its columns cannot be meant, or names of cases cannot be used.
    """
    table = read_table(path)
    columns = read_columns(path, table, needs, selection)
    numbered = all(_is_numbered(path, columns, line) for line in table.lines)
    cases = _with_names([_case(path, columns, line, numbered=numbered) for line in table.lines], columns)
    cure = "Give each case a name of its own in a column 'case', or name patient and visit in 'subject' and 'session'."
    refuse_unusable_names(path, [case.name for case in cases], cure)
    return Listing(channels=columns.channels, cases=tuple(cases))


def _with_names(cases: Sequence[Case], columns: Columns) -> list[Case]:
    """Call cases after their patients where a column names these, and after their visits if a column names those.

    Their files name them where the patients do not tell them apart, or cannot be names of files.
    """
    if "case" in columns.roles or "subject" not in columns.roles:
        return list(cases)
    alone = [case.subject for case in cases]
    visits = ["_".join(filter(None, (case.subject, case.session))) for case in cases]
    files = [case.name for case in cases]
    ways = (visits, files) if "session" in columns.roles else (alone, visits, files)
    names = next((names for names in ways if _can_name(names)), visits)
    return [replace(case, name=name) for case, name in zip(cases, names, strict=True)]


def _can_name(names: Sequence[str]) -> bool:
    return len({name.casefold() for name in names}) == len(names) and all(map(is_case_name, names))


def describe_columns(path: Path, selection: Selection = AUTOMATIC, needs: Sequence[str] = ("image", "label")) -> str:
    """Say what the columns of a table were taken for: `flair, t1 = scans; mask = label maps; patient = patients`."""
    columns = read_columns(path, read_table(path), needs, selection)
    scans = [_call(column, name) for column, name in zip_longest(columns.images, columns.channels, fillvalue="")]
    said = [f"{', '.join(scans)} = {'scans' if len(scans) > 1 else 'scan'}"] if scans else []
    said += [f"{column} = {_MEANINGS[role]}" for role, column in columns.roles.items() if role in _MEANINGS]
    said += [f"{', '.join(columns.others)} = kept, not used"] if columns.others else []
    said += [f"{', '.join(columns.left_out)} = left out"] if columns.left_out else []
    return f"Columns of {path.name}: {'; '.join(said)}"


def _call(column: str, channel: str) -> str:
    """Return a column with the channel that it holds, where that is called otherwise."""
    return column if channel in ("", column) else f"{column} (channel {channel})"


def _is_numbered(path: Path, columns: Columns, line: Line) -> bool:
    """Return whether the digits at the end of a line's first image are the number of its channel, as nnU-Net's are."""
    files = [(channel, known_cell(line.cells[column])) for channel, column in enumerate(columns.images)]
    filled = [(channel, file) for channel, file in files if file]
    return all(split_channel(stem_of(_locate(path, file)))[1] == channel for channel, file in filled[:1])


def _case(path: Path, columns: Columns, line: Line, *, numbered: bool) -> Case:
    """Return the case of a line; a path that is empty or unknown (`NA`) is reported when the case is read.

    Args:
        path: of the CSV.
        columns: of the CSV.
        line: with its number, for messages.
        numbered: the digits at the end of its first file's name are a channel.
    """
    known = {role: known_cell(line.cells[column]) for role, column in columns.roles.items()}
    *images, label = (
        _locate(path, file) if file else None
        for file in (*(known_cell(line.cells[column]) for column in columns.images), known.get("label", ""))
    )
    stems = [stem_of(file) for file in (*images, label) if file]
    name = known.get("case") or (split_channel(stems[0])[0] if stems and numbered else "".join(stems[:1]))
    if not name:
        raise DataError(
            f"{path}: line {line.number} names neither a case nor a file. Fill it in or take the line out. {ADVICE}."
        )
    return Case(
        name=name,
        images=tuple(str(image) if image else "" for image in images),
        label=str(label) if label else "",
        subject=known.get("subject") or subject_of(name),
        session=known.get("session") or session_of(name),
        site=known.get("site", ""),
        group=known.get("group", ""),
        task=known.get("task", ""),
        others={column: line.cells[column] for column in columns.others if line.cells[column]},
    )


def _locate(path: Path, file: str) -> Path:
    """Return where a file lies that a CSV names: absolute, from the home folder, or relative to the CSV's folder."""
    there = path.parent / (Path(file).expanduser() if file.startswith("~/") else file)
    if "\\" in file and identify_place(there) is None:
        return path.parent / file.replace("\\", "/")
    return there


def _numbers(count: int) -> tuple[str, ...]:
    return tuple(str(index) for index in range(count))
