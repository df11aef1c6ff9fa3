"""Progress and tables on a terminal, and in a log file where there is no terminal."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import IO, TYPE_CHECKING, cast

from rich.console import Console
from rich.markup import escape
from rich.padding import Padding
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TaskID,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)
from rich.table import Table

from autoseg.cli.streams import LastingStream

if TYPE_CHECKING:
    from autoseg.evaluation import Evaluation

# Without a terminal, a line this often.
LOG_SECONDS = 20.0

# Names and paths are shown as they are: brackets in them are no markup, `:x:` is no picture.
console = Console(file=cast("IO[str]", LastingStream(name="stdout")), markup=False, emoji=False, highlight=False)
errors = Console(file=cast("IO[str]", LastingStream(name="stderr")), markup=False, emoji=False, highlight=False)


class TerminalProgress:
    """Progress as bars with an ETA on a terminal, and as lines elsewhere."""

    @contextmanager
    def task(self, title: str, total: int, done: int = 0) -> Iterator[_Bar | _LogLines]:
        """Open a piece of work of `total` steps (0: not known yet), of which `done` were finished earlier."""
        if not console.is_terminal:
            lines = _LogLines(title=title, total=total, done=done, first=done)
            yield lines
            lines.write()
            return
        columns = (
            TextColumn("{task.description}", style="bold", markup=False),
            BarColumn(bar_width=30),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
            TextColumn("left"),
            TimeRemainingColumn(),
            TextColumn("{task.fields[figures]}", markup=False),
        )
        with Progress(*columns, console=console) as progress:
            identity = progress.add_task(title, total=total or None, completed=done, figures="")
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
        self.progress.update(self.identity, figures=_as_text(self.figures))


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

    def write(self) -> None:
        self.written = time.monotonic()
        elapsed = self.written - self.started
        count = f"{self.done}/{self.total}" if self.total else str(self.done)
        steps = self.done - self.first
        left = (
            f", {_clock(elapsed / steps * (self.total - self.done))} left" if steps and self.total > self.done else ""
        )
        text = f"{self.title} {count}, {_clock(elapsed)} elapsed{left}  {_as_text(self.figures)}".rstrip()
        console.print(text, soft_wrap=True)


def show_plain(text: str) -> None:
    """Show text without any layout, for other programs."""
    LastingStream(name="stdout").write(f"{text}\n")


def show_table(title: str, columns: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """Show a table."""
    table = Table(title=title, title_justify="left", title_style="bold", header_style="bold")
    for number, column in enumerate(columns):
        table.add_column(column, overflow="fold", no_wrap=number == 0)
    for row in rows:
        table.add_row(*row)
    console.print(table)


def show_reasons(title: str, rows: Sequence[Sequence[str]]) -> None:
    """Show decisions: subject, field and value, the rule, the evidence, and what would change it."""
    console.print(f"\n{title}", style="bold")
    for what, field_name, value, rule, evidence, change in rows:
        console.print(f"\n[bold]{escape(what)}: {escape(value)}[/] [dim]{escape(field_name)}[/]", markup=True)
        for name, text in (("why", rule), ("found", evidence), ("would change with", change)):
            console.print(Padding(f"[dim]{name}:[/] {escape(text)}", (0, 0, 0, 4)), markup=True)


def show_scores(title: str, evaluation: Evaluation, names: Mapping[int | str, str] | None = None) -> None:
    """Show the figures of an evaluation, a line per label and metric.

    Args:
        title: of the table.
        evaluation: all figures.
        names: of labels, as far as they are known.
    """
    known = names or {}
    titles = evaluation.convention.column_titles()
    rows = []
    for label in evaluation.summary:
        for metric in label.metrics:
            values = metric.statistics
            if metric.name not in titles or values.mean is None:
                continue
            interval = f"{values.ci95[0]:.3f} to {values.ci95[1]:.3f}" if values.ci95 else "-"
            row = (titles[metric.name], f"{values.mean:.3f}", f"{values.median:.3f}", interval, str(values.n))
            rows.append((known.get(label.label, str(label.label)), *row))
    show_table(title, ("label", "metric", "mean", "median", "95 % interval of the mean", "n"), rows)
    console.print(f"Mean Dice over labels: {evaluation.foreground_mean_dice:.4f}")


def _as_text(figures: Mapping[str, str]) -> str:
    return "  ".join(f"{name} {value}" for name, value in figures.items())


def _clock(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02d}:{rest:02d}" if hours else f"{minutes}:{rest:02d}"
