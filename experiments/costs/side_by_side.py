"""Processes side by side, each with its share of the cores to itself, so that whatever else runs slows all alike."""

from __future__ import annotations

import os
import shlex
import signal
import subprocess
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path


@dataclass(frozen=True, kw_only=True, slots=True)
class Script:
    """Commands for a shell, of which the first that fails is the last.

    Attributes:
        log: what they print is added to it.
        variables: of the environment, beside those of this process.
    """

    text: str
    log: Path
    variables: Mapping[str, str] = field(default_factory=dict)


def spell(*words: object) -> str:
    """Return a command as a shell reads it, whatever its paths are called."""
    return shlex.join(map(str, words))


def run_together(scripts: Sequence[Script], sharers: int) -> list[int]:
    """Run scripts at the same time, each on one of `sharers` shares of the cores, and return their exit codes.

    Where this process is interrupted, whatever they have started is killed.
    """
    started: list[subprocess.Popen[bytes]] = []
    try:
        for place, script in enumerate(scripts):
            started.append(_start(script, keep_to_share(place, sharers)))
        return [process.wait() for process in started]
    finally:
        for process in started:
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGKILL)
                process.wait()


def keep_to_share(place: int, sharers: int) -> Callable[[], None]:
    """Return what keeps a new process (`preexec_fn`) to the `place`-th share of the cores that this one may use."""
    cores = sorted(os.sched_getaffinity(0))
    share = max(1, len(cores) // sharers)
    mine = set(cores[place * share : (place + 1) * share]) or set(cores)
    return lambda: os.sched_setaffinity(0, mine)


def _start(script: Script, prepare: Callable[[], None]) -> subprocess.Popen[bytes]:
    with script.log.open("ab") as log:
        return subprocess.Popen(
            ("sh", "-ec", script.text),
            stdout=log,
            stderr=log,
            env={**os.environ, **script.variables},
            preexec_fn=prepare,
            start_new_session=True,
        )
