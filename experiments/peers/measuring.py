"""What a command costs: wall-clock and CPU seconds and its largest process."""

from __future__ import annotations

import os
import subprocess
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from dataset_fingerprints.errors import AutosegError


@dataclass(frozen=True, kw_only=True, slots=True)
class Cost:
    """Cost of one command, its child processes included.

    Attributes:
        largest_process_gb: resident memory of the largest single process, in GiB.
    """

    wall_seconds: float
    cpu_seconds: float
    largest_process_gb: float


def measure_command(command: Sequence[str], log: Path, environment: Mapping[str, str] | None = None) -> Cost:
    """Run a command to its end and measure it; what it prints goes to `log`.

    Raises:
        AutosegError: the command failed; the message holds the end of its log.
    """
    log.parent.mkdir(parents=True, exist_ok=True)
    began = time.perf_counter()
    with log.open("wb") as stream:
        process = subprocess.Popen(
            command, stdout=stream, stderr=subprocess.STDOUT, env={**os.environ, **(environment or {})}
        )
        _, status, usage = os.wait4(process.pid, 0)
    wall = time.perf_counter() - began
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        end = log.read_text(errors="replace")[-800:]
        raise AutosegError(f"{command[0]}: failed with exit code {process.returncode}. The end of {log}:\n{end}")
    return Cost(
        wall_seconds=wall,
        cpu_seconds=usage.ru_utime + usage.ru_stime,
        largest_process_gb=usage.ru_maxrss / 1024**2,
    )
