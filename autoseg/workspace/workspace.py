"""The workspace: one directory for one data set, where everything lies that autoseg makes of it."""

from __future__ import annotations

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from dataset_fingerprints.errors import WorkspaceError

SUFFIX = "-autoseg"
FULL = "full"
# Made first of all in a folder of ours, so that it also tells a workspace that was killed at its start.
LOCK = ".lock"


@dataclass(frozen=True, kw_only=True, slots=True)
class Workspace:
    """Names of the files and folders in a workspace. See ARCHITECTURE.md for what they hold."""

    root: Path

    @property
    def dataset(self) -> Path:
        """Where the data set's description lies."""
        return self.root / "dataset.json"

    @property
    def fingerprint(self) -> Path:
        """Where the fingerprint lies."""
        return self.root / "fingerprint.json"

    @property
    def check(self) -> Path:
        """Where the findings of the last check lie."""
        return self.root / "check.json"

    @property
    def cases(self) -> Path:
        """The folder of the measurements and findings of single cases, one per line."""
        return self.root / "cases"

    def plan(self, plan: str) -> Path:
        """Where a plan lies."""
        return self.root / "plans" / plan / "plan.json"

    def splits(self, plan: str) -> Path:
        """Where a plan's folds lie."""
        return self.root / "plans" / plan / "splits.json"

    def store(self, key: str) -> Path:
        """The folder of the cases preprocessed with one set of parameters."""
        return self.root / "preprocessed" / key

    def configuration(self, plan: str, configuration: str) -> Path:
        """The folder of one configuration's folds."""
        return self.root / "models" / plan / configuration

    def fold(self, plan: str, configuration: str, fold: str) -> Path:
        """The folder of one trained fold; `fold` is a number, or `full` for the model of all cases."""
        name = fold if fold == FULL else f"fold_{fold}"
        return self.configuration(plan, configuration) / name

    def plan_names(self) -> tuple[str, ...]:
        """Return the names of the plans that are here."""
        return tuple(sorted(path.parent.name for path in self.root.glob("plans/*/plan.json")))


def new_workspace(dataset: Path, given: Path | None) -> Workspace:
    """Return the workspace that a data set's plan belongs in; nothing is written yet.

    Args:
        dataset: the raw data set's folder.
        given: the user's choice, or None for `<name>-autoseg` in the current directory.

    Raises:
        WorkspaceError: the place is taken by something that is no workspace.
    """
    root = given or Path.cwd() / f"{dataset.resolve().name}{SUFFIX}"
    if root.is_file():
        raise WorkspaceError(f"{root}: is a file. Name a folder with -w; it is made if it does not exist.")
    if root.is_dir() and any(root.iterdir()) and not (root / LOCK).is_file():
        raise WorkspaceError(f"{root}: is a folder with other content. Name an empty or a new folder with -w.")
    if (root / "imagesTr").is_dir():
        raise WorkspaceError(f"{root}: is a raw data set. A workspace lies apart from it: name another folder with -w.")
    return Workspace(root=root)


def find_workspace(given: Path | None) -> Workspace:
    """Return the workspace a command works on: the given one, this directory, or the only one in it.

    Raises:
        WorkspaceError: there is none, or there are several.
    """
    if given is not None:
        if not _is_workspace(given):
            raise WorkspaceError(
                f"{given}: is no workspace. Run `autoseg plan_and_preprocess DATASET -w {given}` first."
            )
        return Workspace(root=given)
    here = Path.cwd()
    if _is_workspace(here):
        return Workspace(root=here)
    found = [path for path in sorted(here.glob(f"*{SUFFIX}")) if _is_workspace(path)]
    if len(found) == 1:
        return Workspace(root=found[0])
    if not found:
        raise WorkspaceError(
            f"{here}: holds no workspace. Run `autoseg plan_and_preprocess DATASET` first, or name one with -w."
        )
    names = ", ".join(path.name for path in found)
    raise WorkspaceError(f"{here}: holds {len(found)} workspaces ({names}). Name one with -w.")


@contextmanager
def locked(folder: Path, what: str) -> Iterator[None]:
    """Keep a second process out of a folder while the block runs; a killed process leaves no lock behind.

    Raises:
        WorkspaceError: another process is in the block, or the folder cannot be written to.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        stream = (folder / LOCK).open("w")
    except OSError as error:
        raise WorkspaceError(f"{folder}: cannot be written to ({error.strerror}). Choose a place with -w.") from error
    with stream:
        try:
            fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise WorkspaceError(
                f"{folder}: another process is at work on {what}. Wait for it, or stop it first."
            ) from error
        yield


def _is_workspace(path: Path) -> bool:
    return (path / "dataset.json").is_file() and (path / "plans").is_dir()
