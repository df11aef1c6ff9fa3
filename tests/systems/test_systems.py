"""Published systems, each a package of fewer than 60 lines: planned, trained, killed, gone on with, and predicting."""

from __future__ import annotations

import signal
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import nibabel
import numpy as np
import pytest

from autoseg.workspace.workspace import Workspace
from tests.synthetic.packages import do_in_turn, write_package
from tests.synthetic.scans import affine_of, head, write_description, write_nifti
from tests.synthetic.small_networks import as_options, small_network

SHAPE = (20, 24, 16)
STEPS = 3
QUICK = (
    f"training.iterations={STEPS}",
    "training.validation_rounds=0",
    "training.compiled=false",
    "batch_size=2",
    "prediction.step_share=1.0",
    "prediction.mirror_axes=[0]",
)


@dataclass(frozen=True, kw_only=True, slots=True)
class System:
    """One published system.

    Attributes:
        module: its file in this folder.
        entries: its entry points.
        trained: the configurations to train, in their order; what they need is trained before.
        small: assignments that make its networks small.
    """

    module: str
    entries: dict[str, list[str]]
    trained: tuple[str, ...]
    small: tuple[str, ...] = ()


SYSTEMS = (
    System(
        module="segnet",
        entries={
            "autoseg.networks": ["plain_segnet = segnet:SegNetOptions"],
            "autoseg.builders": ["networks.plain_segnet = segnet:build_segnet"],
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
        small=(*small_network("localise", edge=8), *small_network("crop", edge=8), *small_network("refine", 2)),
    ),
    System(
        module="snapshots",
        entries={"autoseg.planners": ["system = snapshots:PLANNER"]},
        trained=("plain", "residual"),
        small=(*small_network("plain"), *small_network("residual")),
    ),
)


@pytest.mark.parametrize(
    "system",
    [
        pytest.param(system, marks=pytest.mark.slow if system.module == "segnet" else pytest.mark.long)
        for system in SYSTEMS
    ],
    ids=[system.module for system in SYSTEMS],
)
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

    do = partial(do_in_turn, package, place=("-w", workspace.root))

    chosen = [argument for name in system.trained for argument in ("-c", name)]
    plan = ("plan_and_preprocess", raw, "--planner", "system", *as_options(*QUICK, *system.small), *chosen)
    trainings = [("train", "0", "-c", name, "--with-previous") for name in system.trained]
    do(f"step::{STEPS - 1}", plan, trainings[0], code=-signal.SIGKILL)
    scan = write_nifti(tmp_path / "new.nii.gz", head(9, SHAPE)[0], affine_of((1, 2, 0), (-1, 1, 1)))
    do("step::0", *trainings, ("predict", scan, "-o", tmp_path / "mask.nii.gz", "--no-mirror", *chosen))
    for name in system.trained:
        fold = workspace.fold("default", name, "0")
        assert fold.weight_files()
        assert fold.validation.metrics.is_file()
    mask = nibabel.load(tmp_path / "mask.nii.gz")
    assert mask.shape == SHAPE
    assert np.allclose(mask.affine, nibabel.load(scan).affine)
    assert set(np.unique(np.asarray(mask.dataobj))) <= {0, 1, 2}
