"""Pages of the documentation carried out: every command of a page is run, and what it printed is written below it."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from dataset_fingerprints.errors import AutosegError
from experiments.reference.blocks import Block, list_blocks

# Of the terminal: a table of so many columns is seen whole in a window of 1280 pixels.
WIDTH = 90
# Commands and programs.
_CARRIED_OUT = ("sh", "python")
# In an output that the page cuts short: lines are left out here.
_CUT = "..."
# Progress redraws its line; a page shows none of it.
_REDRAWN = re.compile(r"^.*\r(?!\n)", re.MULTILINE)


@dataclass(frozen=True, kw_only=True, slots=True)
class Ran:
    """A block that was carried out.

    Attributes:
        output: of all its commands together, what progress redraws left out.
    """

    block: Block
    output: str
    seconds: float


def walk(text: str, folder: Path, change: Callable[[str], str | None] = lambda command: command) -> Iterator[Ran]:
    """Carry out the blocks of a page one after another in a folder, and yield each with its output.

    Args:
        text: of the page.
        folder: that the commands run in.
        change: returns the command to run in the place of one of the page's; None leaves it out.

    Raises:
        AutosegError: a command failed; the message holds it and what it printed.
    """
    folder.mkdir(parents=True, exist_ok=True)
    for block in (one for one in list_blocks(text) if one.kind in _CARRIED_OUT):
        begun = time.perf_counter()
        if block.kind == "python":
            output = _run((sys.executable, "-c", block.typed), "the program", folder)
        else:
            commands = [changed for command in block.commands() if (changed := change(command)) is not None]
            output = "".join(_run(("sh", "-c", command), command, folder) for command in commands)
        # Where the page was carried out is nobody's business.
        output = output.replace(f"{folder.resolve()}{os.sep}", "")
        yield Ran(block=block, output=output, seconds=time.perf_counter() - begun)


def show_outputs(text: str, ran: Sequence[Ran]) -> str:
    """Return a page with the outputs of its blocks in the place of those that it shows."""
    for one in reversed(ran):
        if one.block.shown is not None:
            start, stop = one.block.place
            shown = f"```{one.block.kind}\n{one.block.typed}```\n\n```text\n{_cut(one)}```\n"
            text = text[:start] + shown + text[stop:]
    return text


def _cut(one: Ran) -> str:
    """Return the output, cut where the page cuts what it shows, at a line of three dots; a short one is whole."""
    lines = one.output.rstrip("\n").splitlines()
    before = (one.block.shown or "").splitlines()
    if _CUT in before:
        head = before.index(_CUT)
        tail = len(before) - head - 1
        if len(lines) > head + tail:
            lines = [*lines[:head], _CUT, *lines[len(lines) - tail :]]
    return "".join(f"{line.rstrip()}\n" for line in lines)


def _run(words: Sequence[str], said: str, folder: Path) -> str:
    paths = os.pathsep.join((str(Path(sys.executable).parent), os.environ.get("PATH", "")))
    environment = {**os.environ, "COLUMNS": str(WIDTH), "PATH": paths}
    # As bytes: read as text, every \r would be the end of a line.
    done = subprocess.run(words, cwd=folder, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    output = _REDRAWN.sub("", done.stdout.decode("utf-8", "replace"))
    if done.returncode:
        raise AutosegError(f"{said}: ended with code {done.returncode}. It printed:\n{output}")
    return output
