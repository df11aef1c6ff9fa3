"""Traces of a simulation that is not finished: the options that it was begun with, and the cases that it has made."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from autoseg.simulate.options import SimulationOptions
from autoseg.simulate.records import SimulatedCase
from dataset_fingerprints.errors import FileFormatError
from dataset_fingerprints.files.atomic import sweep
from dataset_fingerprints.files.jsonfiles import read_json, write_json

FOLDER = ".unfinished"


@dataclass(frozen=True, kw_only=True, slots=True)
class Unfinished:
    """The traces in the folder of a data set; they are deleted when the last case is made."""

    dataset: Path

    def begin(self, options: SimulationOptions) -> None:
        """Note the options, unless they are noted, and delete what a killed process left half written."""
        if not self._options.is_file():
            write_json(self._options, options)
        sweep(self._folder, *(folder for folder in self.dataset.rglob("*") if folder.is_dir()))

    def options(self) -> SimulationOptions | None:
        """Return the options that a simulation was begun with here; None where none was, or by another version."""
        try:
            return read_json(self._options, SimulationOptions) if self._options.is_file() else None
        except FileFormatError:
            return None

    def find(self, case: str) -> SimulatedCase | None:
        """Return the record of a case whose files are written."""
        path = self._record(case)
        try:
            return read_json(path, SimulatedCase) if path.is_file() else None
        except FileFormatError:
            return None

    def add(self, request: str, case: SimulatedCase) -> None:
        """Note that the files of a case are written, under the name that it was asked for by."""
        write_json(self._record(request), case)

    def end(self) -> None:
        """Delete the traces."""
        if self._folder.is_dir():
            for path in self._folder.iterdir():
                path.unlink()
            self._folder.rmdir()

    @property
    def _folder(self) -> Path:
        return self.dataset / FOLDER

    @property
    def _options(self) -> Path:
        return self._folder / "options.json"

    def _record(self, case: str) -> Path:
        return self._folder / f"case-{case}.json"
