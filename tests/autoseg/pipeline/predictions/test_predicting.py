"""New scans as people bring them: other formats, DICOM, channels that are missing."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import SimpleITK

import autoseg
from autoseg.workspace.workspace import Workspace
from dataset_fingerprints.files.jsonfiles import read_json, write_json
from dataset_fingerprints.reading.images import read_image, read_label_map
from dataset_fingerprints.reading.kept_locale import keeping_locale
from planners.plan import Plan
from planners.run import Run
from planners.stage_inputs import CropTo
from tests.synthetic.commands import run
from tests.synthetic.scans import affine_of, head, write_nifti


def write_scan(folder, name, suffix=".nii.gz", channels=(0, 1)):
    image, _ = head(50)
    for channel in channels:
        nifti = write_nifti(folder / f"{name}_{channel:04d}.nii.gz", image, affine_of(flips=(-1, 1, 1)))
        if suffix != ".nii.gz":
            SimpleITK.WriteImage(SimpleITK.ReadImage(str(nifti)), str(folder / f"{name}_{channel:04d}{suffix}"))
            nifti.unlink()


def write_series(folder, voxels):
    """Write (x, y, z) voxels as one DICOM file per slice, the last slice first."""
    folder.mkdir(parents=True)
    writer = SimpleITK.ImageFileWriter()
    writer.KeepOriginalImageUIDOn()
    for index in range(voxels.shape[2]):
        image = SimpleITK.GetImageFromArray(voxels[:, :, index].T.astype(np.int16)[None])
        for tag, value in {
            "0008|0060": "MR",
            "0020|000d": "1.2.3",
            "0020|000e": "1.2.3.4",
            "0020|0032": f"0\\0\\{index}",
            "0020|0037": "1\\0\\0\\0\\1\\0",
            "0020|0013": str(index + 1),
            "0008|0018": f"1.2.3.4.{index + 1}",
            "0018|0050": "1",
            "0028|0030": "1\\1",
        }.items():
            image.SetMetaData(tag, value)
        writer.SetFileName(str(folder / f"{voxels.shape[2] - index:03d}.dcm"))
        with keeping_locale():
            writer.Execute(image)


# The format of a scan, and that of its mask.
FORMATS = {".nii.gz": ".nii.gz", ".nii": ".nii", ".nrrd": ".nrrd", ".mha": ".mha", ".mhd": ".mha"}


def test_masks_have_the_formats_and_grids_of_their_scans(trained, tmp_path, monkeypatch):
    names = {suffix: f"in{suffix.replace('.', '-')}" for suffix in FORMATS}
    for suffix, name in names.items():
        write_scan(tmp_path / "new", name, suffix)
    arguments = ["predict", tmp_path / "new", "-o", tmp_path / "out", "-w", trained / "ws", "--no-mirror"]
    assert run(monkeypatch, *arguments) == 0
    paths = {suffix: tmp_path / "out" / f"{name}{FORMATS[suffix]}" for suffix, name in names.items()}
    assert sorted((tmp_path / "out").iterdir()) == sorted(paths.values())
    expected = read_label_map(paths[".nii.gz"]).voxels
    for suffix, path in paths.items():
        mask, scan = read_label_map(path), read_image([tmp_path / "new" / f"{names[suffix]}_0000{suffix}"])
        assert mask.source_grid.shape == scan.source_grid.shape
        assert np.allclose(mask.source_grid.matrix(), scan.source_grid.matrix(), atol=1e-5)
        assert np.array_equal(mask.voxels, expected)


def test_dicom_series_are_scans_alone_and_in_a_folder(trained, tmp_path, monkeypatch):
    image, _ = head(50)
    for channel in range(2):
        write_series(tmp_path / "new" / f"patient_{channel:04d}", image)
    arguments = ["-w", trained / "ws", "--no-mirror"]
    assert run(monkeypatch, "predict", tmp_path / "new", "-o", tmp_path / "out", *arguments) == 0
    alone = tmp_path / "new" / "patient_0000"
    assert run(monkeypatch, "predict", alone, "-o", tmp_path / "alone.nii.gz", *arguments) == 0
    mask = read_label_map(tmp_path / "out" / "patient.nii.gz")
    assert mask.source_grid.shape == image.shape
    assert np.array_equal(mask.voxels, read_label_map(tmp_path / "alone.nii.gz").voxels)


def test_a_missing_channel_is_refused_by_name_and_taken_on_request(trained, tmp_path, monkeypatch, capsys):
    write_scan(tmp_path / "new", "whole")
    write_scan(tmp_path / "new", "half", channels=(1,))
    arguments = ["predict", tmp_path / "new", "-o", tmp_path / "out", "-w", trained / "ws", "--no-mirror"]
    assert run(monkeypatch, *arguments) == 2
    error = " ".join(capsys.readouterr().err.split())
    assert "1 scan lacks channels: half (T1w)" in error
    assert "--zero-missing" in error
    assert not (tmp_path / "out").exists()
    assert run(monkeypatch, *arguments, "--zero-missing") == 0
    assert "1 scan lacks channels, filled with zeros" in " ".join(capsys.readouterr().out.split())
    whole, half = (read_label_map(tmp_path / "out" / f"{name}.nii.gz") for name in ("whole", "half"))
    assert half.source_grid == whole.source_grid


@pytest.mark.parametrize(
    ("names", "message"),
    [
        (["a_0000", "a_0001", "a_0002"], r"expected 2 channels per scan \(T1w, FLAIR\).*a \(3\)"),
        (["a_0000", "a_0005"], r"a \(2\)"),
        (["a"], r"a \(1\)"),
    ],
)
def test_files_that_do_not_fit_the_channels_are_refused(trained, tmp_path, monkeypatch, capsys, names, message):
    import re

    for name in names:
        write_nifti(tmp_path / "new" / f"{name}.nii.gz", head(50)[0])
    assert run(monkeypatch, "predict", tmp_path / "new", "-o", tmp_path / "out", "-w", trained / "ws") == 2
    assert re.search(message, " ".join(capsys.readouterr().err.split()))


def test_a_damaged_scan_is_named_and_the_others_are_predicted(trained, tmp_path, monkeypatch, capsys):
    for name in ("a", "b"):
        write_scan(tmp_path / "new", name)
    damaged = tmp_path / "new" / "a_0001.nii.gz"
    damaged.write_bytes(damaged.read_bytes()[:2000])
    arguments = ["predict", tmp_path / "new", "-o", tmp_path / "out", "-w", trained / "ws", "--no-mirror"]
    assert run(monkeypatch, *arguments) == 1
    assert "a_0001.nii.gz: is truncated" in " ".join(capsys.readouterr().err.split())
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["b.nii.gz"]


def refine(trained: Path, root: Path, threshold: float) -> Path:
    """Copy a workspace and let the same weights look at the box of what they have found."""
    shutil.copytree(trained / "ws", root)
    workspace = Workspace(root=root)
    plan = read_json(workspace.plan("default"), Plan)
    first = next(entry for entry in plan.configurations if entry.name == "3d_fullres")
    crop = CropTo(configuration=first.name, margin_mm=3.0, threshold=threshold)
    second = replace(first, name="refined", inputs=(crop,))
    write_json(workspace.plan("default"), replace(plan, configurations=(*plan.configurations, second)))
    trained_fold, fold = (workspace.fold("default", name, "0") for name in (first.name, second.name))
    run = read_json(trained_fold.run, Run)
    write_json(fold.run, replace(run, configuration=second.name, configurations=(*run.configurations, second)))
    shutil.copy(trained_fold.weights, fold.weights)
    return root


def test_a_stage_that_finds_nothing_leaves_the_whole_scan_and_that_is_reported(trained, tmp_path, monkeypatch, capsys):
    write_scan(tmp_path / "new", "a")
    masks = []
    for threshold, configuration in ((0.9999, "refined"), (1e-30, "refined"), (0.5, "3d_fullres")):
        workspace = refine(trained, tmp_path / f"ws-{threshold}", threshold)
        out = tmp_path / f"{threshold}.nii.gz"
        arguments = ["-c", configuration, "-w", workspace, "--no-mirror"]
        assert run(monkeypatch, "predict", tmp_path / "new", "-o", out, *arguments) == 0
        said = " ".join(capsys.readouterr().out.split())
        whole = (
            "1 scan was looked at whole (a): 3d_fullres found nothing to crop to, so refined looked at the whole scan."
        )
        assert (whole in said) == (threshold == 0.9999)
        masks.append(read_label_map(out).voxels)
    # The same network has looked at the whole scan each time.
    assert np.array_equal(masks[0], masks[2])
    assert np.array_equal(masks[1], masks[2])


def test_masks_do_not_go_among_the_scans(trained, tmp_path, monkeypatch, capsys):
    write_scan(tmp_path / "new", "a")
    arguments = ["predict", tmp_path / "new", "-w", trained / "ws", "--no-mirror", "-o", tmp_path / "new"]
    assert run(monkeypatch, *arguments) == 2
    assert "holds the scans" in capsys.readouterr().err
    assert len(list((tmp_path / "new").iterdir())) == 2


def test_masks_that_are_there_stay_and_files_that_are_none_do_not(trained, tmp_path, monkeypatch, capsys):
    for name in "abcd":
        write_scan(tmp_path / "new", name)
    arguments = ["predict", tmp_path / "new", "-w", trained / "ws", "--no-mirror", "-o", tmp_path / "out"]
    write_nifti(tmp_path / "out" / "a.nii.gz", head(50)[1], affine_of(flips=(-1, 1, 1)))
    mine = (tmp_path / "out" / "a.nii.gz").read_bytes()
    (tmp_path / "out" / "b.nii.gz").write_bytes(b"")
    (tmp_path / "out" / "c.nii.gz").write_bytes(mine[:-9])
    for name in (".partial-abcdefgh-d.nii.gz", ".partial-abcdefgh-of-others.nii.gz"):
        (tmp_path / "out" / name).write_bytes(b"half")
    assert run(monkeypatch, *arguments) == 0
    said = " ".join(capsys.readouterr().out.split())
    assert "1 mask is there already and stays as it is. Give --overwrite" in said
    assert "2 files in the place of masks cannot be read as masks and are replaced: b.nii.gz, c.nii.gz." in said
    assert f"3 masks made, 1 was there and stays: {tmp_path / 'out'}" in said
    assert (tmp_path / "out" / "a.nii.gz").read_bytes() == mine
    names = [path.name for path in sorted((tmp_path / "out").iterdir())]
    assert names == [".partial-abcdefgh-of-others.nii.gz", "a.nii.gz", "b.nii.gz", "c.nii.gz", "d.nii.gz"]
    made = read_label_map(tmp_path / "out" / "d.nii.gz").voxels
    for name in "bc":
        assert np.array_equal(read_label_map(tmp_path / "out" / f"{name}.nii.gz").voxels, made)
    masks = autoseg.predict(tmp_path / "new", tmp_path / "out", trained / "ws", mirror=False)
    assert (list(masks), len(masks), masks.made()) == ([tmp_path / "out" / f"{name}.nii.gz" for name in "abcd"], 4, ())
    assert masks.describe() == "0 masks made, 4 were there and stay"


def test_a_fold_that_cannot_be_is_refused(trained, tmp_path, monkeypatch, capsys):
    write_scan(tmp_path / "new", "a")
    arguments = ["predict", tmp_path / "new", "-w", trained / "ws", "-o", tmp_path / "out", "-f", "all"]
    assert run(monkeypatch, *arguments) == 2
    assert "There is no fold 'all'. Give numbers of folds" in capsys.readouterr().err
