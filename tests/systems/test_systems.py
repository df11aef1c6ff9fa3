"""Published systems, each a package of fewer than 60 lines: planned, trained, killed, gone on with, and predicting."""

from __future__ import annotations

import signal
from dataclasses import dataclass
from pathlib import Path

import nibabel
import numpy as np
import pytest

from autoseg.workspace.workspace import Workspace
from tests.synthetic.packages import run_with_package, write_package
from tests.synthetic.scans import affine_of, head, write_description, write_nifti

SHAPE = (20, 24, 16)
STEPS = 3
QUICK = [
    argument
    for value in (f"training.iterations={STEPS}", "training.validation_rounds=0", "batch_size=2")
    for argument in ("--set", value)
]


@dataclass(frozen=True, kw_only=True, slots=True)
class System:
    """One published system.

    Attributes:
        module: its file in this folder.
        entries: its entry points.
        trained: the configurations to train, in their order; what they need is trained before.
    """

    module: str
    entries: dict[str, list[str]]
    trained: tuple[str, ...]


SYSTEMS = (
    System(
        module="segnet",
        entries={
            "autoseg.networks": ["segnet = segnet:SegNetOptions"],
            "autoseg.builders": ["networks.segnet = segnet:build_segnet"],
            "autoseg.planners": ["system = segnet:PLANNER"],
        },
        trained=("2d",),
    ),
    System(
        module="zoom",
        entries={"autoseg.planners": ["system = zoom:PLANNER"]},
        trained=("zoom_in",),
    ),
    System(
        module="crops",
        entries={"autoseg.planners": ["system = crops:PLANNER"]},
        trained=("refine",),
    ),
    System(
        module="snapshots",
        entries={"autoseg.planners": ["system = snapshots:PLANNER"]},
        trained=("plain", "residual"),
    ),
)


@pytest.mark.parametrize("system", SYSTEMS, ids=lambda system: system.module)
def test_a_system_plans_trains_goes_on_after_a_kill_and_predicts(system: System, tmp_path: Path) -> None:
    raw, workspace = tmp_path / "raw", Workspace(root=tmp_path / "ws")
    for index in range(5):
        image, labels = head(index, SHAPE)
        write_nifti(raw / "imagesTr" / f"sub-{index}_0000.nii.gz", image)
        write_nifti(raw / "labelsTr" / f"sub-{index}.nii.gz", labels)
    write_description(raw, {"background": 0, "dark": 1, "bright": 2}, ("T1w",), 5)
    source = (Path(__file__).parent / f"{system.module}.py").read_text(encoding="utf-8")
    assert len(source.splitlines()) < 60
    package = tmp_path / "package"
    write_package(package, system.module, source, {group: [*lines] for group, lines in system.entries.items()})

    def do(*arguments: object, module: str = "autoseg", code: int = 0) -> str:
        done = run_with_package(package, *arguments, "-w", workspace.root, module=module)
        assert done.returncode == code, done.stderr[-3000:]
        return done.stderr

    chosen = [argument for name in system.trained for argument in ("-c", name)]
    do("plan_and_preprocess", raw, "--planner", "system", *QUICK, *chosen)
    for name in system.trained:
        train = ("train", "0", "-c", name, "--with-previous")
        do(signal.SIGKILL.value, f"step::{STEPS - 1}", *train, module="tests.synthetic.ended", code=-signal.SIGKILL)
        do(*train)
        fold = workspace.fold("default", name, "0")
        assert fold.weight_files()
        assert fold.validation.metrics.is_file()
    scan = write_nifti(tmp_path / "new.nii.gz", head(9, SHAPE)[0], affine_of((1, 2, 0), (-1, 1, 1)))
    do("predict", scan, "-o", tmp_path / "mask.nii.gz", "--no-mirror", *chosen)
    mask = nibabel.load(tmp_path / "mask.nii.gz")
    assert mask.shape == SHAPE
    assert np.allclose(mask.affine, nibabel.load(scan).affine)
    assert set(np.unique(np.asarray(mask.dataobj))) <= {0, 1, 2}
