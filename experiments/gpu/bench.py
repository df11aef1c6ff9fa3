"""A part's place to work in: its time, its data, the commands that it runs, and memory counters."""

from __future__ import annotations

import gc
import json
import resource
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import torch

from autoseg.hardware import choose_device
from dataset_fingerprints.errors import AutosegError
from dataset_fingerprints.sizes import GIB
from experiments.gpu.checkout import ROOT, environment

# A result: columns and their values.
Row = Mapping[str, str | float | None]
# Of what a command printed, where it failed.
_SHOWN, _LINES = 600, 3
_KIB = 1024
# Voxels of the simulated scans; the small ones are made in a moment on any machine.
_SPACING_MM = {True: "6", False: "3"}


@dataclass(frozen=True, kw_only=True, slots=True)
class Bench:
    """A part's place to work in.

    Attributes:
        work: a folder that all parts share.
        data: a raw data set to train on, or None for simulated scans.
        ends: when the part has to be done, on the clock of `time.monotonic`, which all processes share.
        tiny: whether everything is as small as possible, to try the code on a CPU.
        device: to compute on.
    """

    work: Path
    data: Path | None
    ends: float
    tiny: bool
    device: torch.device = field(default_factory=choose_device)

    def left(self) -> float:
        """Return the seconds that are left."""
        return self.ends - time.monotonic()

    def simulated(self) -> Path:
        """Return a raw data set of a few simulated scans, made by the first part that asks for it."""
        raw = self.work / "raw"
        if not (raw / "dataset.json").is_file():
            scans = ("--cases", "6", "--held-out", "1", "--spacing-mm", _SPACING_MM[self.tiny], "--seed", "5")
            self.autoseg("simulate", str(raw), *scans)
        return raw

    def planned(self, name: str, *options: str) -> Path:
        """Return a new workspace of the simulated scans with a small network, planned and preprocessed."""
        workspace = self.work / name
        memory_gb = "0.02" if self.tiny else "1"
        small = ("--planner", "nnunet", "--gpu-memory-gb", memory_gb, "-c", "3d_fullres")
        quick = ("--set", "training.validation_rounds=0", "--set", "training.compiled=false")
        place = ("-w", str(workspace))
        self.autoseg("plan_and_preprocess", str(self.simulated()), *place, *small, *quick, *options)
        return workspace

    def autoseg(self, *words: str) -> str:
        """Run a command of autoseg in the time that is left, and return what it printed; see `run`."""
        return self.run((sys.executable, "-m", "autoseg", *words))

    def run(self, command: Sequence[str], variables: Mapping[str, str] | None = None) -> str:
        """Run a command in the checkout and return what it printed.

        Raises:
            AutosegError: it failed, or took longer than there is time.
        """
        done = self.end(command, variables)
        if done.returncode:
            last = " ".join(done.stdout.strip().splitlines()[-_LINES:])[-_SHOWN:]
            raise AutosegError(f"`{_show(command)}` ended with exit code {done.returncode}: {last}")
        return done.stdout

    def end(
        self, command: Sequence[str], variables: Mapping[str, str] | None = None
    ) -> subprocess.CompletedProcess[str]:
        """Run a command in the checkout to its end, whatever that is.

        Raises:
            AutosegError: it took longer than there is time.
        """
        try:
            return subprocess.run(
                command,
                cwd=ROOT,
                env=environment(variables),
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                encoding="utf-8",
                errors="replace",
                timeout=max(1.0, self.left()),
                check=False,
            )
        except subprocess.TimeoutExpired as error:
            raise AutosegError(f"`{_show(command)}` was not done in the time that was left.") from error


def wait_for(device: torch.device) -> None:
    """Wait until a device has done all that it was given."""
    if device.type == "cuda":
        torch.cuda.synchronize()


@dataclass(kw_only=True, slots=True)
class Meter:
    """Peak of the memory that torch holds on a device, counted from when the meter is made; 0 on a CPU."""

    device: torch.device
    held: int = 0

    def __post_init__(self) -> None:
        gc.collect()
        if self.device.type == "cuda":
            torch.cuda.synchronize()
            torch.cuda.empty_cache()
            torch.cuda.reset_peak_memory_stats()
            self.held = torch.cuda.memory_allocated()

    def peak_bytes(self) -> int:
        """Return the peak beside what was held before."""
        if self.device.type != "cuda":
            return 0
        torch.cuda.synchronize()
        return torch.cuda.max_memory_allocated() - self.held

    def peak_gb(self) -> float:
        """Return the same in GiB."""
        return self.peak_bytes() / GIB


def host_peak_gb() -> float:
    """Return the most memory that this process has held so far, in GiB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * _KIB / GIB


def read_rows(text: str) -> Iterator[dict[str, str | float | None]]:
    """Yield the rows that a worker printed, among what libraries print."""
    for line in text.splitlines():
        if line.startswith(MARK):
            yield json.loads(line.removeprefix(MARK))


# In front of a worker's rows.
MARK = "ROW "


def _show(command: Sequence[str]) -> str:
    return " ".join(command[1:4])
