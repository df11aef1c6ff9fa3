"""A folder with everything that a command reads, and links to it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from autoseg.pipeline.predictions.inputs import Inputs, Search, find_inputs
from autoseg.workspace.workspace import Workspace
from dataset_fingerprints.dataset import Dataset
from dataset_fingerprints.layouts import read_dataset


@dataclass(frozen=True, kw_only=True, slots=True)
class Place:
    """A raw data set, a workspace of it without models, scans and masks; every file has links."""

    root: Path

    @property
    def workspace(self) -> Workspace:
        return Workspace(root=self.root / "ws")

    @property
    def dataset(self) -> Dataset:
        return read_dataset(self.root / "raw")

    def find(self, *scans: str) -> Inputs:
        return find_inputs([self.root / one for one in scans], ("T1w",), Search(), self.root / "out-of-the-way")

    def contents(self) -> dict[str, bytes | str]:
        return {
            str(path.relative_to(self.root)): str(path.readlink()) if path.is_symlink() else path.read_bytes()
            for path in self.root.rglob("*")
            if path.is_file() or path.is_symlink()
        }
