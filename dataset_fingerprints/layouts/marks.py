"""Marks that a data set carries in a small JSON file: that it is simulated, and which release it is.

They are looked for in the folders above the scans, so that they are found in every layout, through links, and in a CSV
that lies elsewhere. Other programs ignore the files, or the fields in them.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from dataset_fingerprints.dataset import Dataset
from dataset_fingerprints.errors import AutosegError
from dataset_fingerprints.files.jsonfiles import read_plain_json
from dataset_fingerprints.files.places import resolve

# Files that may say it: of nnU-Net, Decathlon and workspaces, of BIDS, and of `autoseg simulate`.
SIMULATION = "simulation.json"
MARKED_FILES = ("dataset.json", "dataset_description.json", SIMULATION)
# The fields, in lower case: BIDS writes names of fields with a capital.
SIMULATED, RELEASE, SPACE = "simulated", "release", "space"
# Who made the files, in BIDS, and what it calls the simulator.
_MAKERS, _SIMULATOR = "generatedby", "autoseg simulate"
# A scan lies at most so deep in its data set: cohort, R001, sub-01, ses-1, anat, and one to spare.
_DEEPEST = 6


@dataclass(frozen=True, kw_only=True, slots=True)
class Marks:
    """What a data set says of itself.

    Attributes:
        simulated: whether a program made the scans.
        release: of a published data set; empty where it does not say.
        space: of its scans; empty where it does not say.
    """

    simulated: bool = False
    release: str = ""
    space: str = ""


def with_marks(dataset: Dataset) -> Dataset:
    """Return a data set with the marks that are found around its files."""
    files = (file for case in dataset.cases for file in (*case.images, case.label) if file)
    marks = find_marks((Path(dataset.root), *map(Path, files)))
    return replace(dataset, simulated=marks.simulated, release=marks.release, space=marks.space)


def find_marks(places: Iterable[Path]) -> Marks:
    """Return the marks around files or folders: simulated if anything is; the first release that is named."""
    found = list(_read_folders(places))
    named = next((marks for marks in found if marks.release), Marks())
    return replace(named, simulated=any(marks.simulated for marks in found))


def is_marked_file(path: Path) -> bool:
    """Return whether a file is called as one that may carry marks."""
    return path.name in MARKED_FILES


def says_simulated(path: Path) -> bool:
    """Return whether a file says that the scans are simulated; one that cannot be read says nothing."""
    return _say_simulated(_read_fields(path))


def _read_folders(places: Iterable[Path]) -> Iterator[Marks]:
    """Yield what every folder says that is given or lies above what is given, also where a link leads to; each once."""
    seen: set[Path] = set()
    for place in places:
        for path in _where(place):
            for folder in (path, *path.parents[:_DEEPEST]):
                if folder in seen:
                    break
                seen.add(folder)
                if folder != path or folder.is_dir():
                    yield _read_folder(folder)


def _where(place: Path) -> Iterable[Path]:
    """Return a path, and where it leads to; a link that leads back to itself is the business of whoever reads it."""
    try:
        return dict.fromkeys((place.absolute(), resolve(place)))
    except AutosegError:
        return (place.absolute(),)


def _read_folder(folder: Path) -> Marks:
    contents = [_read_fields(folder / name) for name in MARKED_FILES]
    named = next((fields for fields in contents if isinstance(fields.get(RELEASE), str)), {})
    space = named.get(SPACE)
    return Marks(
        simulated=any(map(_say_simulated, contents)),
        release=named.get(RELEASE, ""),
        space=space if isinstance(space, str) else "",
    )


def _say_simulated(fields: dict[str, Any]) -> bool:
    made_by = fields.get(_MAKERS)
    makers = made_by if isinstance(made_by, list) else []
    by_simulator = any(isinstance(one, dict) and one.get("Name") == _SIMULATOR for one in makers)
    return fields.get(SIMULATED) is True or by_simulator


def _read_fields(path: Path) -> dict[str, Any]:
    """Return the fields of a JSON file by their names in lower case; none of a file that is missing or unreadable."""
    try:
        content = read_plain_json(path) if path.is_file() else None
    except (AutosegError, OSError):
        return {}
    return {name.casefold(): value for name, value in content.items()} if isinstance(content, dict) else {}
