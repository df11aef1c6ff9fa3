"""Scripts side by side: exit codes, logs, shares of the cores, and an end from outside. Real processes."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path

import pytest

from experiments.costs.side_by_side import Script, run_together

pytestmark = [
    pytest.mark.filterwarnings("ignore:This process"),
    pytest.mark.skipif(sys.platform != "linux", reason="cores are shared as Linux does it"),
]

CORES = f"{sys.executable} -c 'import os; print(sorted(os.sched_getaffinity(0)))'"
WAITING = """
import signal, sys
from pathlib import Path
from experiments.costs.side_by_side import Script, run_together
signal.signal(signal.SIGTERM, signal.default_int_handler)
run_together([Script(text="echo $$; sleep 600; echo over", log=Path(sys.argv[1]))], 1)
"""


def members(group: int) -> list[str]:
    """Return the processes of a group; zombies are left out."""
    found = []
    for stat in Path("/proc").glob("[0-9]*/stat"):
        with suppress(OSError):
            text = stat.read_text(encoding="utf-8", errors="replace")
            state, _, its_group, *_ = text.rpartition(")")[2].split()
            if state != "Z" and int(its_group) == group:
                found.append(text)
    return found


def test_scripts_end_with_their_codes_and_logs_at_the_first_command_that_fails(tmp_path: Path) -> None:
    good = Script(text="echo $NAME; echo two", log=tmp_path / "good", variables={"NAME": "one"})
    bad = Script(text="echo before; sh -c 'exit 3'; echo after", log=tmp_path / "bad")
    (tmp_path / "bad").write_text("earlier\n", encoding="utf-8")
    assert run_together([good, bad], 2) == [0, 3]
    assert (tmp_path / "good").read_text(encoding="utf-8") == "one\ntwo\n"
    assert (tmp_path / "bad").read_text(encoding="utf-8") == "earlier\nbefore\n"


def test_each_script_keeps_to_its_share_of_the_cores(tmp_path: Path) -> None:
    logs = [tmp_path / "first", tmp_path / "second"]
    assert run_together([Script(text=CORES, log=log) for log in logs], 2) == [0, 0]
    cores = sorted(os.sched_getaffinity(0))
    half = max(1, len(cores) // 2)
    shares = [cores[:half], cores[half : 2 * half] or cores]
    assert [log.read_text(encoding="utf-8").strip() for log in logs] == [str(share) for share in shares]


def test_scripts_of_a_process_that_is_ended_are_ended(tmp_path: Path) -> None:
    log = tmp_path / "log"
    process = subprocess.Popen([sys.executable, "-c", WAITING, str(log)], stderr=subprocess.DEVNULL)
    try:
        while not (log.is_file() and log.read_text(encoding="utf-8").endswith("\n")):
            assert process.poll() is None
            time.sleep(0.05)
        script = int(log.read_text(encoding="utf-8"))
        assert members(script)
        process.send_signal(signal.SIGTERM)
        assert process.wait(timeout=60) != 0
        while members(script):
            time.sleep(0.05)
    finally:
        process.kill()
        process.wait()
    assert "over" not in log.read_text(encoding="utf-8")
