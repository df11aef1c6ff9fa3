"""A real lack of memory: processes whose address space is limited."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from autoseg.prediction import load_ensemble
from autoseg.training.record import read_record
from autoseg.workspace.fold import FoldFolder
from dataset_fingerprints.errors import WorkspaceError
from dataset_fingerprints.files.jsonfiles import read_json, write_json
from planners.run import Run
from tests.synthetic.commands import run
from tests.synthetic.scans import head, write_description, write_nifti

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="limits of address space are set as Linux has them")

SHAPE = (48, 56, 48)
ROOM_GB = 1.75
QUICK = ["training.iterations=1", "training.validation_rounds=0", "prediction.step_share=1.0", "batch_size=24"]


@pytest.fixture(scope="module")
def planned(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("memory")
    for index in range(5):
        image, labels = head(index, SHAPE)
        write_nifti(root / "raw" / "imagesTr" / f"sub-{index}_0000.nii.gz", image)
        write_nifti(root / "raw" / "labelsTr" / f"sub-{index}.nii.gz", labels)
    write_description(root / "raw", {"background": 0, "dark": 1, "bright": 2}, ("T1w",), 5)
    assignments = [text for value in QUICK for text in ("--set", value)]
    with pytest.MonkeyPatch.context() as patch:
        assert run(patch, "plan_and_preprocess", root / "raw", "-w", root / "ws", *assignments) == 0
    return root


def train(planned: Path, fold: str) -> str:
    command = [sys.executable, "-m", "tests.autoseg.pipeline.limited_memory", str(ROOM_GB)]
    done = subprocess.run(
        [*command, "train", fold, "-w", str(planned / "ws")],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        encoding="utf-8",
        check=False,
    )
    assert done.returncode == 0, done.stdout[-3000:]
    return " ".join(done.stdout.split())


def test_a_training_that_does_not_fit_goes_on_smaller_and_says_so(planned: Path) -> None:
    said = train(planned, "0")
    assert "Out of memory" in said
    assert "Going on with a batch of" in said
    folds = planned / "ws" / "models" / "default" / "3d_fullres"
    first = read_json(folds / "fold_0" / "run.json", Run)
    assert (first.steps[0].before.recomputed, first.steps[0].after.recomputed) == (False, True)
    assert first.own().batch_size < 24
    assert first.steps[-1].after.batch_size == first.own().batch_size
    assert read_record(FoldFolder(root=folds / "fold_0")).status == "finished"
    # Given again, the command finds its fold; another fold starts at the size that fits.
    assert "Fold 0 is finished" in train(planned, "0")
    said = train(planned, "1")
    assert "Out of memory" not in said
    second = read_json(folds / "fold_1" / "run.json", Run)
    assert second.configurations == first.configurations
    check_ensemble(folds, second)


def check_ensemble(folds: Path, second: Run) -> None:
    both = [FoldFolder(root=folds / "fold_0"), FoldFolder(root=folds / "fold_1")]
    assert len(load_ensemble(both, torch.device("cpu"), mirror=False).networks) == 2
    shorter = replace(second.own(), patch_shape=(16, 16, 16))
    write_json(folds / "fold_1" / "run.json", replace(second, configurations=(shorter,)))
    with pytest.raises(WorkspaceError, match="trained with patches of 16x16x16 voxels, another fold with"):
        load_ensemble(both, torch.device("cpu"), mirror=False)
