"""Cases with out-of-fold probabilities, and their scores by candidates, measured in threads."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from autoseg.models.selection import ScoreName
from autoseg.prediction import Probabilities
from autoseg.progress import Progress
from autoseg.selection.cross_fitting import Deal
from autoseg.selection.figures import Figures, collect
from autoseg.selection.measuring import CaseScore, measure_case
from autoseg.selection.rules import Rule
from dataset_fingerprints.measuring.memory_gate import MemoryGate

T = TypeVar("T")
# Configurations whose probabilities are averaged.
Source = tuple[str, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class HeldOut:
    """A case, and what networks that did not train on it say of it.

    Attributes:
        unit: of its subject; cases of one unit are of one fold.
        size_bytes: memory that measuring it needs.
        read: the mean probabilities of some configurations.
        read_reference: label indices (x, y, z) on the scan's canonical grid.
    """

    name: str
    unit: str
    fold: str
    size_bytes: int
    read: Callable[[Source], Probabilities]
    read_reference: Callable[[], NDArray[np.integer]]


@dataclass(frozen=True, kw_only=True, slots=True)
class Setting:
    """What choices are made by.

    Attributes:
        cases: that are scored.
        score: that counts.
        workers: cases at once.
        memory_bytes: for all that are worked on at once.
    """

    cases: Sequence[HeldOut]
    score: ScoreName
    workers: int
    memory_bytes: float
    progress: Progress

    def deal(self) -> Deal:
        """Return folds and subjects by number."""
        folds = np.unique([case.fold for case in self.cases], return_inverse=True)[1]
        units = np.unique([case.unit for case in self.cases], return_inverse=True)[1]
        return Deal(folds=folds.astype(np.int64), units=units.astype(np.int64))

    def count_subjects(self) -> int:
        """Return how many subjects the cases are of."""
        return len({case.unit for case in self.cases})

    def folds(self) -> tuple[str, ...]:
        """Return the names of the folds."""
        return tuple(dict.fromkeys(case.fold for case in self.cases))

    def measure(self, what: str, sources: Sequence[Source], rules: Sequence[Sequence[Rule]]) -> list[list[Figures]]:
        """Return the scores of all cases, by source and by label or region.

        Args:
            what: is done, for the progress.
            sources: whose probabilities are looked at.
            rules: per label or region.
        """

        def measure(case: HeldOut) -> list[tuple[CaseScore, ...]]:
            reference = case.read_reference()
            return [measure_case(case.read(source), reference, rules) for source in sources]

        measured = list(self._for_each(what, measure))
        return [
            [collect([case[place][target] for case in measured]) for target in range(len(rules))]
            for place in range(len(sources))
        ]

    def _for_each(self, what: str, work: Callable[[HeldOut], T]) -> Iterator[T]:
        """Yield what `work` returns of each case, in their order; the first error ends it."""
        gate = MemoryGate(limit_bytes=self.memory_bytes)

        def enter(case: HeldOut) -> T:
            with gate.hold(case.size_bytes):
                return work(case)

        with self.progress.task(what, len(self.cases)) as task, ThreadPoolExecutor(self.workers) as threads:
            futures = [threads.submit(enter, case) for case in self.cases]
            try:
                for future in futures:
                    yield future.result()
                    task.advance()
            finally:
                for future in futures:
                    future.cancel()
