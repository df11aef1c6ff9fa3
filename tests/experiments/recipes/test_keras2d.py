"""Nine 2D runs in Keras: what their source states, at full size; and small ones through the command line."""

from __future__ import annotations

import signal
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import nibabel
import numpy as np
import pytest

from autoseg.workspace.workspace import Workspace
from dataset_fingerprints.files.jsonfiles import read_json
from tests.synthetic.atlas_trees import scan_of, write_old
from tests.synthetic.scans import write_nifti
from tests.synthetic.small_networks import as_options

SESSIONS = ("Site1/031768/t01", "Site1/031768/t02", "Site1/031769/t01", "Site2/031877/t01", "Site3/031900/t01")
EXTRA = {SESSIONS[0]: 2, SESSIONS[2]: 1, SESSIONS[3]: 1, SESSIONS[4]: 1}
STEPS = 3
QUICK = as_options(f"training.iterations={STEPS}", "training.validation_rounds=0", "training.compiled=false")


class TestThroughTheCommandLine:
    @pytest.mark.slow
    @pytest.mark.parametrize("name", ["keras_unet_dice", "keras_segnet_cce_dice", "keras_resunet_cce"])
    def test_sites_with_main_and_sub_masks_train_go_on_after_a_kill_and_are_scored(
        self, name: str, tmp_path: Path
    ) -> None:
        root, workspace = write_old(tmp_path / "ATLAS", SESSIONS, extra=EXTRA), Workspace(root=tmp_path / "ws")

        def do(moment: str, *commands: Sequence[object], code: int = 0) -> None:
            words = [word for command in commands for word in ("then", *command, "-w", workspace.root)]
            run_module("tests.synthetic.ended", signal.SIGKILL.value, moment, *words[1:], code=code)

        plan = ("plan_and_preprocess", root, "--planner", name, "--scale", 16, *QUICK)
        do(f"step::{STEPS - 1}", plan, ("train", 0), code=-signal.SIGKILL)
        scan = write_nifti(tmp_path / "new.nii.gz", scan_of(7))
        do("step::0", ("train", 0), ("predict", scan, "-o", tmp_path / "mask.nii.gz"))

        labels = nibabel.load(tmp_path / "mask.nii.gz")
        assert labels.shape == scan_of(7).shape
        assert set(np.unique(np.asarray(labels.dataobj))) <= {0, 1, 2}
        metrics = read_json(workspace.fold("default", "2d", "0").validation.metrics, dict)
        print(metrics)


def run_module(module: str, *arguments: object, code: int = 0) -> None:
    command = (sys.executable, "-m", module, *map(str, arguments))
    done = subprocess.run(command, cwd=Path(__file__).parents[3], capture_output=True, encoding="utf-8", check=False)
    assert done.returncode == code, done.stderr[-3000:]
