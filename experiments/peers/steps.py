"""Seconds per optimiser step: autoseg's trainer, nnU-Net's trainer, and the bare network, in turns.

All run the same plan. Each is a group of processes of its own that stands still while it is not its turn, nnU-Net's
loaders included, so that nobody prepares batches on the time of others.
"""

from __future__ import annotations

import json
import os
import signal
import statistics
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from autoseg.hardware import count_cores
from dataset_fingerprints.errors import AutosegError
from dataset_fingerprints.jsonfiles import read_plain_json, write_json
from dataset_fingerprints.layouts import read_dataset
from experiments.peers.nnunet import DATASET_ID, make_environment, nnunet_variables, write_nnunet_raw

EDGE, BATCH = 64, 2
FEATURES = (32, 64, 128, 256, 320)
BARE = (
    "bare-float32-last-eager",
    "bare-bfloat16-first-eager",
    "bare-bfloat16-last-eager",
    "bare-bfloat16-first-compiled",
    "bare-bfloat16-last-compiled",
)
UNTIMED_STEPS, STEPS_PER_TURN = 3, 2


@dataclass(kw_only=True, slots=True)
class Contender:
    """A process that times its own steps, still unless it is its turn."""

    name: str
    process: subprocess.Popen[str]
    seconds: list[float] = field(default_factory=list)
    said: str = ""

    def take_turn(self, steps: int) -> list[float]:
        """Return the seconds of some steps."""
        self._wake()
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
        raise AutosegError(f"{self.name}: ended with exit code {self.process.wait()} instead of timing steps.")

    def stand_still(self) -> None:
        """Stop all processes of the group."""
        os.killpg(self.process.pid, signal.SIGSTOP)

    def end(self) -> None:
        """Kill them."""
        os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()

    def _wake(self) -> None:
        os.killpg(self.process.pid, signal.SIGCONT)


def time_steps(data: Path, work: Path, environment: Path, turns: int) -> list[Contender]:
    """Time steps of nnU-Net's plan for 1 GB: 64x64x64 voxels, batch 2, 5 stages from 32 features.

    Args:
        data: a raw data set that autoseg reads.
        work: a folder for everything that is written.
        environment: where nnU-Net's virtual environment is or goes.
        turns: of two steps each.
    """
    commands = make_environment(environment)
    workspace = _plan_ours(data, work)
    variables = _plan_theirs(data, work, commands)
    module = (sys.executable, "-m", "experiments.step_worker", str(workspace))
    script = Path(__file__).with_name("nnunet_trainer.py")
    started: list[Contender] = []
    try:
        for name in ("trainer", *BARE):
            started.append(_start("autoseg" if name == "trainer" else name, (*module, name), {}))
        peer = (str(commands / "python"), str(script), str(DATASET_ID), "0", "steps")
        started.append(_start("nnU-Net", peer, variables))
        for contender in started:
            contender.take_turn(UNTIMED_STEPS)
        for _ in range(turns):
            for contender in started:
                contender.seconds += contender.take_turn(STEPS_PER_TURN)
    finally:
        for contender in started:
            contender.end()
    return started


def show(contenders: Sequence[Contender]) -> list[tuple[str, ...]]:
    """Return a row per contender: median, range, and the ratio of autoseg's median to its."""
    (ours,) = (statistics.median(entry.seconds) for entry in contenders if entry.name == "autoseg")
    rows: list[tuple[str, ...]] = []
    for entry in contenders:
        median = statistics.median(entry.seconds)
        span = f"{min(entry.seconds):.2f} to {max(entry.seconds):.2f}"
        rows.append((entry.name, f"{median:.2f}", span, str(len(entry.seconds)), f"{ours / median:.2f}", entry.said))
    return rows


def _start(name: str, command: Sequence[str], variables: dict[str, str]) -> Contender:
    """Start a contender, wait until it is ready, and let it stand still."""
    process = subprocess.Popen(
        command,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        encoding="utf-8",
        env={**os.environ, **variables},
        start_new_session=True,
    )
    contender = Contender(name=name, process=process)
    contender.said = str(json.loads(contender.read_line()).get("said", ""))
    contender.stand_still()
    return contender


def _plan_ours(data: Path, work: Path) -> Path:
    workspace = work / "steps-autoseg"
    strides = [[1, 1, 1], *[[2, 2, 2]] * (len(FEATURES) - 1)]
    values = {
        "patch_shape": [EDGE] * 3,
        "batch_size": BATCH,
        "topology.features": list(FEATURES),
        "topology.strides": strides,
        "topology.kernels": [[3, 3, 3]] * len(FEATURES),
        "topology.encoder_blocks": [2] * len(FEATURES),
        "topology.decoder_blocks": [2] * (len(FEATURES) - 1),
    }
    sets = [text for name, value in values.items() for text in ("--set", f"3d_fullres.{name}={json.dumps(value)}")]
    command = (sys.executable, "-m", "autoseg", "plan_and_preprocess", str(data), "-w", str(workspace))
    subprocess.run((*command, "--planner", "nnunet", *sets), check=True, stdout=subprocess.DEVNULL)
    return workspace


def _plan_theirs(data: Path, work: Path, commands: Path) -> dict[str, str]:
    """Plan and preprocess with nnU-Net, then put the same patch, batch and network into its plans."""
    write_nnunet_raw(read_dataset(data), work / "raw" / f"Dataset{DATASET_ID}_Peer")
    variables = {**nnunet_variables(work), "nnUNet_n_proc_DA": str(count_cores())}
    command = (str(commands / "nnUNetv2_plan_and_preprocess"), "-d", str(DATASET_ID), "-c", "3d_fullres", "-np", "2")
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL, env={**os.environ, **variables})
    path = work / "preprocessed" / f"Dataset{DATASET_ID}_Peer" / "nnUNetPlans.json"
    plans = read_plain_json(path)
    assert isinstance(plans, dict)
    configuration = plans["configurations"]["3d_fullres"]
    configuration |= {"patch_size": [EDGE] * 3, "batch_size": BATCH}
    configuration["architecture"]["arch_kwargs"] |= {
        "n_stages": len(FEATURES),
        "features_per_stage": list(FEATURES),
        "kernel_sizes": [[3, 3, 3]] * len(FEATURES),
        "strides": [[1, 1, 1], *[[2, 2, 2]] * (len(FEATURES) - 1)],
        "n_conv_per_stage": [2] * len(FEATURES),
        "n_conv_per_stage_decoder": [2] * (len(FEATURES) - 1),
    }
    write_json(path, plans)
    return variables
