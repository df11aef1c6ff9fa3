"""The reference of the files on disk, read from the modules that spell their names; and of the findings of a check."""

from __future__ import annotations

import inspect
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from autoseg.workspace.fold import FoldFolder, ValidationFolder
from autoseg.workspace.store import StoreFolder
from autoseg.workspace.workspace import Workspace
from dataset_fingerprints.checking.kinds import KINDS
from experiments.reference.markdown import as_code, write_section, write_table

ROOT = Path("ws")
# Names that stand for what a folder or file is called after.
_PLACEHOLDERS = {
    "plan": "PLAN",
    "configuration": "CONFIGURATION",
    "fold": "0",
    "key": "HASH",
    "case": "CASE",
    "number": 1,
}
_FOLDERS = (Workspace, FoldFolder, ValidationFolder, StoreFolder)


def write_files() -> str:
    """Return every file and folder of a workspace that a module names, with what it holds."""
    fold = Workspace(root=ROOT).fold("PLAN", "CONFIGURATION", "0")
    inner: dict[str, Any] = {
        "A fold": fold,
        "Its validation": fold.validation,
        "Preprocessed cases": Workspace(root=ROOT).store("HASH"),
    }
    sections = (
        write_section(title, f"Below `{folder.root.as_posix()}`:", _write_paths(folder, folder.root))
        for title, folder in inner.items()
    )
    return "\n".join((write_section("A workspace", _write_paths(Workspace(root=ROOT), Path())), *sections))


def _write_paths(folder: Any, above: Path) -> str:
    rows = [(as_code(path.relative_to(above).as_posix()), meaning) for path, meaning in _list_paths(folder)]
    return write_table(("path", "what it is"), sorted(rows))


def _list_paths(folder: Any) -> Iterator[tuple[Path, str]]:
    for name, member in inspect.getmembers(type(folder)):
        if name.startswith("_") or not (isinstance(member, property) or inspect.isfunction(member)):
            continue
        function: Any = member.fget if isinstance(member, property) else member
        given = list(inspect.signature(function).parameters)[1:]
        several = inspect.signature(function).return_annotation == "tuple[Path, ...]"
        if several or not set(given) <= set(_PLACEHOLDERS):
            continue
        held = getattr(folder, name)
        value = held if isinstance(member, property) else held(*(_PLACEHOLDERS[one] for one in given))
        first = inspect.cleandoc(function.__doc__ or "").splitlines()[0]
        for path in value if isinstance(value, tuple) else (value,):
            if isinstance(path, _FOLDERS):
                yield path.root, _plain(first)
            elif isinstance(path, Path) and ROOT in path.parents:
                yield path, _plain(first)


def _plain(sentence: str) -> str:
    """Return what a path is, without the verb that its function's docstring begins with."""
    for opening in ("Return the path of ", "Path of ", "Return the paths of ", "Return "):
        if sentence.startswith(opening):
            rest = sentence.removeprefix(opening)
            return rest[0].upper() + rest[1:]
    return sentence


def write_findings() -> str:
    """Return every kind of finding of `autoseg check`, with its grades and its meaning."""
    rows = [(as_code(name), ", ".join(kind.grades), kind.meaning) for name, kind in KINDS.items()]
    return write_table(("finding", "grades", "meaning"), rows)
