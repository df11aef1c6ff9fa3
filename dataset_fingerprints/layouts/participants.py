"""participants.tsv of BIDS trees: the site, the group and further things that are known of each patient."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from dataset_fingerprints.errors import DataError
from dataset_fingerprints.layouts.column_names import GROUP_NAMES, SITE_NAMES, known_cell
from dataset_fingerprints.layouts.table_text import Table, read_table
from dataset_fingerprints.names import counted, plain_name

NAME = "participants.tsv"
_ID = "participant_id"
# Cells of other columns that are left out; `none` and `unknown` may be answers there.
_UNKNOWN = ("", "n/a", "na", "nan")
# Folds: a group is to keep few patients together, such as a family; fewer groups than this are diagnoses.
_FEWEST_GROUPS = 5

_log = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True, slots=True)
class Participant:
    """One line of the table.

    Attributes:
        others: the columns that are not read for anything, without those that are not known of the patient.
    """

    site: str = ""
    group: str = ""
    others: Mapping[str, str] = field(default_factory=dict)


def find_participants(root: Path, cohort: str) -> dict[str, Participant]:
    """Return the lines of the innermost table that lies above a cohort's subjects, by `sub-...`; empty without one.

    A table that cannot be read is reported, and left out.
    """
    folders = [root]
    for part in cohort.split("/") if cohort else ():
        folders.append(folders[-1] / part)
    # A derivative keeps its table with the scans that it was made of.
    folders = [*(root.parents[:2] if root.parent.name == "derivatives" else ()), *folders]
    paths = [path for folder in folders for name in (NAME, f"rawdata/{NAME}") if (path := folder / name).is_file()]
    if not paths:
        return {}
    try:
        return _read(paths[-1])
    except DataError as error:
        _log.warning("%s The sites and groups in it are not known.", error)
        return {}


def _read(path: Path) -> dict[str, Participant]:
    table = read_table(path)
    names = {plain_name(column): column for column in table.columns}
    if plain_name(_ID) not in names:
        raise DataError(
            f"{path}: has the columns {', '.join(table.columns)}. Expected {_ID}, with sub-... in each line."
        )
    site, group = (next((names[name] for name in known if name in names), None) for known in (SITE_NAMES, GROUP_NAMES))
    if group is not None and _are_diagnoses(path, table, group):
        group = None
    people = {}
    for line in table.lines:
        cells = {column: cell for column, cell in line.cells.items() if cell.casefold() not in _UNKNOWN}
        subject = cells.pop(names[plain_name(_ID)], "")
        person = Participant(
            site=known_cell(cells.pop(site, "")) if site else "",
            group=known_cell(cells.pop(group, "")) if group else "",
            others=cells,
        )
        people[subject if subject.startswith("sub-") else f"sub-{subject}"] = person
    return people


def _are_diagnoses(path: Path, table: Table, group: str) -> bool:
    """Return whether a column of groups has so few values that whole groups cannot be kept in one fold."""
    values = [line.cells[group] for line in table.lines if known_cell(line.cells[group])]
    few = 0 < len(set(values)) < _FEWEST_GROUPS and 2 * len(set(values)) <= len(values)
    if few:
        _log.warning(
            "%s: '%s' has %s for %d patients: kept with the cases, but folds do not keep these groups together.",
            path,
            group,
            counted(len(set(values)), "value"),
            len(values),
        )
    return few
