"""`torchrun -m autoseg train`, as a person gives it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from autoseg.training.curve import Curve
from autoseg.training.record import read_record
from autoseg.workspace.fold import FoldFolder
from tests.synthetic.commands import run
from tests.synthetic.scans import write_nnunet_dataset
from tests.synthetic.small_networks import as_options, small_network

QUICK = (
    "training.iterations=6",
    "training.validation_rounds=2",
    "training.compiled=false",
    "prediction.step_share=1.0",
    "prediction.mirror_axes=[]",
    "batch_size=2",
    *small_network("3d_fullres"),
)


def torchrun(processes: int, *arguments: object) -> tuple[int, str]:
    command = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc_per_node", str(processes)]
    done = subprocess.run(
        [*command, "-m", "autoseg", *map(str, arguments)],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        encoding="utf-8",
        check=False,
    )
    return done.returncode, done.stdout


@pytest.fixture(scope="module")
def planned(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A workspace in which nothing is trained."""
    root = tmp_path_factory.mktemp("torchrun")
    raw = write_nnunet_dataset(root / "raw", 5)
    with pytest.MonkeyPatch.context() as patch:
        assert run(patch, "plan_and_preprocess", raw, "-w", root / "ws", *as_options(*QUICK)) == 0
    return root / "ws"


@pytest.mark.slow
def test_two_processes_train_a_fold_and_one_of_them_speaks(planned: Path) -> None:
    code, output = torchrun(2, "train", "0", "-w", planned)
    assert code == 0, output
    assert output.count("training cases,") == 1
    assert output.count("Mean Dice over labels") == 1
    folder = FoldFolder(root=planned / "models" / "default" / "3d_fullres" / "fold_0")
    record = read_record(folder)
    assert record is not None
    assert (record.status, record.iterations) == ("finished", 6)
    assert [line["kind"] for line in Curve(path=folder.curve).read()].count("validation") == 1


@pytest.mark.slow
def test_too_many_processes_are_refused(planned: Path) -> None:
    code, output = torchrun(3, "train", "1", "-w", planned)
    assert code != 0
    assert "torchrun started 3 processes, but the plan's batch has 2 patches." in " ".join(output.split())


def test_folds_at_once_are_refused(
    planned: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for name, text in {"TORCHELASTIC_RUN_ID": "x", "WORLD_SIZE": "2", "RANK": "0"}.items():
        monkeypatch.setenv(name, text)
    assert run(monkeypatch, "train", "all", "-w", planned) == 2
    assert "Give `autoseg train all` without torchrun" in " ".join(capsys.readouterr().err.split())
