"""Scans that can be predicted but not as well as others: each is named, with what was assumed and what to do."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import nibabel
import numpy as np
import pytest
import SimpleITK
from numpy.typing import NDArray

from autoseg.pipeline import model_face
from dataset_fingerprints.reading.images import read_label_map
from tests.synthetic.commands import run
from tests.synthetic.scans import write_nifti
from tests.synthetic.tiny import CONFIGURATION, Tiny

Voxels = NDArray[np.float32]


def write_zeros(folder: Path, voxels: Voxels) -> Path:
    return write_nifti(folder / "odd.nii.gz", np.zeros_like(voxels))


def write_sevens(folder: Path, voxels: Voxels) -> Path:
    return write_nifti(folder / "odd.nii.gz", np.full_like(voxels, 7))


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


EMPTY = ["Its mask is left empty", "1 scan holds one value everywhere and got an empty mask: odd."]
ODD: dict[str, tuple[Callable[[Path, Voxels], Path], list[str]]] = {
    "zeros": (write_zeros, ["case odd: channel T1w is 0 everywhere", *EMPTY]),
    "one value": (write_sevens, ["case odd: channel T1w is 7 everywhere", *EMPTY]),
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
    marked = int(np.count_nonzero(read_label_map(mask).voxels))
    assert (marked == 0) == (kind in ("zeros", "one value"))


def test_a_sound_scan_is_predicted_without_a_warning(
    finished: Tiny, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    model_face.predict(finished.scan("case_0"), tmp_path, finished.workspace, configurations=(CONFIGURATION,))
    assert caplog.text == ""


def test_a_loaded_model_says_the_same(finished: Tiny, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    model = model_face.load_model(finished.workspace, configurations=(CONFIGURATION,), mirror=False)
    voxels = nibabel.load(finished.scan("case_0")).get_fdata(dtype=np.float32)
    assert not model.predict(write_zeros(tmp_path, voxels)).labels.any()
    assert not model.predict(np.ones((9, 9, 9)), spacing_mm=(1.0, 1.0, 1.0)).labels.any()
    model.predict(write_png(tmp_path, voxels))
    for words in ("channel T1w is 0", "the array holds one value", "odd.png (.png): ", "odd.png: is a single slice"):
        assert words in caplog.text
