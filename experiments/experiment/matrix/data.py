"""Data sets of a matrix: the cases of each with their scans' contents, and a table by which they are predicted."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from autoseg.evaluation.traits import CaseTraits
from autoseg.pipeline.statistics.case_traits import choose_traits, find_traits
from autoseg.pipeline.statistics.tables import write_rows
from autoseg.progress import Progress
from dataset_fingerprints.dataset import Case, Dataset, is_there
from dataset_fingerprints.errors import DataError, WorkspaceError
from dataset_fingerprints.layouts import read_dataset
from dataset_fingerprints.layouts.table_text import TABLE_SUFFIXES
from dataset_fingerprints.measuring.identity import identify
from dataset_fingerprints.names import counted, some_of
from experiments.experiment.matrix.models import Scan, split_name


@dataclass(frozen=True, kw_only=True, slots=True)
class MatrixData:
    """A data set of a matrix.

    Attributes:
        name: in tables, and of its folder of masks.
        root: the path that was given.
        scans: contents of each case's scan, by the case's name.
        traits: of its cases, with the column that groups them.
    """

    name: str
    root: Path
    dataset: Dataset
    scans: Mapping[str, Scan]
    traits: tuple[CaseTraits, ...]


def read_data(given: Sequence[str], by: str, progress: Progress) -> tuple[MatrixData, ...]:
    """Return the data sets that a person names, each `NAME=PLACE` or a path alone.

    Args:
        given: in any layout that training takes, with label maps.
        by: the column of their tables of cases that scores are grouped by; empty for none.
        progress: receiver of progress reports.

    Raises:
        DataError: there is none, a file is missing, or the column is known of no case.
        WorkspaceError: two have the same name.
    """
    if not given:
        raise DataError("There is no data set. Name one or more: --data NAME=FOLDER.")
    named = [(name or name_place(Path(place)), Path(place)) for name, place in map(split_name, given)]
    names = [name for name, _ in named]
    twice = next((name for name in names if names.count(name) > 1), "")
    if twice:
        raise WorkspaceError(f"{names.count(twice)} data sets are called '{twice}'. Name each: --data NAME=FOLDER.")
    return tuple(_read(name, place, by, progress) for name, place in named)


def name_place(place: Path) -> str:
    """Return what a data set is called without a name of its own: its folder, or its table without the suffix."""
    whole = place.absolute()
    return whole.stem if whole.suffix.lower() in TABLE_SUFFIXES else whole.name


def _read(name: str, root: Path, by: str, progress: Progress) -> MatrixData:
    dataset = read_dataset(root)
    missing = [file for case in dataset.cases for file in case.files() if not is_there(file)]
    missing += [f"a label map of {case.name}" for case in dataset.cases if not case.label]
    if missing:
        raise DataError(
            f"{root}: {counted(len(missing), 'file is', 'files are')} missing ({some_of(missing)}). Expected a scan "
            "and a label map of every case."
        )
    names = [case.name for case in dataset.cases]
    _, traits = choose_traits([by] if by else [], find_traits(names, root))
    scans: dict[str, Scan] = {}
    with progress.task(f"Reading {name}, cases", len(names)) as task:
        for case in dataset.cases:
            scans[case.name] = tuple(identify(Path(file)).sha256 for file in case.images)
            task.advance()
    return MatrixData(name=name, root=root, dataset=dataset, scans=scans, traits=traits)


def write_scans(path: Path, data: MatrixData, cases: Sequence[Case], channels: Sequence[str]) -> None:
    """Write a table of the scans of some cases, by which they are predicted.

    Args:
        path: of the table.
        data: that the cases are of.
        cases: to predict.
        channels: that a model takes, in its order.

    Raises:
        DataError: the data set lacks one of them.
    """
    places, several = _match_channels(data, channels), len(data.dataset.channels)
    together = several > 1 and all(len(case.images) == 1 for case in cases)
    if together and places != tuple(range(several)):
        raise DataError(
            f"{data.root}: its files hold the channels {', '.join(data.dataset.channels)} together, and the model "
            f"takes {', '.join(channels)}. Expected the same in the same order, or a file per channel."
        )
    columns = ["image"] if together or len(channels) == 1 else [f"image:{name}" for name in channels]
    rows = [
        {"case": case.name}
        | dict(zip(columns, case.images if together else [case.images[place] for place in places], strict=True))
        for case in cases
    ]
    path.parent.mkdir(parents=True, exist_ok=True)
    write_rows(path, rows)


def _match_channels(data: MatrixData, channels: Sequence[str]) -> tuple[int, ...]:
    """Return the places of a model's channels among those of a data set; of single ones the names do not matter."""
    there = [name.casefold() for name in data.dataset.channels]
    if len(there) == len(channels) == 1:
        return (0,)
    lacking = [name for name in channels if name.casefold() not in there]
    if lacking:
        raise DataError(
            f"{data.root}: has the channels {', '.join(data.dataset.channels)}, and the model takes "
            f"{', '.join(channels)}. Expected {lacking[0]} among them: name the channels alike in dataset.json."
        )
    return tuple(there.index(name.casefold()) for name in channels)
