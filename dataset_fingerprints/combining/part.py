"""One of the data sets that are combined."""

from __future__ import annotations

from dataclasses import dataclass

from dataset_fingerprints.dataset import Case, Dataset

BACKGROUND, IGNORE = "background", "ignore"


@dataclass(frozen=True, kw_only=True, slots=True)
class Part:
    """One of the data sets that are combined.

    Attributes:
        name: what it is called among them; cases are called by it and their own name.
        dataset: as it was found.
        task: of all its cases; empty for what the data set says of each, or else its name.
    """

    name: str
    dataset: Dataset
    task: str = ""

    def task_of(self, case: Case) -> str:
        """Return the task that a case belongs to."""
        return self.task or case.task or self.name

    def tasks(self) -> tuple[str, ...]:
        """Return the tasks of its cases, each once."""
        return tuple(dict.fromkeys(self.task_of(case) for case in self.dataset.cases))
