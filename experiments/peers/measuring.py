"""Cost of a command: wall-clock and CPU seconds, its largest process and all of its processes together."""

from __future__ import annotations

import os
import signal
import subprocess
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from dataset_fingerprints.errors import AutosegError

# A peak that lasts shorter than this may go unseen.
SAMPLED_EVERY_SECONDS = 0.05
# Counting the pages of a large process takes milliseconds of a core, which the command then lacks: at most this share.
_SAMPLING_SHARE = 0.02
_GIB_IN_KIB = 1024**2


@dataclass(frozen=True, kw_only=True, slots=True)
class Cost:
    """Cost of one command, its child processes included.

    Attributes:
        largest_process_gb: resident memory of the largest single process, in GiB. From samples: what the system counts
            for an ended process includes the process that started it.
        all_processes_gb: the most that all processes held at one time, in GiB; memory that several share counts once.
            From samples; both are 0 where the system has no /proc.
    """

    wall_seconds: float
    cpu_seconds: float
    largest_process_gb: float
    all_processes_gb: float


@dataclass(kw_only=True, slots=True)
class MemoryWatch:
    """Samples the memory of a process and its descendants in a thread, until it is stopped."""

    process: int
    peak_kib: int = 0
    largest_kib: int = 0
    _over: threading.Event = field(default_factory=threading.Event)

    def run(self) -> None:
        """Sample until the watch is stopped."""
        pause = SAMPLED_EVERY_SECONDS
        while not self._over.wait(pause):
            began = time.perf_counter()
            members = tuple(_family(self.process))
            self.peak_kib = max(self.peak_kib, sum(_read_kib(member, "smaps_rollup", "Pss:") for member in members))
            self.largest_kib = max(self.largest_kib, *(_read_kib(member, "status", "VmHWM:") for member in members))
            pause = max(SAMPLED_EVERY_SECONDS, (time.perf_counter() - began) / _SAMPLING_SHARE)

    def stop(self) -> None:
        """End the watch."""
        self._over.set()


def measure_command(command: Sequence[str], log: Path, environment: Mapping[str, str] | None = None) -> Cost:
    """Run a command to its end and measure it; what it prints goes to `log`.

    Where this process is interrupted, the command and all that it has started are killed.

    Raises:
        AutosegError: the command failed; the message holds the end of its log.
    """
    log.parent.mkdir(parents=True, exist_ok=True)
    began = time.perf_counter()
    with log.open("wb") as stream:
        process = subprocess.Popen(
            command,
            stdout=stream,
            stderr=subprocess.STDOUT,
            env={**os.environ, **(environment or {})},
            start_new_session=True,
        )
        watch = MemoryWatch(process=process.pid)
        sampler = threading.Thread(target=watch.run)
        sampler.start()
        try:
            _, status, usage = os.wait4(process.pid, 0)
            wall = time.perf_counter() - began
        except BaseException:
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()
            raise
        finally:
            watch.stop()
            sampler.join()
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        end = log.read_text(encoding="utf-8", errors="replace")[-800:]
        raise AutosegError(f"{command[0]}: failed with exit code {process.returncode}. The end of {log}:\n{end}")
    return Cost(
        wall_seconds=wall,
        cpu_seconds=usage.ru_utime + usage.ru_stime,
        largest_process_gb=watch.largest_kib / _GIB_IN_KIB,
        all_processes_gb=watch.peak_kib / _GIB_IN_KIB,
    )


def _family(process: int) -> Iterator[int]:
    """Give a process and all its descendants that still run."""
    yield process
    try:
        for children in Path(f"/proc/{process}/task").glob("*/children"):
            for child in children.read_text(encoding="utf-8").split():
                yield from _family(int(child))
    except OSError:  # it ended meanwhile
        return


def _read_kib(process: int, file: str, field: str) -> int:
    """Return a figure of a process; 0 if it ended meanwhile.

    Pss in smaps_rollup is its resident memory, pages shared by n processes counted as a n-th; VmHWM in status the most
    that it held so far.
    """
    try:
        for line in Path(f"/proc/{process}/{file}").read_text(encoding="utf-8").splitlines():
            if line.startswith(field):
                return int(line.split()[1])
    except OSError:
        pass
    return 0
