"""The files of a search for better values of a plan, on one fold of one of its configurations."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from autoseg.workspace.fold import FoldFolder, fold_folder


@dataclass(frozen=True, kw_only=True, slots=True)
class TuningFolder:
    """The folder of one search.

    Attributes:
        fold: whose cases are searched on, as commands name it.
    """

    root: Path
    fold: str

    @property
    def record(self) -> Path:
        """Path of what the search was begun with, and of its outcome."""
        return self.root / "tuning.json"

    @property
    def restart(self) -> Path:
        """Path of what the search is being begun anew with, there until everything before it is removed."""
        return self.root / "restart.json"

    @property
    def spent(self) -> Path:
        """Path of the time that was spent so far."""
        return self.root / "spent.json"

    @property
    def text(self) -> Path:
        """Path of the search and its outcome in words and tables."""
        return self.root / "tuning.md"

    @property
    def table(self) -> Path:
        """Path of the table of all trials, for a spreadsheet."""
        return self.root / "trials.csv"

    @property
    def picture(self) -> Path:
        """Path of the picture of all trials' scores by their length."""
        return self.root / "tuning.png"

    @property
    def trials(self) -> Path:
        """The folder of all trials."""
        return self.root / "trials"

    @property
    def proofs(self) -> Path:
        """The folder of the trainings that are compared on the fold's own validation cases."""
        return self.root / "proof"

    def search_files(self) -> tuple[Path, ...]:
        """Return everything that a search leaves beside its record, whether it is there or not."""
        return (self.trials, self.proofs, self.spent, self.text, self.table, self.picture)

    def trial_record(self, number: int) -> Path:
        """Return the path of a trial's record: its values and its scores."""
        return self._trial(number) / "trial.json"

    def trial_records(self) -> tuple[Path, ...]:
        """Return the paths of the records that are there, by the trials' numbers."""
        # Numbers of four digits come behind those of three.
        found = self.trials.glob("*/trial.json")
        return tuple(sorted(found, key=lambda path: (len(path.parent.name), path.parent.name)))

    def trial(self, number: int) -> FoldFolder:
        """Return the folder of a trial's training."""
        return fold_folder(self._trial(number), self.fold)

    def proof(self, side: str, number: int) -> FoldFolder:
        """Return the folder of a training that is compared: of the plan as it is, or of the best candidate."""
        return fold_folder(self.proofs / f"{side}-{number}", self.fold)

    def _trial(self, number: int) -> Path:
        return self.trials / f"{number:03d}"
