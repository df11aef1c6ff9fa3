"""The experiment on lesion shapes of patients, on a few scans and shapes that are balls."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import nibabel
import numpy as np
import pytest

from autoseg.progress import SilentProgress
from experiments.selecting.lesions import COLUMNS, METRICS, SIMULATION, compare_on_lesions

AFFINE = np.diag([-2.0, 2.0, 2.0, 1.0])
AFFINE[:3, 3] = (90.0, -126.0, -72.0)


def write_ball(path: Path, radius_mm: float) -> None:
    """Write a mask in MNI space, in the left hemisphere."""
    points = np.einsum("ij,jxyz->ixyz", AFFINE[:3, :3], np.indices((91, 109, 91))) + AFFINE[:3, 3, None, None, None]
    distance = np.linalg.norm(points - np.array([-30.0, -10.0, 22.0])[:, None, None, None], axis=0)
    nibabel.save(nibabel.Nifti1Image((distance <= radius_mm).astype(np.uint8), AFFINE), path)


@pytest.mark.long
def test_held_out_scans_are_scored_with_and_without_what_was_selected(tmp_path: Path) -> None:
    (tmp_path / "masks").mkdir()
    for radius_mm in (10, 20):
        write_ball(tmp_path / "masks" / f"{radius_mm}_lesion.nii.gz", radius_mm)
    simulation = replace(SIMULATION, cases=10, held_out_cases=2, spacing_mm=6.0)
    found = compare_on_lesions(tmp_path / "work", tmp_path / "masks", 0.05, SilentProgress(), simulation)
    assert [len(row) for row in found.rows()] == [len(COLUMNS)] * 3
    for scores in found.scores.values():
        assert scores.shape == (2, len(METRICS))
        assert (scores >= 0).all()
        assert (scores <= 1).all()
    if not found.trial.taken:
        assert np.array_equal(found.scores["selected"], found.scores["plain"])
    assert found.trial.best in found.describe()
