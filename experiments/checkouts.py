"""Comparison of the results of two checkouts: losses bit for bit, arrays and masks voxel for voxel.

Both run the same commands on the same simulated scans. The loss of every step is taken where every training has to come
by, `torch.Tensor.backward`, so that the comparison knows nothing of the code in between.
"""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import blosc2
import numpy as np

from dataset_fingerprints.errors import AutosegError
from dataset_fingerprints.reading.images import read_label_map
from experiments.work_folders import refuse_used

PROBE = """
import sys, torch
record, backward, clip = sys.argv.pop(1), torch.Tensor.backward, torch.nn.utils.clip_grad_norm_
losses = []
def remembered(loss, *others, **named):
    losses[:] = [loss.detach()]
    return backward(loss, *others, **named)
def recorded(*arguments, **named):  # only of steps that move the weights: some are timed and forgotten
    with open(record, "a") as stream:
        stream.write(float(losses[0]).hex() + "\\n")
    return clip(*arguments, **named)
torch.Tensor.backward, torch.nn.utils.clip_grad_norm_ = remembered, recorded
from autoseg.cli import main
main()
"""
SIMULATION = ("--cases", "10", "--held-out", "2", "--spacing-mm", "4", "--seed", "5", "--flair")
STEPS = 20
QUICK = (f"training.iterations={STEPS}", "training.validation_rounds=2", "prediction.step_share=1.0")
SMALL_GPU = ("--planner", "nnunet", "--gpu-memory-gb", "0.02")


@dataclass(frozen=True, kw_only=True, slots=True)
class Trial:
    """One training: options of plan_and_preprocess, and the configuration that is trained."""

    name: str
    configuration: str
    options: tuple[str, ...] = ()


TRIALS = (
    Trial(name="volumes", configuration="3d_fullres"),
    Trial(name="slices", configuration="2d"),
    Trial(name="nnU-Net's plan", configuration="3d_fullres", options=SMALL_GPU),
    Trial(name="cascade", configuration="3d_cascade_fullres", options=SMALL_GPU),
)


@dataclass(frozen=True, kw_only=True, slots=True)
class Found:
    """Results of a trial in one checkout: digests by what they are of."""

    losses: tuple[str, ...]
    arrays: Mapping[str, str]
    masks: Mapping[str, str]


def compare_checkouts(
    before: Path, after: Path, work: Path, trials: Sequence[Trial] = TRIALS
) -> Iterator[tuple[str, ...]]:
    """Yield a row per trial when it is done: its name, and how many losses, preprocessed arrays and masks are the same.

    Args:
        before: a checkout.
        after: another one.
        work: an empty or new folder.
        trials: to run.

    Raises:
        AutosegError: the folder holds something, or a command failed; the message holds what it printed.
    """
    refuse_used(work)
    raw = work / "raw"
    _run(before, work, ("simulate", str(raw), *SIMULATION))
    for trial in trials:
        found = [_hold(checkout, raw, work / side, trial) for side, checkout in (("before", before), ("after", after))]
        yield (trial.name, *_compare(*found))


def _compare(before: Found, after: Found) -> tuple[str, ...]:
    same = sum(one == other for one, other in zip(before.losses, after.losses, strict=False))
    losses = f"{same} of {max(len(before.losses), len(after.losses))}"
    pairs = ((before.arrays, after.arrays), (before.masks, after.masks))
    counts = (
        f"{sum(one.get(key) == other.get(key) for key in {*one, *other})} of {len({*one, *other})}"
        for one, other in pairs
    )
    return losses, *counts


def _hold(checkout: Path, raw: Path, work: Path, trial: Trial) -> Found:
    workspace = work / trial.name.replace(" ", "-")
    sets = tuple(text for value in QUICK for text in ("--set", value))
    place = ("-w", str(workspace))
    _run(checkout, work, ("plan_and_preprocess", str(raw), *place, "-c", trial.configuration, *trial.options, *sets))
    losses = work / f"{trial.name}.losses"
    losses.unlink(missing_ok=True)
    train = ("train", "0", *place, "-c", trial.configuration, *sets)
    _run(checkout, work, (*train, "--with-previous") if "cascade" in trial.name else train, losses)
    masks = work / f"{trial.name}-masks"
    _run(
        checkout,
        work,
        ("predict", str(raw / "imagesTs"), "-o", str(masks), *place, "-c", trial.configuration, "-f", "0"),
    )
    (fold,) = workspace.glob(f"models/*/{trial.configuration}/fold_0")
    arrays = sorted(workspace.glob("preprocessed/*/*.b2nd"))
    every_mask = [*sorted(masks.glob("*.nii.gz")), *sorted(fold.glob("validation/*.nii.gz"))]
    return Found(
        losses=tuple(losses.read_text(encoding="utf-8").split()),
        arrays={f"{path.parent.name}/{path.name}": _digest(blosc2.open(str(path), mode="r")[...]) for path in arrays},
        masks={f"{path.parent.name}/{path.name}": _digest(read_label_map(path).voxels) for path in every_mask},
    )


def _digest(values: np.ndarray) -> str:
    return hashlib.sha256(
        str((values.shape, values.dtype)).encode() + np.ascontiguousarray(values).tobytes()
    ).hexdigest()


def _run(checkout: Path, work: Path, arguments: Sequence[str], losses: Path | None = None) -> None:
    work.mkdir(parents=True, exist_ok=True)
    code = ("-c", PROBE, str(losses)) if losses else ("-m", "autoseg")
    done = subprocess.run(
        (sys.executable, *code, *arguments),
        cwd=checkout,
        env={**os.environ, "PYTHONPATH": str(checkout.resolve())},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        encoding="utf-8",
        check=False,
    )
    if done.returncode:
        raise AutosegError(f"{checkout}: `autoseg {' '.join(arguments)}` failed.\n{done.stdout[-2000:]}")
