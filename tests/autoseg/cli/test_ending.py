"""Every way in which a command can end: its exit code, and one message."""

from __future__ import annotations

import errno
import re
from pathlib import Path

import pytest

from autoseg.cli.ending import STOPPED, run_to_end
from dataset_fingerprints.errors import ArgumentError, DataError, PartlyDoneError, PlanError, StoppedError

FULL = OSError(errno.ENOSPC, "No space left on device", "ws/plan.json")
# what happens -> the exit code, and the message
ENDS: dict[str, tuple[BaseException, int, str]] = {
    "bad data": (DataError("a.nii: is empty."), 2, r"a\.nii: is empty\."),
    "a bad plan": (PlanError("no such loss."), 2, r"no such loss\."),
    "a wrong argument": (ArgumentError("seed is 'x'."), 2, "seed is 'x'"),
    "some cases": (PartlyDoneError("1 of 3 failed"), 1, "1 of 3 failed"),
    "a stopped training": (StoppedError("saved", 143), 143, "saved"),
    "Ctrl-C": (KeyboardInterrupt(), 130, STOPPED),
    "Ctrl-C as typer hands it on": (SystemExit(130), 130, STOPPED),
    "a full disk": (FULL, 2, r"ws/plan\.json: cannot be written to \(No space left on device\).*what was finished is"),
    "no memory": (MemoryError("Unable to allocate 9 TiB"), 2, r"not enough memory \(Unable to allocate 9 TiB\)"),
    "a fault of ours": (
        KeyError("mean"),
        3,
        r"a fault of autoseg itself \(KeyError: 'mean'\)\. The traceback is in (\S+)\. ",
    ),
    "brackets": (DataError("[/x] and [red]a[/]: :x:"), 2, r"\[/x\] and \[red\]a\[/\]: :x:"),
}


@pytest.mark.parametrize("kind", ENDS)
def test_an_end_is_an_exit_code_and_one_message(kind: str, capsys: pytest.CaptureFixture[str]) -> None:
    error, code, message = ENDS[kind]

    def command() -> None:
        raise error

    with pytest.raises(SystemExit) as end:
        run_to_end(command)
    assert end.value.code == code
    said = capsys.readouterr()
    text = " ".join(said.err.split())
    found = re.search(message, text)
    assert found, text
    assert text.count("autoseg:") == 1
    assert "Traceback" not in said.err + said.out
    if code == 3:
        assert "KeyError: 'mean'" in Path(found[1]).read_text(encoding="utf-8")


@pytest.mark.parametrize("code", [0, 1, 2])
def test_what_typer_ends_with_stays(code: int, capsys: pytest.CaptureFixture[str]) -> None:
    def command() -> None:
        raise SystemExit(code)

    with pytest.raises(SystemExit) as end:
        run_to_end(command)
    assert end.value.code == code
    assert capsys.readouterr() == ("", "")
