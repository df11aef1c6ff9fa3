"""Progress of work on a terminal, and as lines in a log file where there is no terminal."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field

from rich.console import Console, ConsoleOptions, RenderableType, RenderResult
from rich.progress import Progress, Task, TaskID
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from autoseg.cli.terminal.consoles import console
from dataset_fingerprints.durations import show_duration

# Without a terminal, a line this often.
LOG_SECONDS = 20.0
# Before that, nothing is said of the time that is left.
UNSURE_SECONDS = 2.0
WIDEST_BAR, NARROWEST_BAR = 30, 8
_INDENT = "  "


class TerminalProgress:
    """Progress as bars with the time that is left on a terminal, and as lines elsewhere."""

    @contextmanager
    def task(self, title: str, total: int, done: int = 0) -> Iterator[_Bar | _LogLines]:
        """Open a piece of work of `total` steps (0: not known yet), of which `done` were finished earlier."""
        if not console.is_terminal:
            lines = _LogLines(title=title, total=total, done=done, first=done)
            yield lines
            lines.write()
            return
        with _Bars(console=console) as progress:
            identity = progress.add_task(title, total=total or None, completed=done, figures={}, first=done)
            yield _Bar(progress=progress, identity=identity)

    def say(self, message: str) -> None:
        """Show one line that stays."""
        console.print(message, soft_wrap=True)


@dataclass(kw_only=True, slots=True)
class _Bar:
    progress: Progress
    identity: TaskID
    figures: dict[str, str] = field(default_factory=dict)

    def advance(self, steps: int = 1) -> None:
        self.progress.advance(self.identity, steps)

    def resize(self, total: int) -> None:
        self.progress.update(self.identity, total=total)

    def state(self, figures: Mapping[str, str]) -> None:
        self.figures |= figures
        self.progress.update(self.identity, figures=dict(self.figures))


@dataclass(kw_only=True, slots=True)
class _LogLines:
    title: str
    total: int
    done: int
    first: int
    figures: dict[str, str] = field(default_factory=dict)
    started: float = field(default_factory=time.monotonic)
    written: float = field(default_factory=time.monotonic)

    def advance(self, steps: int = 1) -> None:
        self.done += steps
        if time.monotonic() - self.written > LOG_SECONDS:
            self.write()

    def resize(self, total: int) -> None:
        self.total = total

    def state(self, figures: Mapping[str, str]) -> None:
        self.figures |= figures
        # Of work whose steps take minutes, such as large scans.
        if time.monotonic() - self.written > LOG_SECONDS:
            self.write()

    def write(self) -> None:
        self.written = time.monotonic()
        work = _Work(done=self.done, total=self.total, first=self.first, seconds=self.written - self.started)
        text = "; ".join((f"{work.count()}, {work.times()}", *_show_figures(self.figures)))
        console.print(f"{self.title}: {text}", soft_wrap=True)


@dataclass(frozen=True, kw_only=True, slots=True)
class _Work:
    """How far a piece of work has come.

    Attributes:
        total: 0 where it is not known.
        first: steps that were finished earlier.
        seconds: since it was begun, or gone on with.
    """

    done: int
    total: int
    first: int
    seconds: float

    def count(self) -> str:
        return f"{self.done:,} of {self.total:,}" if self.total else f"{self.done:,}"

    def times(self) -> str:
        spent = show_duration(self.seconds)
        if self.total and self.done >= self.total:
            return f"done in {spent}"
        steps = self.done - self.first
        if not (self.total and steps > 0 and self.seconds >= UNSURE_SECONDS):
            return f"{spent} done"
        return f"{spent} done, about {show_duration(self.seconds / steps * (self.total - self.done))} left"


class _Bars(Progress):
    """Rich's live display, each piece of work in as many lines as its words need."""

    def get_renderables(self) -> Iterable[RenderableType]:
        """Yield what is shown of each piece of work."""
        for task in self.tasks:
            yield _Shown(task)


@dataclass(frozen=True, slots=True)
class _Shown:
    """A piece of work, laid out for the width of the terminal: nothing is cut, and no line is wrapped by it."""

    task: Task

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        task, width = self.task, options.max_width
        work = _Work(
            done=int(task.completed),
            total=int(task.total or 0),
            first=task.fields["first"],
            seconds=task.elapsed or 0.0,
        )
        texts = (task.description, work.count(), work.times())
        left = width - sum(map(len, texts)) - len(texts)
        if left >= NARROWEST_BAR:
            yield _lay_out(texts, ProgressBar(total=task.total, completed=task.completed, width=min(left, WIDEST_BAR)))
        else:
            yield from map(Text, join_words((f"{texts[0]} {texts[1]}", f"{_INDENT}{texts[2]}"), width))
        figures = [f"{_INDENT}{figure}" for figure in _show_figures(task.fields["figures"])]
        yield from map(Text, join_words(figures, width))


def _lay_out(texts: tuple[str, str, str], bar: ProgressBar) -> Table:
    line = Table.grid(padding=(0, 1))
    for _ in range(4):
        line.add_column(no_wrap=True)
    line.add_row(Text(texts[0], style="bold"), bar, *map(Text, texts[1:]))
    return line


def join_words(pieces: Iterable[str], width: int) -> Iterator[str]:
    """Yield lines of as many pieces as fit, with a comma between them; a piece that is too long alone is wrapped."""
    line = ""
    for piece in pieces:
        longer = f"{line}, {piece.lstrip()}" if line else piece
        if line and len(longer) > width:
            yield line
            longer = piece
        line = longer
    if line:
        yield line


def _show_figures(figures: Mapping[str, str]) -> Iterator[str]:
    """Yield the figures that have a value, each with its name."""
    yield from (f"{name} {value}" for name, value in figures.items() if value)
