"""Commands as child processes; the commands are small Python programs."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from autoseg.pipeline.folds.children import Child, Slot, describe_end, run_children
from autoseg.progress import SilentProgress
from autoseg.training.interruption import Interruption


class Listening(SilentProgress):
    def __init__(self) -> None:
        self.said: list[str] = []

    def say(self, message: str) -> None:
        self.said.append(message)


def child(folder: Path, name: str, program: str) -> Child:
    def command(slot: Slot) -> tuple[str, ...]:
        return (sys.executable, "-c", program, str(folder), str(slot.memory_share))

    return Child(name=name, command=command, log=folder / name / "log")


def test_what_children_print_is_shown_under_their_names_and_kept_in_their_logs(tmp_path: Path) -> None:
    progress = Listening()
    program = "import sys; print('out', flush=True); print('err', file=sys.stderr); print('no end', end='')"
    children = [child(tmp_path, name, program) for name in ("a", "b")]
    (tmp_path / "a").mkdir()
    children[0].log.write_text("from an earlier run\n", encoding="utf-8")
    outcomes = run_children(children, [Slot()], progress, Interruption())
    assert [outcome.exit_code for outcome in outcomes] == [0, 0]
    assert progress.said[:3] == ["a | out", "a | err", "a | no end"]
    assert progress.said[3:] == ["b | out", "b | err", "b | no end"]
    assert children[0].log.read_text(encoding="utf-8") == "from an earlier run\nout\nerr\nno end"


def test_no_more_children_run_than_there_are_slots_and_each_is_run_for_its_own(tmp_path: Path) -> None:
    program = (
        "import os, sys, time; slot = os.environ['SLOT']; path = os.path.join(sys.argv[1], slot); "
        "os.mkdir(path); time.sleep(0.3); os.rmdir(path); print(slot, sys.argv[2:])"
    )
    slots = [Slot(environment={"SLOT": "first"}, memory_share=0.5), Slot(environment={"SLOT": "second"})]
    progress = Listening()
    outcomes = run_children([child(tmp_path, f"c{n}", program) for n in range(5)], slots, progress, Interruption())
    # Two at once in one slot could not make the same folder.
    assert [outcome.exit_code for outcome in outcomes] == [0] * 5
    texts = {line.partition(" | ")[2] for line in progress.said}
    assert texts == {"first ['0.5']", "second ['1.0']"}


def test_a_child_that_fails_stops_no_other_and_the_end_of_its_log_is_reported(tmp_path: Path) -> None:
    children = [
        child(tmp_path, "bad", "print(*range(20), sep='\\n'); raise SystemExit(3)"),
        child(tmp_path, "killed", "import os, signal; os.kill(os.getpid(), signal.SIGKILL)"),
        child(tmp_path, "good", "print('fine')"),
    ]
    outcomes = run_children(children, [Slot()], SilentProgress(), Interruption())
    bad, killed, good = outcomes
    assert (bad.exit_code, killed.exit_code, good.exit_code) == (3, -signal.SIGKILL, 0)
    reported = describe_end(bad)
    assert reported.startswith(f"bad ended with exit code 3. The end of {tmp_path / 'bad' / 'log'}:\n    12\n")
    assert reported.endswith("\n    19")
    assert describe_end(killed).startswith("killed was ended by SIGKILL.")


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_goes_on_to_the_children_once_and_none_is_started_after_it(tmp_path: Path, number: int) -> None:
    program = (
        "import signal, sys, time\n"
        "def take(number, frame): print('took', number, flush=True); time.sleep(0.5); sys.exit(128 + number)\n"
        "for number in (signal.SIGTERM, signal.SIGINT): signal.signal(number, take)\n"
        "print('ready', flush=True); time.sleep(600)"
    )
    children = [child(tmp_path, name, program) for name in ("a", "b", "c")]
    interruption = Interruption()

    def interrupt_when_ready() -> None:
        while not all(one.log.is_file() and "ready" in one.log.read_text(encoding="utf-8") for one in children[:2]):
            time.sleep(0.05)
        interruption.signal = number

    watcher = threading.Thread(target=interrupt_when_ready)
    watcher.start()
    outcomes = run_children(children, [Slot(), Slot()], SilentProgress(), interruption)
    watcher.join()
    assert sorted(outcome.child.name for outcome in outcomes) == ["a", "b"]
    assert [outcome.exit_code for outcome in outcomes] == [128 + number] * 2
    assert children[0].log.read_text(encoding="utf-8") == f"ready\ntook {number}\n"
    assert not children[2].log.exists()


class Broken(SilentProgress):
    def __init__(self, error: BaseException) -> None:
        self.error = error

    def say(self, message: str) -> None:
        raise self.error


@pytest.mark.parametrize(
    ("error", "saves"), [(OSError("the terminal is gone"), True), (KeyboardInterrupt("the terminal"), False)]
)
def test_children_do_not_outlive_an_error_of_whoever_watches_them_and_save_unless_ctrl_c_came_again(
    tmp_path: Path, error: BaseException, saves: bool
) -> None:
    program = (
        "import os, signal, sys, time\n"
        "def save(number, frame): print('saved', flush=True); sys.exit(143)\n"
        "signal.signal(signal.SIGTERM, save); print(os.getpid(), flush=True); time.sleep(600)"
    )
    with pytest.raises(type(error), match="terminal"):
        run_children([child(tmp_path, "a", program)], [Slot()], Broken(error), Interruption())
    number, *rest = (tmp_path / "a" / "log").read_text(encoding="utf-8").split()
    assert rest == ["saved"] * saves
    with pytest.raises(ProcessLookupError):
        os.kill(int(number), 0)


def test_a_log_that_somebody_removes_costs_no_child(tmp_path: Path) -> None:
    program = "import os, sys, time; os.remove(os.path.join(sys.argv[1], 'a', 'log')); time.sleep(0.5); print('fine')"
    (outcome,) = run_children([child(tmp_path, "a", program)], [Slot()], SilentProgress(), Interruption())
    assert (outcome.exit_code, outcome.last_lines) == (0, ())


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux ends children with their parent")
def test_children_are_asked_to_end_when_their_parent_is_killed(tmp_path: Path) -> None:
    waiting = (
        "import os, signal, sys, time; signal.signal(15, lambda *_: (print('saved', flush=True), os._exit(143))); "
        "print(os.getpid(), flush=True); time.sleep(600)"
    )
    parent = (
        "import sys; from pathlib import Path\n"
        "from autoseg.pipeline.folds.children import Child, Slot, run_children\n"
        "from autoseg.progress import SilentProgress\n"
        "from autoseg.training.interruption import Interruption\n"
        f"child = Child(name='a', command=lambda slot: (sys.executable, '-c', {waiting!r}), log=Path(sys.argv[1]))\n"
        "run_children([child], [Slot()], SilentProgress(), Interruption())"
    )
    log = tmp_path / "log"
    process = subprocess.Popen((sys.executable, "-c", parent, str(log)))
    while not (log.is_file() and "\n" in log.read_text(encoding="utf-8")):
        assert process.poll() is None
        time.sleep(0.05)
    process.kill()
    process.wait()
    while "saved" not in log.read_text(encoding="utf-8"):
        time.sleep(0.05)
