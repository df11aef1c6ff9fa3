"""Output that cannot be written is lost; the work is not."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from autoseg.cli.terminal.display import TerminalProgress, console, errors, show_plain, show_table

LINES = 3000
TALK = f"""
import sys
from pathlib import Path
from autoseg.cli.terminal import display
from autoseg.cli.terminal.streams import finish_output
progress = display.TerminalProgress()
with progress.task("Working", {LINES}) as task:
    for number in range({LINES}):
        progress.say(f"line {{number}} " + "x" * 50)
        display.errors.print("an error " + "x" * 50)
        task.advance()
display.show_plain("plain")
finish_output()
Path(sys.argv[1]).write_text("done")
"""


def talk(result: Path, redirection: str, encoding: str = "utf-8") -> subprocess.CompletedProcess[bytes]:
    """Run a program that prints megabytes through a shell."""
    command = f'"{sys.executable}" -c "$0" "$1" {redirection}'
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[4]), "PYTHONIOENCODING": encoding}
    return subprocess.run(["bash", "-c", command, TALK, result], env=environment, capture_output=True, check=False)


@pytest.mark.parametrize(
    "redirection",
    [
        "2>/dev/null | true",
        "2>/dev/null | head -1",
        "2>&1 | true",
        ">&- 2>&-",
        ">/dev/full 2>/dev/full",
        "2>&1 | tail -1",
    ],
)
def test_the_work_goes_on_without_a_reader(tmp_path: Path, redirection: str) -> None:
    done = talk(tmp_path / "result", f"{redirection}; exit ${{PIPESTATUS[0]}}")
    assert done.returncode == 0, done.stderr[-2000:]
    assert (tmp_path / "result").read_text(encoding="utf-8") == "done"
    assert b"Traceback" not in done.stderr
    assert len(done.stdout.splitlines()) == ("head" in redirection or "tail" in redirection)


NAMES = ["a :x: b", "[bold]a[/bold]", "[/]", "100% {x}", "ü [red] :smile:", "\\[a]"]


@pytest.mark.parametrize("name", NAMES)
def test_names_are_shown_as_they_are(capsys: pytest.CaptureFixture[str], name: str) -> None:
    TerminalProgress().say(f"file {name}")
    console.print(f"in {name}", soft_wrap=True)
    errors.print(f"not {name}", soft_wrap=True)
    show_table(f"of {name}", ("case",), [(name,)])
    show_plain(name)
    shown = capsys.readouterr()
    assert shown.out.count(name) == 5
    assert shown.err == f"not {name}\n"


def test_characters_that_a_stream_does_not_have_are_escaped(tmp_path: Path) -> None:
    code = "from autoseg.cli.terminal.display import console; console.print('a\\u0305\\udcff b')"
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[4]), "PYTHONIOENCODING": "ascii"}
    done = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, check=True)
    assert done.stdout == b"a\\u0305\\udcff b\n"
