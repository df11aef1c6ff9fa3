"""A workspace as small as they come, with a trained fold, and what commands make of it."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np

import autoseg
from autoseg.workspace.locks import LOCK
from autoseg.workspace.workspace import Workspace
from dataset_fingerprints.reading.images import read_label_map
from tests.synthetic.scans import affine_of, write_description, write_nifti

CASES, ITERATIONS = 4, 4
SPACING = (2.0, 2.0, 2.0)
NETWORK = {
    "features": [2, 4],
    "kernels": [[3, 3, 3]] * 2,
    "strides": [[1, 1, 1], [2, 2, 2]],
    "encoder_blocks": [1, 1],
    "decoder_blocks": [1],
}
# Resampled, so that there are references beside the labels.
ASSIGNMENTS = (
    f"training.iterations={ITERATIONS}",
    "training.validation_rounds=2",
    "training.validation_cases=1",
    "batch_size=2",
    "3d_fullres.patch_shape=[8, 8, 8]",
    "preprocessing.spacing_mm=[2.5, 2.5, 2.5]",
    *(f"3d_fullres.network.options.{name}={value}" for name, value in NETWORK.items()),
)


def write_raw(root: Path) -> Path:
    """Write a data set of scans with a dark ball in a bright one."""
    for number in range(CASES):
        rng = np.random.default_rng(number)
        grid = np.indices((14, 12, 10))
        scan = np.where(sum((axis - 5.5) ** 2 for axis in grid) < 24, 100.0, 0.0)
        lesion = (sum((axis - 5 - number % 2) ** 2 for axis in grid) < 4) & (scan > 0)
        scan[scan > 0] += rng.normal(0, 5, int((scan > 0).sum()))
        scan[lesion] -= 60
        affine = affine_of(spacing_mm=SPACING)
        write_nifti(root / "imagesTr" / f"sub-{number}_0000.nii.gz", scan.astype(np.float32), affine)
        write_nifti(root / "labelsTr" / f"sub-{number}.nii.gz", lesion.astype(np.uint8), affine)
    write_description(root, {"background": 0, "lesion": 1}, ("T1w",), CASES)
    return root


def plan_small(root: Path) -> Workspace:
    """Plan and preprocess what lies in `raw`."""
    return autoseg.plan_and_preprocess(root / "raw", workspace=root / "ws", assignments=ASSIGNMENTS)


def make_small(root: Path) -> Path:
    """Write the data set, plan and train a fold."""
    write_raw(root / "raw")
    plan_small(root)
    autoseg.train(root / "ws", 0)
    return root


def _explain(root: Path) -> Any:
    return autoseg.explain(root / "ws").values()


def _plan(root: Path) -> Any:
    """Return what planning leaves: whatever was damaged is made again."""
    workspace = plan_small(root)
    folders = [workspace.root / name for name in ("plans", "preprocessed", "cases")]
    files = [path for folder in folders for path in folder.rglob("*") if path.is_file() and path.name != LOCK]
    found = {str(path.relative_to(root)): path.read_bytes() for path in (*files, workspace.fingerprint)}
    # The one file that says where the raw data lie.
    plain = json.loads(workspace.dataset.read_text(encoding="utf-8").replace(str(root), ""))
    return found | {"dataset": {key: value for key, value in plain.items() if key != "checksum"}}


def _predict(root: Path) -> Any:
    (mask,) = autoseg.predict(root / "raw" / "imagesTr" / "sub-0_0000.nii.gz", root / "masks", root / "ws")
    return read_label_map(mask).voxels.tobytes()


def _score(root: Path) -> Any:
    """Return what a finished fold says again, and its masks."""
    scores = autoseg.train(root / "ws", 0)
    folder = Workspace(root=root / "ws").fold("default", "3d_fullres", "0").validation
    masks = [path.read_bytes() for path in sorted((*folder.root.glob("*.nii.gz"), *folder.root.glob("*/*.b2nd")))]
    return scores, masks


def _go_on(root: Path) -> Any:
    """Return the scores and the weights of a training that is extended.

    The losses in its curve are means of as many steps as the machine made in some seconds.
    """
    scores = autoseg.train(root / "ws", 0, iterations=2 * ITERATIONS)
    return scores, Workspace(root=root / "ws").fold("default", "3d_fullres", "0").weights.read_bytes()


COMMANDS: Mapping[str, Callable[[Path], Any]] = {
    "explain": _explain,
    "plan": _plan,
    "predict": _predict,
    "score": _score,
    "go on": _go_on,
}
