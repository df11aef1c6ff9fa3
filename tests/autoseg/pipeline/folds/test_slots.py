"""Sharing of GPUs between folds, in figures; finding GPUs needs one."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from autoseg.hardware import SHARERS, count_cores, free_memory_gb
from autoseg.pipeline.folds import slots as sharing
from autoseg.pipeline.folds.children import Slot
from autoseg.pipeline.folds.jobs import TrainingOptions, resolve_job
from autoseg.pipeline.folds.slots import Gpu, find_gpus, find_slots, share_gpus, share_machine, training_bytes
from autoseg.processes import VISIBLE
from planners.networks.training_memory import CONTEXT_BYTES, GIB
from tests.synthetic.tiny import Tiny


def gpu(name: str, free_gb: float, total_gb: float = 80.0) -> Gpu:
    return Gpu(name=name, free_bytes=round(free_gb * GIB), total_bytes=round(total_gb * GIB), bfloat16=True)


def names(slots: list[Slot]) -> list[str]:
    return [slot.environment[VISIBLE] for slot in slots]


def test_every_gpu_gets_a_fold_before_one_gets_two() -> None:
    slots = share_gpus([gpu("0", 80), gpu("1", 40), gpu("GPU-5ab", 80)], 20 * GIB, 5)
    assert names(slots) == ["0", "1", "GPU-5ab", "0", "1"]
    assert [slot.memory_share < 1 for slot in slots] == [True, True, False, True, True]


def test_no_more_folds_share_a_gpu_than_fit_but_one_always_tries() -> None:
    assert names(share_gpus([gpu("0", 80), gpu("1", 30)], 25 * GIB, 9)) == ["0", "1", "0", "0"]
    (alone,) = share_gpus([gpu("0", 10)], 25 * GIB, 5)
    assert alone.memory_share == 1


def test_the_shares_of_a_gpu_leave_space_for_memory_outside_of_tensors() -> None:
    slots = share_gpus([gpu("0", 60)], 20 * GIB, 3)
    share = slots[0].memory_share
    taken = 3 * (share * 80 * GIB + CONTEXT_BYTES["cuda"])
    assert len(slots) == 3
    # The share has three digits: half a thousandth of 80 GB for each of the three.
    assert taken == pytest.approx(60 * GIB, abs=3 * 0.0005 * 80 * GIB)


def test_cores_and_memory_are_shared_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(SHARERS, raising=False)
    assert share_machine([Slot()]) == (Slot(),)
    slots = share_machine([Slot(memory_share=share, environment={VISIBLE: "0"}) for share in (0.2, 0.3, 0.5)])
    assert [slot.memory_share for slot in slots] == [0.2, 0.3, 0.5]
    assert all(slot.environment == {VISIBLE: "0", SHARERS: "3"} for slot in slots)
    cores, free = count_cores(), free_memory_gb()
    monkeypatch.setenv(SHARERS, str(2 * cores))
    assert count_cores() == 1
    # Other programs take and give back memory between the two looks.
    assert free_memory_gb() == pytest.approx(free / (2 * cores), rel=0.5)


def test_folds_share_a_gpu_by_its_own_number_type_whatever_the_plans_machine_has(
    finished: Tiny, monkeypatch: pytest.MonkeyPatch
) -> None:
    job = resolve_job(finished.workspace, "0", TrainingOptions())
    need = training_bytes(job, bfloat16=True)
    found: list[Gpu] = []
    monkeypatch.setattr(sharing, "find_gpus", lambda: tuple(found))
    for bfloat16, fitting in ((True, 2), (False, 1)):
        found[:] = [Gpu(name="0", free_bytes=2 * need, total_bytes=80 * need, bfloat16=bfloat16)]
        assert len(find_slots((job, job), None)) == fitting


@pytest.mark.gpu
def test_gpus_are_found_without_this_process_taking_any_of_their_memory() -> None:
    import torch

    gpus = find_gpus()
    assert len(gpus) == torch.cuda.device_count()
    assert all(0 < one.free_bytes <= one.total_bytes for one in gpus)
    assert not torch.cuda.is_initialized()
    assert gpus[0].bfloat16 == torch.cuda.is_bf16_supported(including_emulation=False)


@pytest.mark.slow
def test_gpus_are_looked_for_by_a_script_that_does_nothing_but_call_functions(tmp_path: Path) -> None:
    script = tmp_path / "script.py"
    lines = ("from autoseg.pipeline.folds import slots", "slots.may_have_gpu = lambda: 1", "print(slots.find_gpus())")
    script.write_text("\n".join(lines), encoding="utf-8")
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    command = (sys.executable, script)
    done = subprocess.run(command, capture_output=True, encoding="utf-8", env=environment, timeout=300, check=False)
    assert done.returncode == 0, done.stderr[-3000:]
    assert done.stdout.startswith("("), done.stdout
