"""Scores that are given as files or folders, and the names under which they are shown."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from autoseg.evaluation import Evaluation, read_evaluation
from autoseg.workspace.fold import METRICS
from dataset_fingerprints.errors import DataError
from dataset_fingerprints.names import counted, some_of

_CROSS_VALIDATION = "cross_validation.json"
_FILES = (METRICS, f"validation/{METRICS}", _CROSS_VALIDATION)
# Stems that say nothing of the system.
_PLAIN = ("metrics", "cross_validation", "validation", "scores")


def find_scores(place: Path) -> Path:
    """Return the file of scores that a path means: itself, or the one in a folder.

    Raises:
        DataError: there is none.
    """
    if place.is_file():
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
    if names and len(names) != len(places):
        raise DataError(
            f"--name is given {counted(len(names), 'time')} for {counted(len(places), 'system')}. Expected one for "
            "each, in their order, or none."
        )
    twice = [name for name in dict.fromkeys(names) if names.count(name) > 1]
    if twice:
        raise DataError(f"--name {twice[0]}: is given {names.count(twice[0])} times. Give each system a name of its own.")
    files = [find_scores(place) for place in places]
    same = [str(file) for file in dict.fromkeys(map(Path.resolve, files)) if list(map(Path.resolve, files)).count(file) > 1]
    if same:
        raise DataError(f"{some_of(same)}: is given twice. Give the scores of different systems.")
    return dict(zip(names or name_systems(files), map(read_evaluation, files), strict=True))


def name_systems(files: Sequence[Path]) -> list[str]:
    """Return names for systems out of the paths of their scores: the shortest ends of these that differ."""
    parts = [_meaning_parts(file) for file in files]
    for length in range(1, max(map(len, parts)) + 1):
        names = ["/".join(part[-length:]) for part in parts]
        if len(set(names)) == len(names):
            return names
    return [str(file) for file in files]


def _meaning_parts(file: Path) -> tuple[str, ...]:
    parts = [*file.absolute().parent.parts[1:], file.stem]
    while len(parts) > 1 and parts[-1] in _PLAIN:
        parts.pop()
    return tuple(parts)
