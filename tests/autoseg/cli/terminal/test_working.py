"""Progress fits the width: nothing is cut, and a live line is never wrapped by the terminal."""

from __future__ import annotations

import io

import pytest
from rich.console import Console

from autoseg.cli.terminal import working
from autoseg.cli.terminal.consoles import WordConsole, wrap_words
from autoseg.cli.terminal.working import _Bar, _Bars, _LogLines, _Work

FIGURES = {"loss": "1.648", "validation": "at step 18: mean Dice 0.16", "memory": "of the GPU 23.1 of 24.0 GB"}
TITLES = ("Training", "Reading and measuring", "Validating sub-[red]01[/]_ses-2 on 8 flips")


def show(width: int, title: str, done: int, total: int) -> list[str]:
    """Return the lines of a piece of work on a terminal of a width."""
    stream = io.StringIO()
    console = Console(file=stream, width=width, force_terminal=True, color_system=None, legacy_windows=False)
    progress = _Bars(console=console, auto_refresh=False)
    identity = progress.add_task(title, total=total or None, completed=0, figures={}, first=0)
    bar = _Bar(progress=progress, identity=identity)
    bar.advance(done)
    bar.state(FIGURES)
    console.print(progress.get_renderable())
    return stream.getvalue().splitlines()


@pytest.mark.parametrize("title", TITLES)
@pytest.mark.parametrize("width", [40, 60, 80, 120, 300])
@pytest.mark.parametrize(("done", "total"), [(0, 20), (7, 20), (20, 20), (124_999, 250_000), (3, 0)])
def test_nothing_of_a_live_line_is_cut_or_wrapped(width: int, title: str, done: int, total: int) -> None:
    lines = show(width, title, done, total)
    assert max(map(len, (line.rstrip() for line in lines))) <= width
    text = " ".join(" ".join(lines).split())
    assert "…" not in text
    assert title in text
    assert all(f"{name} {value}" in text for name, value in FIGURES.items())
    assert (f"{done:,} of {total:,}" if total else f"{done:,}") in text


@pytest.mark.parametrize(
    ("done", "total", "first", "seconds", "said"),
    [
        (50, 250, 0, 180.0, "3 min done, about 12 min left"),
        (0, 250, 0, 5.0, "5 s done"),
        (1, 250, 0, 1.0, "1 s done"),
        (150, 250, 100, 60.0, "1 min done, about 2 min left"),
        (250, 250, 0, 7200.0, "done in 2 h"),
        (7, 0, 0, 30.0, "30 s done"),
    ],
)
def test_spent_and_remaining_time_are_told_apart_by_words(
    done: int, total: int, first: int, seconds: float, said: str
) -> None:
    assert _Work(done=done, total=total, first=first, seconds=seconds).times() == said


def test_without_a_terminal_there_are_few_whole_lines(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(working, "LOG_SECONDS", 1e9)
    with working.TerminalProgress().task("Training", 300) as task:
        assert isinstance(task, _LogLines)
        for _ in range(300):
            task.advance()
            task.state(FIGURES)
    said = capsys.readouterr().out
    figures = "; ".join(f"{name} {value}" for name, value in FIGURES.items())
    assert said == f"Training: 300 of 300, done in 0 s; {figures}\n"


PATH = "/data/" + "a" * 90 + "/plan.json"


@pytest.mark.parametrize("width", [60, 80, 120])
def test_lines_on_a_terminal_end_between_words_and_keep_paths_and_commands_whole(width: int) -> None:
    stream = io.StringIO()
    console = WordConsole(file=stream, width=width, force_terminal=True, color_system=None, markup=False)
    text = f"Give the same command again, `autoseg train 0 -w here`, and look into {PATH}.\n  a: is [red]lost[/].\n"
    console.print(text * 3, soft_wrap=True)
    lines = stream.getvalue().split("\n")
    assert " ".join(" ".join(lines).split()) == " ".join((text * 3).split())
    assert all(len(line) <= width or line.strip() == f"{PATH}." for line in lines)
    assert all(line.count("`") % 2 == 0 for line in lines)
    assert f"{PATH}." in lines


@pytest.mark.parametrize("text", ["", "  ", "one", "a\n\n  b", "x" * 200])
def test_text_that_fits_stays_as_it_is(text: str) -> None:
    assert wrap_words(text, 80) == text
