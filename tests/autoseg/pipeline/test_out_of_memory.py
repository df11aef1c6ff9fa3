"""A real lack of memory: processes whose address space is limited."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from autoseg.pipeline.models.sources import ModelChoice, find_source
from autoseg.prediction import build_cascade
from autoseg.training.record import read_record
from autoseg.workspace.fold import FoldFolder
from autoseg.workspace.workspace import Workspace
from dataset_fingerprints.files.jsonfiles import read_json, write_json
from dataset_fingerprints.measuring.scans import read_scan
from planners.run import Run
from tests.synthetic.commands import run
from tests.synthetic.scans import head, write_description, write_nifti
from tests.synthetic.small_networks import as_options, small_network

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="limits of address space are set as Linux has them")

SHAPE = (48, 56, 48)
# A step of the whole batch takes 1.0 GiB, of which 0.4 are for whatever a training loads.
ROOM_GB = 0.8
BATCH = 100
QUICK = (
    "training.iterations=1",
    "training.validation_rounds=0",
    "training.compiled=false",
    "training.mixed_precision=false",
    "prediction.step_share=1.0",
    f"batch_size={BATCH}",
    *small_network("3d_fullres", edge=32),
)


@pytest.fixture(scope="module")
def planned(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("memory")
    for index in range(5):
        image, labels = head(index, SHAPE)
        write_nifti(root / "raw" / "imagesTr" / f"sub-{index}_0000.nii.gz", image)
        write_nifti(root / "raw" / "labelsTr" / f"sub-{index}.nii.gz", labels)
    write_description(root / "raw", {"background": 0, "dark": 1, "bright": 2}, ("T1w",), 5)
    with pytest.MonkeyPatch.context() as patch:
        assert run(patch, "plan_and_preprocess", root / "raw", "-w", root / "ws", *as_options(*QUICK)) == 0
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


@pytest.mark.long
def test_a_training_that_does_not_fit_goes_on_smaller_and_says_so(planned: Path) -> None:
    said = train(planned, "0")
    assert "Out of memory" in said
    assert "Going on with a batch of" in said
    folds = planned / "ws" / "models" / "default" / "3d_fullres"
    first = read_json(folds / "fold_0" / "run.json", Run)
    assert (first.steps[0].before.recomputed, first.steps[0].after.recomputed) == (False, True)
    assert first.own().batch_size < BATCH
    assert first.steps[-1].after.batch_size == first.own().batch_size
    assert read_record(FoldFolder(root=folds / "fold_0")).status == "finished"
    # Given again, the command finds its fold; another fold starts at the size that fits.
    assert "Fold 0 is finished" in train(planned, "0")
    said = train(planned, "1")
    assert "Out of memory" not in said
    second = read_json(folds / "fold_1" / "run.json", Run)
    assert second.configurations == first.configurations
    check_ensemble(planned, second)


def check_ensemble(planned: Path, second: Run) -> None:
    """Folds whose patches differ, because only one of them ran out of memory, are averaged."""
    workspace = Workspace(root=planned / "ws")
    shorter = replace(second.own(), patch_shape=(16, 16, 16))
    write_json(workspace.fold("default", "3d_fullres", "1").run, replace(second, configurations=(shorter,)))
    scan = read_scan("sub-0", [planned / "raw" / "imagesTr" / "sub-0_0000.nii.gz"], ("T1w",))
    values = []
    for folds in (("0",), ("1",), ()):
        models = find_source(workspace, ModelChoice(configurations=("3d_fullres",), folds=folds)).read().stages[0]
        predictor = build_cascade(models, torch.device("cpu"), mirror=False)
        values.append(predictor.predict(scan).read_box(scan.box))
    assert not torch.equal(values[0], values[1])
    # Halves of numbers below 1, added in another order.
    assert torch.allclose(values[2], (values[0] + values[1]) / 2, atol=1e-6)
