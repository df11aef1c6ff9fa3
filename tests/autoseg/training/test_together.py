"""Two processes that train one network are one process: real ones, started by torchrun, on the CPU."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
import torch

from autoseg import processes
from autoseg.models.tensors import load_tensors
from autoseg.training.curve import Curve
from autoseg.workspace.fold import FoldFolder
from tests.autoseg.training.together import LONG, measure_losses, train

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def together(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the folder that two processes wrote."""
    folder = tmp_path_factory.mktemp("together")
    torchrun = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc_per_node", "2"]
    done = subprocess.run(
        [*torchrun, "-m", "tests.autoseg.training.together", str(folder)],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        encoding="utf-8",
        check=False,
    )
    assert done.returncode == 0, done.stdout[-5000:]
    return folder


def lines(folder: Path, kind: str) -> list[dict[str, object]]:
    return [line for line in Curve(path=FoldFolder(root=folder).curve).read() if line["kind"] == kind]


def test_every_loss_and_its_gradient_are_those_of_the_whole_batch(together: Path) -> None:
    found, _ = load_tensors(together / "losses.safetensors")
    expected = measure_losses()
    assert found.keys() == expected.keys()
    for name, values in expected.items():
        # Sums of double numbers in another order.
        torch.testing.assert_close(found[name], values, rtol=1e-10, atol=1e-12, msg=name)


@pytest.mark.parametrize("batch_dice", [False, True])
def test_two_processes_end_with_the_weights_of_one(together: Path, tmp_path: Path, batch_dice: bool) -> None:
    alone = train(tmp_path / "alone", batch_dice=batch_dice)
    expected, _ = load_tensors(alone.weights)
    found, metadata = load_tensors(together / f"batch_dice_{batch_dice}" / "weights.safetensors")
    assert metadata["iteration"] == "8"
    other, _ = load_tensors(together / f"batch_dice_{not batch_dice}" / "weights.safetensors")
    for name, values in expected.items():
        # Rounding of single precision, in gradients summed in another order, over eight steps.
        torch.testing.assert_close(found[name], values, rtol=1e-3, atol=1e-5, msg=name)
    assert not all(torch.allclose(other[name], values, rtol=1e-3, atol=1e-5) for name, values in expected.items())


def test_a_signal_to_one_process_stops_both_at_one_iteration(together: Path) -> None:
    both = load_tensors(together / "signal" / "stopped.safetensors")[0]["both"].tolist()
    assert both[0] == both[1]
    assert both[0][0] == 143
    assert 0 < both[0][1] < LONG


def test_they_resume_and_a_stop_file_ends_both(together: Path) -> None:
    (line,) = lines(together / "signal", "cool-down")
    assert line["why"] == "a stop file"
    weights, metadata = load_tensors(together / "signal" / "weights.safetensors")
    assert weights
    assert metadata["iteration"] == str(line["iterations"])


def test_a_signal_while_the_leader_validates_stops_both(together: Path) -> None:
    assert [(together / "validating" / f"stopped_{number}").read_text("utf-8") for number in range(2)] == ["143"] * 2


def test_a_loss_that_is_not_a_number_in_one_process_takes_both_back(together: Path) -> None:
    (line,) = lines(together / "rollback", "rollback")
    assert line["rate_factor"] == 0.5
    assert load_tensors(together / "rollback" / "weights.safetensors")[1]["iteration"] == "8"


def test_the_leaders_clock_turns_minutes_into_steps_for_both(together: Path) -> None:
    last = lines(together / "budget", "train")[-1]
    assert (
        last["iteration"]
        == last["iterations"]
        == int(load_tensors(together / "budget" / "weights.safetensors")[1]["iteration"])
    )


def test_both_follow_a_plateau_alike_also_after_they_were_stopped(together: Path) -> None:
    first, second = ((together / "plateau" / f"rates_{number}").read_text("utf-8").split("\n") for number in range(2))
    assert first == second
    assert 0 < first.index("stopped") < 20
    found = [float.fromhex(line.split()[1]) for line in first if line != "stopped"]
    # Every second step validates; the third round with all cases seen is the second without a new best, and so on.
    assert [rate / found[0] for rate in found] == [1.0] * 8 + [0.5] * 4 + [0.25] * 4 + [0.125] * 4


def test_the_leader_writes_the_snapshots(together: Path) -> None:
    files = FoldFolder(root=together / "snapshots").weight_files()
    assert [load_tensors(path)[1]["iteration"] for path in files] == ["4", "8"]


def test_alone_nothing_is_gathered() -> None:
    values = torch.arange(3.0)
    assert processes.add(values) is values
    assert processes.join(values) is values
    assert processes.part_of([1, 2, 3]) == [1, 2, 3]
    assert (processes.count(), processes.number(), processes.leads()) == (1, 0, True)


def test_no_thread_of_theirs_outlives_them(together: Path) -> None:
    # One that frees a tensor while the interpreter ends would end the process by SIGABRT, and torchrun the others.
    for number in range(2):
        threads = (together / f"threads_{number}").read_text("utf-8")
        assert threads
        assert "gloo" not in threads
