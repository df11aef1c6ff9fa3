"""Scores that are given as files or folders, and the names under which they are shown."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from autoseg.evaluation import Evaluation, read_evaluation
from autoseg.workspace.fold import METRICS
from autoseg.workspace.workspace import CROSS_VALIDATION
from dataset_fingerprints.errors import DataError
from dataset_fingerprints.layouts.table_text import is_table
from dataset_fingerprints.names import counted, some_of

_FILES = (METRICS, f"validation/{METRICS}", CROSS_VALIDATION)
# Stems that say nothing of the system.
_PLAIN = ("metrics", "cross_validation", "validation", "scores")


def find_scores(place: Path) -> Path:
    """Return the file of scores that a path means: itself, or the one in a folder.

    Raises:
        DataError: there is none.
    """
    if place.is_file():
        beside = place.with_suffix(".json")
        if is_table(place) or place.suffix.lower() == ".md":
            there = f"{beside}, which lies beside it" if beside.is_file() else "the .json that was written with it"
            raise DataError(f"{place}: is a table. Expected a file of scores as JSON: give {there}.")
        return place
    found = [place / name for name in _FILES if (place / name).is_file()]
    if found:
        return found[0]
    if place.is_dir():
        raise DataError(f"{place}: holds no scores. Expected {' or '.join(_FILES)}, as `autoseg evaluate` writes it.")
    raise DataError(f"{place}: does not exist. Expected a file of scores, as `autoseg evaluate` writes it.")


def read_systems(places: Sequence[Path], names: Sequence[str] = ()) -> dict[str, Evaluation]:
    """Read the scores of several systems, by name.

    Args:
        places: files of scores, or folders that hold one.
        names: one for each, in their order; empty for names out of the paths.

    Raises:
        DataError: there is no such file, there are more or fewer names, or one twice.
        FileFormatError: a file holds no scores.
    """
    _check_names(names, places, "system")
    files = [find_scores(place) for place in places]
    same = [
        str(file) for file in dict.fromkeys(map(Path.resolve, files)) if list(map(Path.resolve, files)).count(file) > 1
    ]
    if same:
        raise DataError(f"{some_of(same)}: is given twice. Give the scores of different systems.")
    return dict(zip(names or name_systems(files), map(read_evaluation, files), strict=True))


def name_raters(places: Sequence[Path], names: Sequence[str] = (), *, model: bool) -> tuple[str, ...]:
    """Return names for folders of masks: those given, else out of the paths.

    Args:
        places: of the model, if there is one, and of the readers.
        names: one for each, in their order; or empty.
        model: whether the first place is a model's.

    Raises:
        DataError: there are fewer than two places, one twice, more or fewer names, or one twice.
    """
    if len(places) < 2:
        raise DataError(
            f"{counted(len(places), 'folder')} of masks to compare. Expected at least two: a --reader for each reader, "
            "and the masks of a model if there is one."
        )
    known = [place.absolute() for place in places]
    twice = [str(place) for place in dict.fromkeys(known) if known.count(place) > 1]
    if twice:
        raise DataError(f"{twice[0]}: is given twice. Give the masks of different readers.")
    _check_names(names, places, "folder")
    if names:
        return tuple(names)
    found = _shorten([place.absolute().parts[1:] for place in places]) or [str(place) for place in places]
    return ("model", *found[1:]) if model and "model" not in found[1:] else tuple(found)


def _check_names(names: Sequence[str], places: Sequence[Path], what: str) -> None:
    if names and len(names) != len(places):
        raise DataError(
            f"--name is given {counted(len(names), 'time')} for {counted(len(places), what, f'{what}s')}. Expected one "
            "for each, in their order, or none."
        )
    twice = [name for name in dict.fromkeys(names) if names.count(name) > 1]
    if twice:
        raise DataError(f"--name {twice[0]}: is given {names.count(twice[0])} times. Give each a name of its own.")


def name_systems(files: Sequence[Path]) -> list[str]:
    """Return names for systems out of the paths of their scores: the shortest ends of these that differ."""
    return _shorten([_meaning_parts(file) for file in files]) or [str(file) for file in files]


def _shorten(paths: Sequence[Sequence[str]]) -> list[str]:
    """Return the shortest ends of paths that differ; empty where none do."""
    for length in range(1, max(map(len, paths)) + 1):
        names = ["/".join(parts[-length:]) for parts in paths]
        if len(set(names)) == len(names):
            return names
    return []


def _meaning_parts(file: Path) -> tuple[str, ...]:
    parts = [*file.absolute().parent.parts[1:], file.stem]
    while len(parts) > 1 and parts[-1] in _PLAIN:
        parts.pop()
    return tuple(parts)
