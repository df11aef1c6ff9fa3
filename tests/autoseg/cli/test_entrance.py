"""Ctrl-C at any moment of a command: a message and 130."""

from __future__ import annotations

import os
import runpy
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from autoseg.cli import entrance
from autoseg.cli.entrance import STOPPED

# what the process does, with S(): a signal to itself -> exit code, and how often the message comes
MOMENTS = {
    "before anything is imported": ("import autoseg.cli as cli; cli.main = S", 1),
    "in the middle of an import": ("import autoseg.cli.app as app; app._run = lambda: __import__('sends')", 1),
    "at work": ("import autoseg.cli.app as app; app._run = lambda: (S(), print('went on'))", 1),
    "at work, twice": ("import autoseg.cli.app as app; app._run = twice", 1),
    "while the message is shown": (
        "import autoseg.cli.ending as e, autoseg.cli.app as a; a._run = S; e.fail = S",
        1,
    ),
}
PRELUDE = """
import os, signal, sys, time
def S(*_):
    os.kill(os.getpid(), signal.SIGINT)
    time.sleep(0.2)
def twice():
    try:
        S()
    finally:
        S()
from autoseg.cli.entrance import enter
"""
# Takes a moment after the signal, and would turn an exception into another one.
SENDING = """
import os, signal, time
try:
    os.kill(os.getpid(), signal.SIGINT)
    time.sleep(0.2)
except BaseException as error:
    raise ImportError("cannot be imported") from error
print("imported")
"""


def run(code: str, folder: Path) -> subprocess.CompletedProcess[str]:
    (folder / "sends.py").write_text(SENDING)
    path = os.pathsep.join((str(folder), *filter(None, sys.path)))
    return subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, env={**os.environ, "PYTHONPATH": path}
    )


@pytest.mark.parametrize("moment", MOMENTS)
def test_ctrl_c_ends_a_command_with_one_message(moment: str, tmp_path: Path) -> None:
    code, count = MOMENTS[moment]
    done = run(f"{PRELUDE}\n{code}\nenter()", tmp_path)
    assert done.returncode == 128 + signal.SIGINT, done.stderr
    assert done.stderr.count(STOPPED) == count
    assert "went on" not in done.stdout
    assert "Traceback" not in done.stderr
    assert "Exception" not in done.stderr


def test_a_signal_after_everything_is_done_changes_nothing(tmp_path: Path) -> None:
    code = f"{PRELUDE}\nimport atexit; atexit.register(S)\nimport autoseg.cli as cli; cli.main = lambda: None\nenter()"
    done = run(code, tmp_path)
    assert (done.returncode, done.stderr) == (0, "")


def test_windows_is_refused_with_the_way_to_go(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    with monkeypatch.context() as elsewhere:
        elsewhere.setattr(sys, "platform", "win32")
        with pytest.raises(SystemExit) as ended:
            runpy.run_path(entrance.__file__)
    assert ended.value.code == 2
    assert "WSL 2" in capsys.readouterr().err
