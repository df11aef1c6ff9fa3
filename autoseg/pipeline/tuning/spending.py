"""Time that a search has spent, over all starts; what a killed process spent is known to some seconds."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from autoseg.pipeline.tuning.records import REMEDY
from autoseg.progress import Progress, Task
from dataset_fingerprints.files.jsonfiles import read_json, write_json

# Between two writings.
_WRITE_SECONDS = 3.0


@dataclass(frozen=True, kw_only=True, slots=True)
class SpentTime:
    """The file's content."""

    seconds: float


class Spent:
    """Counts seconds from those that a file holds, and keeps the file up to date.

    Args:
        path: of the file.
        clock: returns seconds that never go back.
    """

    def __init__(self, path: Path, clock: Callable[[], float] = time.monotonic) -> None:
        self._path, self._clock = path, clock
        self._before = read_json(path, SpentTime, REMEDY).seconds if path.is_file() else 0.0
        self._start = self._written = clock()

    def seconds(self) -> float:
        """Return the seconds so far."""
        return self._before + self._clock() - self._start

    def tick(self) -> None:
        """Write the seconds down, now and then."""
        if self._clock() - self._written > _WRITE_SECONDS:
            self.write()

    def write(self) -> None:
        """Write the seconds down."""
        self._written = self._clock()
        write_json(self._path, SpentTime(seconds=round(self.seconds(), 1)))


class Ticking:
    """Progress of one of many trainings: its bars are shown, its sentences are not, and its time is counted."""

    def __init__(self, shown: Progress, spent: Spent, title: str) -> None:
        self._shown, self._spent, self._title = shown, spent, title

    @contextmanager
    def task(self, title: str, total: int, done: int = 0) -> Iterator[Task]:
        """Open a piece of work whose title says of which training it is."""
        with self._shown.task(f"{self._title}: {title[:1].lower()}{title[1:]}", total, done) as task:
            yield _TickingTask(task, self._spent)

    def say(self, message: str) -> None:
        """Say nothing: dozens of trainings would say the same."""
        self._spent.tick()


class _TickingTask:
    def __init__(self, task: Task, spent: Spent) -> None:
        self._task, self._spent = task, spent

    def advance(self, steps: int = 1) -> None:
        self._spent.tick()
        self._task.advance(steps)

    def resize(self, total: int) -> None:
        self._task.resize(total)

    def state(self, figures: Mapping[str, str]) -> None:
        self._task.state(figures)
