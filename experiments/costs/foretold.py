"""Costs that `autoseg explain --cost` foretells, beside what the commands then take."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from dataset_fingerprints.layouts import read_dataset
from experiments.peers.measuring import measure_command
from experiments.work_folders import refuse_used

COLUMNS = ("data", "command", "foretold s", "measured s", "foretold / measured")


@dataclass(frozen=True, kw_only=True, slots=True)
class Foretold:
    """One command: seconds as they were foretold, and as it took them, its start included."""

    data: str
    command: str
    foretold: float
    measured: float

    def row(self) -> tuple[str, ...]:
        """Return the figures as texts."""
        ratio = f"{self.foretold / self.measured:.2f}"
        return (self.data, self.command, f"{self.foretold:.1f}", f"{self.measured:.1f}", ratio)


def compare_costs(data: Path, options: Sequence[str], work: Path) -> Iterator[Foretold]:
    """Plan a data set, foretell its costs, then train fold 0 and predict a scan.

    Args:
        data: a raw data set.
        options: of plan_and_preprocess, such as the number of steps.
        work: an empty or new folder.

    Raises:
        AutosegError: the folder holds something, or a command failed; the message names its log.
    """
    refuse_used(work)
    workspace = work / "workspace"

    def run(*words: str) -> float:
        log = work / f"{words[0]}.log"
        return measure_command((sys.executable, "-m", "autoseg", *words, "-w", str(workspace)), log).wall_seconds

    planning = run("plan_and_preprocess", str(data), *options)
    foretold = _foretell(workspace)
    training = run("train", "0")
    scans = work / "scans"
    scans.mkdir()
    for image in read_dataset(data).cases[0].image_paths():
        (scans / image.name).symlink_to(image.resolve())
    predicting = run("predict", str(scans), "-o", str(work / "masks"), "-f", "0")
    commands = {"plan_and_preprocess": planning, "train 0": training, "predict, one scan": predicting}
    for (command, measured), name in zip(commands.items(), ("planning", "fold", "scan"), strict=True):
        seconds = 3600 * foretold[f"{name}_hours"]
        yield Foretold(data=data.name, command=command, foretold=seconds, measured=measured)


def _foretell(workspace: Path) -> dict[str, float]:
    """Return the costs on this machine."""
    words = (sys.executable, "-m", "autoseg", "explain", "-w", str(workspace), "--cost", "--json")
    found: dict[str, float] = json.loads(subprocess.check_output(words, encoding="utf-8"))["costs"][0]
    return found
