"""Scans that can be predicted but not as well as others: each is named, with what was assumed and what to do."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import nibabel
import numpy as np
import pytest
import SimpleITK
from numpy.typing import NDArray

from autoseg.pipeline.faces import model_face
from dataset_fingerprints.errors import DataError
from dataset_fingerprints.reading.images import read_label_map
from tests.synthetic.commands import run
from tests.synthetic.scans import write_nifti
from tests.synthetic.tiny import CONFIGURATION, Tiny

Voxels = NDArray[np.float32]


def write_zeros(folder: Path, voxels: Voxels) -> Path:
    return write_nifti(folder / "odd.nii.gz", np.zeros_like(voxels))


def write_sevens(folder: Path, voxels: Voxels) -> Path:
    return write_nifti(folder / "odd.nii.gz", np.full_like(voxels, 7))


def write_nans(folder: Path, voxels: Voxels) -> Path:
    return write_nifti(folder / "odd.nii.gz", np.full_like(voxels, np.nan))


def write_slice(folder: Path, voxels: Voxels) -> Path:
    return write_nifti(folder / "odd.nii.gz", voxels[:, :, 4:5])


def write_two_axes(folder: Path, voxels: Voxels) -> Path:
    return write_nifti(folder / "odd.nii.gz", voxels[:, 4])


def write_tiff(folder: Path, voxels: Voxels) -> Path:
    return write_picture(folder / "odd.tif", voxels)


def write_png(folder: Path, voxels: Voxels) -> Path:
    return write_picture(folder / "odd.png", voxels[:, :, 4])


def write_picture(path: Path, voxels: Voxels) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    grey = (255 * voxels / voxels.max()).astype(np.uint8)
    SimpleITK.WriteImage(SimpleITK.GetImageFromArray(np.ascontiguousarray(grey.T)), str(path))
    return path


def write_mha_without_sizes(folder: Path, voxels: Voxels) -> Path:
    return drop_lines(write_picture(folder / "odd.mha", voxels), b"ElementSpacing")


def write_nrrd_without_sizes(folder: Path, voxels: Voxels) -> Path:
    return drop_lines(write_picture(folder / "odd.nrrd", voxels), b"space", b"kinds")


def drop_lines(path: Path, *starts: bytes) -> Path:
    lines = path.read_bytes().split(b"\n", 20)
    path.write_bytes(b"\n".join(line for line in lines if not line.startswith(starts)))
    return path


ODD: dict[str, tuple[Callable[[Path, Voxels], Path], list[str]]] = {
    "a slice": (write_slice, ["case odd: is a single slice (10x10x1 voxels)", "8x8x8", "Give the whole volume"]),
    "two axes": (write_two_axes, ["case odd: is a single slice (10x10x1 voxels)"]),
    "TIFF": (write_tiff, ["odd (.tif):", "1 x 1 x 1 mm were assumed", "convert them to NIfTI"]),
    "PNG": (write_png, ["odd (.png):", "1 x 1 x 1 mm were assumed", "case odd: is a single slice"]),
    "MetaImage": (write_mha_without_sizes, ["case odd: channel T1w: the header gives no voxel size", "1 x 1 x 1 mm"]),
    "NRRD": (
        write_nrrd_without_sizes,
        ["case odd: channel T1w: the header gives no voxel size", "convert it to NIfTI"],
    ),
}


@pytest.mark.parametrize("kind", ODD)
def test_an_odd_scan_is_named_and_predicted(
    finished: Tiny,
    tmp_path: Path,
    kind: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    caplog: pytest.LogCaptureFixture,
) -> None:
    write, expected = ODD[kind]
    scan = write(tmp_path / "scans", nibabel.load(finished.scan("case_0")).get_fdata(dtype=np.float32))
    out = tmp_path / "masks"
    arguments = ["-c", CONFIGURATION, "-w", finished.workspace.root, "--no-mirror"]
    assert run(monkeypatch, "predict", scan.parent, "-o", out, *arguments) == 0
    said = " ".join((capsys.readouterr().out + caplog.text).split())
    for words in expected:
        assert words in said
    (mask,) = out.iterdir()
    assert read_label_map(mask).voxels.any()


HOLLOW: dict[str, tuple[Callable[[Path, Voxels], Path], str]] = {
    "zeros": (write_zeros, "case odd: channel T1w is 0 everywhere. Expected a scan: export it again."),
    "one value": (write_sevens, "case odd: channel T1w is 7 everywhere. Expected a scan: export it again."),
    "no number": (write_nans, "NaN"),
}


@pytest.mark.parametrize("kind", HOLLOW)
def test_a_scan_without_any_content_fails_by_its_name_and_the_others_are_predicted(
    finished: Tiny,
    tmp_path: Path,
    kind: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    write, expected = HOLLOW[kind]
    voxels = nibabel.load(finished.scan("case_0")).get_fdata(dtype=np.float32)
    scan = write(tmp_path / "scans", voxels)
    shutil.copy(finished.scan("case_0"), scan.parent / "sound.nii.gz")
    arguments = ["-c", CONFIGURATION, "-w", finished.workspace.root, "--no-mirror"]
    assert run(monkeypatch, "predict", scan.parent, "-o", tmp_path / "masks", *arguments) == 1
    said = " ".join(capsys.readouterr().err.split())
    assert "1 of 2 scans could not be predicted: case odd: " in said
    assert expected in said
    assert [path.name for path in (tmp_path / "masks").iterdir()] == ["sound.nii.gz"]


def test_a_sound_scan_is_predicted_without_a_warning(
    finished: Tiny, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    model_face.predict(finished.scan("case_0"), tmp_path, finished.workspace, configurations=(CONFIGURATION,))
    assert caplog.text == ""


def test_a_loaded_model_says_the_same(finished: Tiny, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    model = model_face.load_model(finished.workspace, configurations=(CONFIGURATION,), mirror=False)
    voxels = nibabel.load(finished.scan("case_0")).get_fdata(dtype=np.float32)
    with pytest.raises(DataError, match=r"case odd.nii.gz: channel T1w is 0 everywhere"):
        model.predict(write_zeros(tmp_path, voxels))
    with pytest.raises(DataError, match="the array is 1 everywhere"):
        model.predict(np.ones((9, 9, 9)), spacing_mm=(1.0, 1.0, 1.0))
    model.predict(write_png(tmp_path, voxels))
    for words in ("odd.png (.png): ", "odd.png: is a single slice"):
        assert words in caplog.text
