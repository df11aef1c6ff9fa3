"""Commands as child processes, several at once, each in its slot and with its log."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from autoseg.progress import Progress
from autoseg.training.interruption import Interruption
from dataset_fingerprints.files.opening import open_to_write

POLL_SECONDS = 0.2
# Of the log of a child that failed.
LAST_LINES = 8
# Runs a command in its own place once Linux has promised to ask it to end (SIGTERM) as soon as the process that started
# it is gone, however that one ended. Elsewhere the command runs as it is.
DIE_WITH_PARENT = """\
import ctypes, os, signal, sys
parent, command = int(sys.argv[1]), sys.argv[2:]
if sys.platform == "linux":
    ctypes.CDLL(None).prctl(1, signal.SIGTERM)
    if os.getppid() != parent:
        sys.exit(128 + signal.SIGTERM)
os.execvp(command[0], command)
"""


@dataclass(frozen=True, kw_only=True, slots=True)
class Slot:
    """A share of the machine that one child at a time has.

    Attributes:
        environment: variables that a child sees beside those of this process.
        memory_share: of a GPU's memory that a child may take.
    """

    environment: Mapping[str, str] = field(default_factory=dict)
    memory_share: float = 1.0


@dataclass(frozen=True, kw_only=True, slots=True)
class Child:
    """A command to run.

    Attributes:
        name: in front of every line that is shown of it.
        command: returns what to run in the slot that it is given.
        log: what it prints is added to this file, so that it outlives this process.
    """

    name: str
    command: Callable[[Slot], tuple[str, ...]]
    log: Path


@dataclass(frozen=True, kw_only=True, slots=True)
class Outcome:
    """Exit of a child process.

    Attributes:
        exit_code: negative for a signal that it did not catch.
        last_lines: of what it printed.
    """

    child: Child
    exit_code: int
    last_lines: tuple[str, ...]


def run_children(
    children: Sequence[Child], slots: Sequence[Slot], progress: Progress, interruption: Interruption
) -> tuple[Outcome, ...]:
    """Run commands, as many at once as there are slots, and show what they print; one that fails stops no other.

    A signal that comes meanwhile goes on to those that run; none is started after it. If this process is killed, they
    are asked to end.

    Returns:
        How those that were started ended, in the order of their ends.
    """
    waiting, free = deque(children), deque(slots)
    running: list[_Running] = []
    outcomes: list[Outcome] = []
    try:
        while running or (waiting and not interruption.signal):
            while waiting and free and not interruption.signal:
                running.append(_start(waiting.popleft(), free.popleft()))
            time.sleep(POLL_SECONDS)
            for one in tuple(running):
                one.pass_on(interruption.signal)
                ended = one.process.poll() is not None
                one.show(progress)
                if ended:
                    running.remove(one)
                    free.append(one.slot)
                    outcomes.append(one.outcome())
    except BaseException as error:
        # Ctrl-C once more does not wait. Other errors are not the children's own: these save what they have.
        number = signal.SIGKILL if isinstance(error, KeyboardInterrupt) else signal.SIGTERM
        for one in running:
            one.process.send_signal(number)
        for one in running:
            one.process.wait()
        raise
    return tuple(outcomes)


@dataclass(kw_only=True, slots=True)
class _Running:
    child: Child
    slot: Slot
    process: subprocess.Popen[bytes]
    shown: int
    lines: deque[str] = field(default_factory=lambda: deque(maxlen=LAST_LINES))
    sent: int = 0

    def pass_on(self, number: int) -> None:
        """Send a signal, once."""
        if number and number != self.sent:
            self.sent = number
            self.process.send_signal(number)

    def show(self, progress: Progress) -> None:
        """Show the lines that were written since; a last one without its end only when nothing more can come.

        Of a log that somebody has removed, or that cannot be read now, nothing is shown: that costs no training.
        """
        try:
            with self.child.log.open("rb") as stream:
                stream.seek(self.shown)
                content = stream.read()
        except OSError:
            return
        if self.process.returncode is None:
            content = content[: content.rfind(b"\n") + 1]
        self.shown += len(content)
        for line in content.decode("utf-8", errors="replace").splitlines():
            if line.strip():
                self.lines.append(line)
                progress.say(f"{self.child.name} | {line}")

    def outcome(self) -> Outcome:
        return Outcome(child=self.child, exit_code=self.process.returncode, last_lines=tuple(self.lines))


def _start(child: Child, slot: Slot) -> _Running:
    command = child.command(slot)
    child.log.parent.mkdir(parents=True, exist_ok=True)
    with open_to_write(child.log, os.O_APPEND) as log:
        shown = os.fstat(log.fileno()).st_size
        # In a process group of its own: Ctrl-C reaches it only through this process, and so once.
        process = subprocess.Popen(
            (sys.executable, "-I", "-S", "-c", DIE_WITH_PARENT, str(os.getpid()), *command),
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            env={**os.environ, **slot.environment},
            process_group=0,
        )
    return _Running(child=child, slot=slot, process=process, shown=shown)


def describe_end(outcome: Outcome) -> str:
    """Return how a child ended, in words, with the end of its log."""
    code = outcome.exit_code
    how = f"was ended by {signal.Signals(-code).name}" if code < 0 else f"ended with exit code {code}"
    text = "\n".join(f"    {line}" for line in outcome.last_lines) or "    (nothing)"
    return f"{outcome.child.name} {how}. The end of {outcome.child.log}:\n{text}"
