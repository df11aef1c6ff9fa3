"""A process that draws batches of more cases than it may hold; prints what it took, and whether batches are alike."""

from __future__ import annotations

import hashlib
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch

from autoseg.pipeline.folds.jobs import Job
from autoseg.pipeline.folds.residency import load_cases
from autoseg.pipeline.folds.stage_inputs import StageInput
from autoseg.preprocessing import Prepared, Record, Store
from autoseg.progress import SilentProgress
from autoseg.sampling import BatchMaker
from autoseg.workspace.fold import FoldFolder
from autoseg.workspace.store import StoreFolder
from autoseg.workspace.workspace import Workspace
from dataset_fingerprints.geometry import Box, make_grid
from dataset_fingerprints.sizes import GIB
from planners import PlanRequest, make_plan, set_values
from planners.networks.training_memory import resident_bytes
from planners.plan import Fold
from tests.synthetic.fingerprints import SyntheticCase, make_fingerprint
from tests.synthetic.machines import CPU

EDGE, CASES, BATCHES = 64, 240, 15
SHAPE = (EDGE, EDGE, EDGE)


def write_cases(folder: Path) -> tuple[str, ...]:
    """Write cases of noise, which does not compress."""
    rng = np.random.default_rng(0)
    record = Record(box=Box(start=(0, 0, 0), stop=SHAPE), shape=SHAPE, source_grid=make_grid(SHAPE, np.eye(4)))
    for number in range(CASES):
        label = np.zeros(SHAPE, dtype=np.uint8)
        label[number % 50 : number % 50 + 9, 20:29, 30:39] = 1
        image = rng.normal(size=(1, *SHAPE)).astype(np.float32)
        prepared = Prepared(image=image, labels=label, reference=label, record=record)
        Store(folder=StoreFolder(root=folder)).write(f"c{number}", prepared, ())
    return tuple(f"c{number}" for number in range(CASES))


def memory_bytes(field: str) -> int:
    """Return a field of this process's status."""
    lines = Path("/proc/self/status").read_text(encoding="utf-8").splitlines()
    (line,) = (line for line in lines if line.startswith(field))
    return int(line.split()[1]) * 1024


def draw_batches(job: Job) -> tuple[int, str]:
    """Return the bytes by which the process grew at most, and a digest of all batches."""
    Path("/proc/self/clear_refs").write_text("5", encoding="utf-8")
    before, device = memory_bytes("VmRSS"), torch.device("cpu")
    cases, _ = load_cases(job, device, SilentProgress())
    batches = BatchMaker(job.configuration, cases, (0, 0), device)
    digest = hashlib.sha256()
    for number in range(BATCHES):
        batch = batches.make(number)
        for values in (batch.images, batch.labels):
            digest.update(values.numpy().tobytes())
    batches.close()
    return memory_bytes("VmHWM") - before, digest.hexdigest()


def main() -> None:
    """Write the cases, draw batches under a limit of a tenth of them and without one."""
    folder = Path(sys.argv[1])
    names = write_cases(folder / "store")
    plan = make_plan(make_fingerprint([SyntheticCase(body_shape=SHAPE)] * 5), PlanRequest(machine=CPU, memory_gb=4.0))
    small_batches = ("3d_fullres.patch_shape=[24, 24, 24]", "3d_fullres.batch_size=2", "sampling.augmentations=strong")
    plan = set_values(plan, small_batches)
    total = CASES * resident_bytes(EDGE**3, 1)
    job = Job(
        workspace=Workspace(root=folder),
        plan=plan,
        name="3d_fullres",
        steps=(),
        fold="0",
        cases=Fold(train=names, validation=()),
        inputs=StageInput(store=Store(folder=StoreFolder(root=folder / "store")), scheme=plan.scheme),
        folder=FoldFolder(root=folder / "fold"),
        max_minutes=None,
        iterations_asked=False,
        patience=None,
        memory_gb=0.0,
        memory_share=1.0,
    )
    draw_batches(job)  # what is loaded once is there now
    small, first = draw_batches(replace(job, memory_gb=total / 10 / GIB))
    large, second = draw_batches(replace(job, memory_gb=None))
    sys.stdout.write(f"{total} {small} {large} {first == second}\n")


if __name__ == "__main__":
    main()
