"""The command line as a person uses it, in this process or in one of its own, and where the real data lie."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest

from autoseg.cli import main

# Never copied into the project; AUTOSEG_DATA names another place.
DATA = Path(os.environ.get("AUTOSEG_DATA", Path(__file__).parents[3] / "shared/data"))
HIPPOCAMPUS = DATA / "Task04_Hippocampus"

needs_hippocampus = pytest.mark.skipif(
    not HIPPOCAMPUS.is_dir(), reason="the MSD Hippocampus data are not beside the checkout (AUTOSEG_DATA)"
)


def run(monkeypatch: pytest.MonkeyPatch, *arguments: object) -> int:
    """Run a command through the entrance of the command line and return its exit code."""
    monkeypatch.setattr(sys, "argv", ["autoseg", *[str(argument) for argument in arguments]])
    try:
        main()
    except SystemExit as stop:
        return int(stop.code or 0)
    return 0


def start(*arguments: object) -> subprocess.Popen[str]:
    """Start a command in a process of its own."""
    return _start("autoseg", arguments)


def run_until(moment: str, *arguments: object, number: int = signal.SIGKILL) -> tuple[int, str]:
    """Run a command in a process that sends itself a signal at a moment, and return its exit code and what it said.

    Args:
        moment: as `tests.synthetic.ended` reads it.
        arguments: of the command.
        number: of the signal.
    """
    process = _start("tests.synthetic.ended", (int(number), moment, *arguments))
    said, _ = process.communicate()
    return process.returncode, said


def _start(module: str, arguments: Sequence[object]) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", module, *[str(argument) for argument in arguments]]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, encoding="utf-8")
