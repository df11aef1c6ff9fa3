"""A training that is killed in the middle and goes on, beside one that is not."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

from autoseg.models.tensors import load_tensors
from autoseg.workspace.fold import FoldFolder
from autoseg.workspace.workspace import Workspace
from dataset_fingerprints.errors import AutosegError
from experiments.gpu.bench import Bench, Row
from experiments.gpu.checkout import ROOT, environment

# Writes the loss of every step into a file, saves often, and asks for the same sums in the same order.
PROBE = """
import sys, torch
from autoseg.training.step import Stepper
record, run = sys.argv.pop(1), Stepper.run
def recorded(stepper, position, learning_rate):
    loss = run(stepper, position, learning_rate)
    with open(record, "a") as stream:
        stream.write(float(loss).hex() + "\\n")
    return loss
Stepper.run = recorded
from autoseg.training.policy import Policy
Policy.__init__.__kwdefaults__.update(checkpoint_seconds=0.1, checkpoint_share=1.0)
from autoseg.hardware import choose_device
choose_device()
torch.backends.cudnn.benchmark = False
torch.backends.cudnn.deterministic = True
torch.use_deterministic_algorithms(True, warn_only=True)
from autoseg.cli import main
main()
"""
DETERMINISTIC = {"CUBLAS_WORKSPACE_CONFIG": ":4096:8"}
CONFIGURATION = "3d_fullres"
_LOOKED_EVERY_SECONDS = 0.01


def compare_resumed(bench: Bench) -> Iterator[Row | str]:
    """Yield how far the losses and the weights of the two trainings are apart."""
    iterations = 40 if bench.tiny else 150
    whole = bench.planned("resume-whole", "--set", f"training.iterations={iterations}")
    killed = bench.work / "resume-killed"
    shutil.copytree(whole, killed)
    expected = _train(whole, bench)
    first = _train_and_kill(killed, iterations // 2, bench)
    then = _train(killed, bench)
    went_on = iterations - len(then)
    yield _compare("losses of two runs, before the kill", expected[: len(first)], first)
    yield _compare("losses after going on", expected[went_on:], then)
    yield _compare_weights(fold_of(whole), fold_of(killed))
    yield f"Killed after {len(first)} of {iterations} steps; went on from step {went_on}."


def fold_of(workspace: Path, fold: str = "0") -> FoldFolder:
    """Return a fold of a workspace."""
    return Workspace(root=workspace).fold("default", CONFIGURATION, fold)


def _command(workspace: Path, record: Path) -> tuple[str, ...]:
    return (sys.executable, "-c", PROBE, str(record), "train", "0", "-w", str(workspace), "-c", CONFIGURATION)


def _train(workspace: Path, bench: Bench) -> list[float]:
    """Train to the end, and return the losses of the steps."""
    record = workspace.with_suffix(".losses")
    record.unlink(missing_ok=True)
    bench.run(_command(workspace, record), DETERMINISTIC)
    return _read(record)


def _train_and_kill(workspace: Path, steps: int, bench: Bench) -> list[float]:
    """Train, kill the process some steps later than it has saved its first ones, and return the losses until then."""
    record, fold = workspace.with_suffix(".losses"), fold_of(workspace)
    with workspace.with_suffix(".log").open("wb") as log:
        process = subprocess.Popen(
            _command(workspace, record), cwd=ROOT, env=environment(DETERMINISTIC), stdout=log, stderr=log
        )
        try:
            saved = 0.0
            while process.poll() is None and bench.left() > 0:
                time.sleep(_LOOKED_EVERY_SECONDS)
                done = len(_read(record))
                # The first checkpoint is of the start; a later one is of steps.
                now = fold.checkpoint.stat().st_mtime if fold.checkpoint.is_file() else 0.0
                saved = saved or now
                if done >= steps and now > saved:
                    break
            if process.poll() is not None:
                end = workspace.with_suffix(".log").read_text(errors="replace")[-300:]
                raise AutosegError(f"the training had ended before it was killed: {end}")
        finally:
            if process.poll() is None:
                os.kill(process.pid, signal.SIGKILL)
            process.wait()
    return _read(record)


def _read(record: Path) -> list[float]:
    """Return the losses in a file; the last line may be half written."""
    text = record.read_text(encoding="ascii") if record.is_file() else ""
    return [float.fromhex(line) for line in text.split("\n")[:-1]]


def _compare(what: str, expected: list[float], found: list[float]) -> Row:
    apart = [abs(one - other) for one, other in zip(expected, found, strict=False)]
    same = sum(not difference for difference in apart)
    return {
        "what": what,
        "compared": len(apart),
        "the same": same,
        "apart at most": max(apart, default=None),
        "": "" if len(expected) == len(found) else f"{len(expected)} against {len(found)}",
    }


def _compare_weights(whole: FoldFolder, killed: FoldFolder) -> Row:
    expected, found = (load_tensors(fold.weights)[0] for fold in (whole, killed))
    apart = [float((tensor.float() - found[name].float()).abs().max()) for name, tensor in expected.items()]
    largest = max(float(tensor.float().abs().max()) for tensor in expected.values())
    same = sum(not difference for difference in apart)
    return {
        "what": "tensors of weights",
        "compared": len(apart),
        "the same": same,
        "apart at most": max(apart),
        "": f"largest weight {largest:.3g}",
    }
