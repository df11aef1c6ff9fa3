"""Seconds per optimiser step: the trainer with and without augmentation beside the bare network, in turns.

All run the same plan. Each is a group of processes of its own that stands still while it is not its turn, its loaders
included, so that no batch is prepared during the time of others. On a GPU all of them stay in its memory.
"""

from __future__ import annotations

import json
import os
import signal
import statistics
import subprocess
import sys
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from dataset_fingerprints.errors import AutosegError

# As experiments.costs.step_worker names them.
TRAINER, UNCHANGED = "trainer-standard", "trainer-none"
BARE = tuple(
    f"bare-{number_type}-{layout}-{call}"
    for number_type, layout, call in (
        ("float32", "last", "eager"),
        ("bfloat16", "first", "eager"),
        ("bfloat16", "last", "eager"),
        ("bfloat16", "first", "compiled"),
        ("bfloat16", "last", "compiled"),
    )
)
UNTIMED_STEPS, STEPS_PER_TURN = 3, 2


@dataclass(frozen=True, kw_only=True, slots=True)
class StepPlan:
    """Training that is timed: a plain U-Net with two convolutions per level, kernels of 3 and strides of 2.

    Attributes:
        patch_shape: voxels.
        features: per level.
    """

    patch_shape: tuple[int, int, int]
    batch_size: int
    features: tuple[int, ...]


# nnU-Net's plan for 1 GB.
SMALL = StepPlan(patch_shape=(64, 64, 64), batch_size=2, features=(32, 64, 128, 256, 320))


@dataclass(frozen=True, kw_only=True, slots=True)
class Entry:
    """A program that answers every number N on its input with the seconds of N steps.

    Attributes:
        variables: of the environment, beside those of this process.
    """

    name: str
    command: tuple[str, ...]
    variables: Mapping[str, str] = field(default_factory=dict)


@dataclass(kw_only=True, slots=True)
class Contender:
    """A process that times its own steps, still unless it is its turn."""

    name: str
    process: subprocess.Popen[str]
    seconds: list[float] = field(default_factory=list)
    said: str = ""

    def take_turn(self, steps: int) -> list[float]:
        """Return the seconds of some steps."""
        os.killpg(self.process.pid, signal.SIGCONT)
        assert self.process.stdin is not None
        self.process.stdin.write(f"{steps}\n")
        self.process.stdin.flush()
        seconds = [float(value) for value in json.loads(self.read_line())]
        self.stand_still()
        return seconds

    def read_line(self) -> str:
        """Return the next line that is an answer; others are what libraries print."""
        assert self.process.stdout is not None
        for line in self.process.stdout:
            if line.startswith(("[", "{")):
                return line
        code = self.process.wait()
        self.end()
        raise AutosegError(f"{self.name}: ended with exit code {code} instead of timing steps.")

    def stand_still(self) -> None:
        """Stop all processes of the group."""
        os.killpg(self.process.pid, signal.SIGSTOP)

    def end(self) -> None:
        """Kill what is left of them."""
        with suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)
        # Waits, and closes the pipes; what was written to a process that is gone does not matter any more.
        with suppress(BrokenPipeError), self.process:
            pass


def time_steps(entries: Sequence[Entry], turns: int, cores: int | None = None) -> list[Contender]:
    """Let all make some steps to warm up, and then time two of each in every turn.

    Args:
        entries: who steps.
        turns: of two steps each.
        cores: of this machine's that each may use, or None for all.
    """
    started: list[Contender] = []
    try:
        for entry in entries:
            started.append(start(entry, cores))
        for contender in started:
            contender.take_turn(UNTIMED_STEPS)
        for _ in range(turns):
            for contender in started:
                contender.seconds += contender.take_turn(STEPS_PER_TURN)
    finally:
        for contender in started:
            contender.end()
    return started


def show(contenders: Sequence[Contender], *ours: str) -> list[tuple[str, ...]]:
    """Return a row per contender: median, range, steps, and per one of ours the ratio of its median to theirs."""
    medians = {entry.name: statistics.median(entry.seconds) for entry in contenders}
    rows: list[tuple[str, ...]] = []
    for entry in contenders:
        median = medians[entry.name]
        span = f"{min(entry.seconds):.3g} to {max(entry.seconds):.3g}"
        ratios = (f"{medians[name] / median:.2f}" for name in ours)
        rows.append((entry.name, f"{median:.3g}", span, str(len(entry.seconds)), *ratios, entry.said))
    return rows


def enter_ours(workspace: Path, kinds: Sequence[str]) -> list[Entry]:
    """Return processes of experiments.costs.step_worker, one of each kind, for a planned and preprocessed workspace."""
    module = (sys.executable, "-m", "experiments.costs.step_worker", str(workspace))
    return [Entry(name=kind, command=(*module, kind)) for kind in kinds]


def start(entry: Entry, cores: int | None = None) -> Contender:
    """Start a contender, wait until it is ready, and let it stand still."""
    allowed = sorted(os.sched_getaffinity(0))[:cores]
    process = subprocess.Popen(
        entry.command,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        encoding="utf-8",
        env={**os.environ, **entry.variables},
        start_new_session=True,
        preexec_fn=lambda: os.sched_setaffinity(0, allowed),
    )
    contender = Contender(name=entry.name, process=process)
    contender.said = str(json.loads(contender.read_line()).get("said", ""))
    contender.stand_still()
    return contender


def plan_ours(data: Path, workspace: Path, plan: StepPlan) -> None:
    """Plan and preprocess a raw data set with this patch, batch and network."""
    levels = len(plan.features)
    values = {
        "patch_shape": plan.patch_shape,
        "batch_size": plan.batch_size,
        "network.options.features": plan.features,
        "network.options.strides": [[1, 1, 1], *[[2, 2, 2]] * (levels - 1)],
        "network.options.kernels": [[3, 3, 3]] * levels,
        "network.options.encoder_blocks": [2] * levels,
        "network.options.decoder_blocks": [2] * (levels - 1),
    }
    sets = [text for name, value in values.items() for text in ("--set", f"3d_fullres.{name}={json.dumps(value)}")]
    command = (sys.executable, "-m", "autoseg", "plan_and_preprocess", str(data), "-w", str(workspace))
    subprocess.run((*command, "--planner", "nnunet", *sets), check=True, stdout=subprocess.DEVNULL)
