"""Progress reporting."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import AbstractContextManager, nullcontext
from typing import Protocol


class Task(Protocol):
    """A piece of work that advances towards a known total."""

    def advance(self, steps: int = 1) -> None:
        """Count finished steps."""
        ...

    def resize(self, total: int) -> None:
        """Change the total: the work turned out longer or shorter."""
        ...

    def state(self, figures: Mapping[str, str]) -> None:
        """Show the latest figures, for example {"loss": "0.31"}."""
        ...


class Progress(Protocol):
    """Receiver of progress: a terminal, a log file, or none."""

    def task(self, title: str, total: int, done: int = 0) -> AbstractContextManager[Task]:
        """Open a piece of work of `total` steps (0: not known yet), of which `done` were finished earlier."""
        ...

    def say(self, message: str) -> None:
        """Show one line that stays."""
        ...


class _SilentTask:
    def advance(self, steps: int = 1) -> None:
        return

    def resize(self, total: int) -> None:
        return

    def state(self, figures: Mapping[str, str]) -> None:
        return


class SilentProgress:
    """Shows nothing; for callers in Python."""

    def task(self, title: str, total: int, done: int = 0) -> AbstractContextManager[Task]:
        """Open a piece of work without a display."""
        return nullcontext(_SilentTask())

    def say(self, message: str) -> None:
        """Say nothing."""
