"""The name of a release: what its folders and tables are called counts before what the names of its scans suggest."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from dataset_fingerprints.atlas.file_names import AtlasFile, Family, Space
from dataset_fingerprints.errors import DataError
from dataset_fingerprints.names import some_of

RELEASES = ("R1.1", "R1.2", "R2.0", "R2.1", "R3.0")
_LATER = RELEASES[2:]
FAMILIES: dict[tuple[Family, Space], str] = {
    ("INDI", "MNI"): "R1.1",
    ("INDI", "native"): "R1.1 (native)",
    ("ICPSR", "MNI"): "R1.2",
    ("ICPSR", "native"): "R1.2 (native)",
    ("BIDS", "MNI"): "R2.0",
    ("BIDS", "native"): "R2.1 or R3.0",
}
# ATLAS_2, ATLAS3_Training_Raw, 20220425_ATLAS_2.0_MetaData, R3.0; not ATLAS_2022, and no cohort as R001.
_NAMED = re.compile(
    r"(?<![a-z0-9])(?:ATLAS[_ -]?(?:v|R|Release[_ -]?)?(?P<major>[123])(?:\.(?P<minor>\d))?"
    r"|(?:R|Release[_ -]?)(?P<alone>[123])\.(?P<least>\d))(?![0-9])",
    re.IGNORECASE,
)
# R2.0 and R2.1 hold 955 sessions: a tree with more is R3.0.
_MOST_OF_R2 = 955


@dataclass(frozen=True, kw_only=True, slots=True)
class Named:
    """A name, and what is doubtful about it, for people; empty where nothing is."""

    name: str
    doubt: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class Clues:
    """What a name is told by.

    Attributes:
        folders: for every folder of scans, the names of those that it lies in, outer ones first.
        tables: the tables that were read.
        sessions: how many there are.
    """

    folders: frozenset[tuple[str, ...]]
    tables: tuple[Path, ...]
    sessions: int


def find_clues(root: Path, above: int, files: Sequence[AtlasFile], tables: Sequence[Path]) -> Clues:
    """Return what a release may be told by: the folders from so many above the given one on, tables, and its size."""
    outer = root.parts[-above:]
    return Clues(
        folders=frozenset((*outer, *file.path.relative_to(root).parts[:-1]) for file in files),
        tables=tuple(tables),
        sessions=len({(file.subject, file.session) for file in files}),
    )


def name_release(family: Family, space: Space, clues: Clues, asked: str = "") -> Named:
    """Return the name of a release; the first ones are told by the names of their files for certain.

    Raises:
        DataError: one was asked for whose files are called in another way.
    """
    if asked:
        if asked not in (_LATER if family == "BIDS" else (_usual(family, space),)):
            raise DataError(f"release is '{asked}', but the files are called as those of {FAMILIES[family, space]}.")
        return Named(name=asked)
    if family != "BIDS":
        return Named(name=_usual(family, space))
    return _name_later(space, clues)


def _name_later(space: Space, clues: Clues) -> Named:
    """Name a release that lies in folders of BIDS: by its folders, else its tables, else its size and space."""
    folders = _known({_innermost(parts) for parts in clues.folders}, space)
    tables = _known({_read(path.stem) for path in clues.tables}, space)
    usual = ("R2.0",) if space == "MNI" else ("R2.1", "R3.0")
    found = folders or tables
    if not found:
        return _guess(space, clues.sessions)
    name = found[-1]
    if len({*folders, *tables}) > 1:
        called = some_of(sorted({*folders, *tables}), 3, " and ")
        return Named(name=name, doubt=f"folders and tables are called after {called}: taken as {name}")
    if name not in usual:
        why = f"it is called {name}, although its scans are called as those of {' or '.join(usual)}"
        return Named(name=name, doubt=f"{why}: taken as {name}")
    return Named(name=name)


def _guess(space: Space, sessions: int) -> Named:
    if sessions > _MOST_OF_R2:
        return Named(name="R3.0")
    if space == "MNI":
        return Named(name="R2.0")
    if sessions == _MOST_OF_R2:
        return Named(name="R2.1")
    return Named(name="R2.1", doubt="R2.1 and R3.0 look alike, and no folder or table says which it is: taken as R2.1")


def _known(names: set[str], space: Space) -> list[str]:
    """Return the names of releases in order. R2.0 has no native scans: there its name is that of older tables."""
    return [name for name in (_LATER if space == "MNI" else _LATER[1:]) if name in names]


def _innermost(parts: Sequence[str]) -> str:
    return next((read for part in reversed(parts) if (read := _read(part))), "")


def _read(text: str) -> str:
    match = _NAMED.search(text)
    if match is None:
        return ""
    return f"R{match['major'] or match['alone']}.{match['minor'] or match['least'] or 0}"


def _usual(family: Family, space: Space) -> str:
    return FAMILIES[family, space].removesuffix(" (native)")
