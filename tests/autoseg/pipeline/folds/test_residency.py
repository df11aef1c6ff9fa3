from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from autoseg.models.tensors import load_tensors
from autoseg.pipeline.folds.jobs import TrainingOptions, resolve_job
from autoseg.pipeline.folds.residency import FreeMemory, choose_residency, describe, fit_into, tensor_bytes
from autoseg.training.record import CaseResidency, read_record
from autoseg.workspace.fold import FoldFolder
from tests.synthetic.commands import run
from tests.synthetic.tiny import Tiny


def test_what_fits_is_taken_in_order_until_nothing_more_does() -> None:
    assert fit_into([3, 3, 5, 2], 9.0) == [True, True, False, True]
    assert fit_into([3, 3], float("inf")) == [True, True]
    assert fit_into([3, 3], -1.0) == [False, False]


def test_cases_are_kept_on_the_device_then_in_memory_then_on_the_disk() -> None:
    assert choose_residency([4, 4, 4, 4], FreeMemory(device=9.0, memory=5.0)) == ["device", "device", "memory", "disk"]
    assert choose_residency([4, 2], FreeMemory(device=0.0, memory=3.0)) == ["disk", "memory"]
    assert choose_residency([4, 4], FreeMemory(device=0.0, memory=0.0)) == ["disk", "disk"]


def test_what_is_said_names_residency_sizes_and_the_option() -> None:
    found = CaseResidency(on_device=1, in_memory=2, on_disk=3, needed_gb=6.0, device_free_gb=1.5, memory_free_gb=2.25)
    assert describe(found) == (
        "6 training cases, 6.00 GiB: 1 on the device (1.50 GiB free), 2 in memory (2.25 GiB for cases), "
        "3 stay on the disk, patches are read ahead: memory has 2.25 GiB for cases (--memory-gb)."
    )


def test_memory_is_predicted_for_the_number_type_of_the_device_that_trains(finished: Tiny) -> None:
    job = resolve_job(finished.workspace, "0", TrainingOptions())
    assert tensor_bytes(job, bfloat16=False) > tensor_bytes(job, bfloat16=True)


def test_a_fold_trained_half_from_the_disk_has_the_weights_of_one_in_memory(
    trained: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.copytree(trained / "ws", tmp_path / "ws")
    (fold,) = (tmp_path / "ws" / "models" / "default").glob("*/fold_0")
    held = read_record(FoldFolder(root=fold))
    weights = load_tensors(FoldFolder(root=fold).weights)[0]
    shutil.rmtree(fold)
    assert held is not None
    assert held.residency is not None
    assert (held.residency.on_disk, held.residency.in_memory) == (0, len(held.train_cases))
    memory_gb = held.residency.needed_gb / 2
    assert run(monkeypatch, "train", "0", "-w", tmp_path / "ws", "--memory-gb", memory_gb) == 0
    again = read_record(FoldFolder(root=fold))
    assert again is not None
    assert again.residency is not None
    assert again.residency.cases() == len(held.train_cases)
    assert again.residency.on_disk > 0
    assert again.residency.in_memory > 0
    assert again.residency.memory_free_gb == pytest.approx(memory_gb, abs=1e-6)  # written with six digits
    others = load_tensors(FoldFolder(root=fold).weights)[0]
    assert all(torch.equal(weights[name], others[name]) for name in weights)


def test_less_than_no_memory_is_refused(
    trained: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(monkeypatch, "train", "0", "-w", trained / "ws", "--memory-gb", "-1") == 2
    assert "--memory-gb is -1. Expected 0 or more." in " ".join(capsys.readouterr().err.split())


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="peaks of memory are read and reset as Linux has them")
def test_ten_times_more_cases_than_memory_may_hold_stay_within_it_and_give_the_same_batches(tmp_path: Path) -> None:
    # A process of its own, in which nothing that was freed earlier hides what is taken.
    command = [sys.executable, "-m", "tests.autoseg.pipeline.memory_of_residency", str(tmp_path)]
    done = subprocess.run(command, capture_output=True, encoding="utf-8", check=True)
    total, limited, unlimited, same = done.stdout.split()
    assert same == "True"
    # As much again for a batch, the boxes ahead of it, and the one case that is loaded at a time.
    assert int(limited) < 2 * int(total) / 10
    assert int(unlimited) > 0.8 * int(total)
