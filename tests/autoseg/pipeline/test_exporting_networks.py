"""Trained folds that are exported with their networks as ONNX, and predict without torch."""

from __future__ import annotations

import subprocess
import sys
import zipfile
from pathlib import Path

import nibabel
import numpy as np
import pytest

from tests.synthetic.commands import run
from tests.synthetic.scans import affine_of, head, write_nifti


@pytest.mark.slow
def test_the_exported_file_makes_the_masks_of_its_workspace(
    trained: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("AUTOSEG_FLOAT32", "1")
    for seed in (50, 51):
        image = head(seed)[0]
        for channel, voxels in enumerate((image, np.where(image > 0, 200 - image, 0).astype(np.float32))):
            path = tmp_path / "scans" / f"new-{seed}_{channel:04d}.nii.gz"
            write_nifti(path, voxels, affine_of(flips=(-1, 1, 1), spacing_mm=(1.1, 0.9, 1.3)))
    model = tmp_path / "model.zip"
    assert run(monkeypatch, "export", trained / "ws", "-o", model, "--onnx") == 0
    assert "python model.zip" in capsys.readouterr().out
    with zipfile.ZipFile(model) as opened:
        assert "python" in opened.read("README.md").decode()
    assert run(monkeypatch, "predict", tmp_path / "scans", "-o", tmp_path / "known", "-w", trained / "ws") == 0
    for options, most in (((), 1e-4), (("--half", "--overwrite"), 1e-3)):
        command = [sys.executable, model, tmp_path / "scans", "-o", tmp_path / "masks", *options]
        done = subprocess.run(list(map(str, command)), capture_output=True, encoding="utf-8", check=False)
        assert (done.returncode, done.stderr) == (0, "")
        for seed in (50, 51):
            made, known = (nibabel.load(tmp_path / name / f"new-{seed}.nii.gz") for name in ("masks", "known"))
            assert np.allclose(made.affine, known.affine)
            labels = np.asanyarray(known.dataobj)
            assert set(np.unique(labels)) <= {0, 3, 7}
            assert labels.any()
            assert (np.asanyarray(made.dataobj) != labels).mean() <= most
