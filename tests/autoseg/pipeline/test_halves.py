"""Scans that are divided into halves, from the plan to masks of a workspace, a bundle, and a program without torch."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import nibabel
import numpy as np
import pytest
import torch

from autoseg.pipeline.faces import face
from autoseg.pipeline.folds.jobs import TrainingOptions, resolve_job
from autoseg.pipeline.folds.residency import load_cases
from autoseg.progress import SilentProgress
from autoseg.workspace.workspace import Workspace
from dataset_fingerprints.geometry import Box, make_box
from planners.parts.patches import ForegroundOptions
from tests.synthetic.commands import run
from tests.synthetic.scans import affine_of, head, write_nifti, write_nnunet_dataset
from tests.synthetic.small_networks import small_network

CPU = torch.device("cpu")
SHAPE = (24, 28, 20)
QUICK = (
    'halves={"axis": 0, "mirrored": "second"}',
    "training.iterations=4",
    "training.validation_rounds=1",
    "training.compiled=false",
    "batch_size=2",
    "prediction.step_share=1.0",
    "prediction.mirror_axes=[0]",
    *small_network("3d_fullres", edge=8),
)


@pytest.fixture(scope="module")
def planned(tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    root = tmp_path_factory.mktemp("halves")
    # Stored from right to left: halves are those of canonical axes.
    raw = write_nnunet_dataset(root / "raw", cases=5, affine=affine_of(flips=(-1, 1, 1)))
    return face.plan_and_preprocess(raw, workspace=root / "ws", assignments=QUICK)


@pytest.mark.parametrize("memory_gb", [None, 0.0])
def test_training_sees_each_half_as_a_case_in_memory_and_on_the_disk(
    planned: Workspace, memory_gb: float | None
) -> None:
    job = resolve_job(planned, "0", TrainingOptions(memory_gb=memory_gb))
    cases, residency = load_cases(job, CPU, SilentProgress())
    assert len(cases) == 2 * len(job.cases.train) == residency.cases()
    assert bool(residency.on_disk) == (memory_gb == 0.0)
    for name, first, second in zip(job.cases.train, cases[::2], cases[1::2], strict=True):
        assert (first.name, second.name) == (f"{name}, half 1 of 2", f"{name}, half 2 of 2")
        image, labels = job.inputs.store.read(name)
        middle = first.voxels.shape[0]
        # The scan's own middle, whatever was cropped from it.
        record = job.inputs.store.read_record(name)
        assert middle == SHAPE[0] // 2 - record.box.start[0]
        for half, expected in (
            (first, (image[:, :middle], labels[:middle])),
            (second, (image[:, middle:][:, ::-1], labels[middle:][::-1])),
        ):
            found, maps = half.voxels.read_box(Box(start=(0, 0, 0), stop=half.voxels.shape))
            assert np.array_equal(found.numpy(), expected[0].astype(np.float16))
            assert np.array_equal(maps[0].numpy(), expected[1])
            inside = make_box((1, 2, 3), (4, 6, 8))
            part, _ = half.voxels.read_box(inside)
            assert np.array_equal(part.numpy(), expected[0][(slice(None), *inside.slices())].astype(np.float16))
            for value, voxels in enumerate(half.foreground, 1):
                assert all(expected[1][tuple(voxel)] == value for voxel in voxels[:50].astype(int))
                assert len(voxels) == min(10_000, int((expected[1] == value).sum()))


def test_lesions_are_those_of_one_side(planned: Workspace) -> None:
    balanced = 'sampling.patches={"name": "foreground", "options": {"lesion_balance": 1.0}}'
    job = resolve_job(planned, "0", TrainingOptions(assignments=(balanced,)))
    assert ForegroundOptions(lesion_balance=1.0).needs_lesions()
    cases, _ = load_cases(job, CPU, SilentProgress())
    for case in cases:
        for voxels, lesions in zip(case.foreground, case.lesions, strict=True):
            assert int(lesions.sizes.sum()) == len(voxels)
            assert all((part < np.array(case.voxels.shape)).all() for part in lesions.voxels)


@pytest.mark.slow
def test_masks_lie_on_the_scans_grid_and_are_the_same_from_a_bundle_and_without_torch(
    planned: Workspace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AUTOSEG_FLOAT32", "1")
    face.train(planned, 0)
    folder = planned.fold("default", "3d_fullres", "0")
    assert folder.validation.metrics.is_file()
    # An odd length along the divided axis, on other axes and with other voxels.
    image = head(50, (25, 28, 20))[0]
    scan = write_nifti(tmp_path / "new.nii.gz", image, affine_of((1, 0, 2), (1, -1, 1), (1.1, 0.9, 1.3)))
    model = tmp_path / "model.zip"
    for source, out in ((planned.root, "known"), (model, "bundled")):
        if source == model:
            assert run(monkeypatch, "export", planned.root, "-o", model, "--onnx") == 0
        option = ("-w", source) if source == planned.root else ("-m", source)
        assert run(monkeypatch, "predict", scan, "-o", tmp_path / f"{out}.nii.gz", *option) == 0
    command = [sys.executable, model, scan, "-o", tmp_path / "program"]
    done = subprocess.run(list(map(str, command)), capture_output=True, encoding="utf-8", check=False)
    assert done.returncode == 0, done.stderr
    known, bundled, program = (
        nibabel.load(tmp_path / name) for name in ("known.nii.gz", "bundled.nii.gz", "program/new.nii.gz")
    )
    labels = np.asanyarray(known.dataobj)
    assert labels.shape == image.shape
    assert np.allclose(known.affine, nibabel.load(scan).affine)
    assert labels.any(), "a mask without labels would prove nothing"
    assert np.array_equal(np.asanyarray(bundled.dataobj), labels)
    assert (np.asanyarray(program.dataobj) != labels).mean() <= 1e-4
