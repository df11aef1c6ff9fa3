"""Single slices, as PNG files, through the whole pipeline."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import SimpleITK

from tests.synthetic.commands import run
from tests.synthetic.scans import head
from tests.synthetic.small_networks import as_options, small_network

SHAPE = (40, 48, 20)
QUICK = ("training.iterations=4", "training.validation_rounds=0", "batch_size=2", *small_network("2d", 2))


def write_slices(root: Path, cases: int) -> Path:
    """Write the middle slice of some heads in nnU-Net's layout."""
    for index in range(cases):
        image, labels = head(index, SHAPE)
        for folder, name, pixels in (
            ("imagesTr", f"sub-{index}_0000.png", np.clip(image[:, :, 10], 0, 255)),
            ("labelsTr", f"sub-{index}.png", labels[:, :, 10]),
        ):
            (root / folder).mkdir(parents=True, exist_ok=True)
            SimpleITK.WriteImage(SimpleITK.GetImageFromArray(pixels.T.astype(np.uint8)), str(root / folder / name))
    description = {
        "channel_names": {"0": "photograph"},
        "labels": {"background": 0, "dark": 1, "bright": 2},
        "numTraining": cases,
        "file_ending": ".png",
    }
    (root / "dataset.json").write_text(json.dumps(description))
    return root


def test_photographs_are_planned_trained_and_predicted_in_2d(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    raw, workspace = write_slices(tmp_path / "raw", 6), tmp_path / "ws"
    assert run(monkeypatch, "plan_and_preprocess", raw, "-w", workspace, *as_options(*QUICK)) == 0
    capsys.readouterr()
    assert run(monkeypatch, "explain", workspace, "--json") == 0
    plain = json.loads(capsys.readouterr().out)
    assert list(plain["configurations"]) == ["2d"]
    decided = {entry["field"]: entry["value"] for entry in plain["decisions"]}
    assert decided["configurations.3d_fullres"] == decided["configurations.3d_lowres"] == "not planned"
    assert run(monkeypatch, "train", "0", "-w", workspace) == 0
    scan = raw / "imagesTr" / "sub-0_0000.png"
    assert run(monkeypatch, "predict", scan, "-o", tmp_path / "mask.png", "-w", workspace) == 0
    assert SimpleITK.ReadImage(str(tmp_path / "mask.png")).GetSize() == SHAPE[:2]
