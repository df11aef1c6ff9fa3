"""Low resolution and cascade through the command line."""

from __future__ import annotations

import json
from pathlib import Path

import nibabel
import pytest

from tests.synthetic.commands import run
from tests.synthetic.scans import head, write_description, write_nifti

SHAPE = (48, 56, 40)
# nnU-Net's rules for so little memory that a patch is a small part of these small scans.
PLAN = ["--planner", "nnunet", "--gpu-memory-gb", "0.02"]
QUICK = ["training.iterations=4", "training.validation_rounds=0", "prediction.step_share=1.0"]


@pytest.fixture(scope="module")
def planned(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("cascade")
    for index in range(5):
        image, labels = head(index, SHAPE)
        write_nifti(root / "raw" / "imagesTr" / f"sub-{index}_0000.nii.gz", image)
        write_nifti(root / "raw" / "labelsTr" / f"sub-{index}.nii.gz", labels)
    write_description(root / "raw", {"background": 0, "dark": 1, "bright": 2}, ("T1w",), 5)
    with pytest.MonkeyPatch.context() as patch:
        assignments = [text for value in QUICK for text in ("--set", value)]
        arguments = [root / "raw", "-w", root / "ws", *PLAN, *assignments, "-c", "3d_cascade_fullres"]
        assert run(patch, "plan_and_preprocess", *arguments) == 0
    return root


def test_a_cascade_is_preprocessed_at_both_voxel_sizes(planned: Path) -> None:
    stores = list((planned / "ws" / "preprocessed").iterdir())
    assert len(stores) == 2
    assert all(len(list(store.glob("*.image.b2nd"))) == 5 for store in stores)


@pytest.mark.parametrize(
    "arguments", [["train", "0"], ["train", "all"], ["predict", "{raw}/imagesTr", "-o", "{root}/out"]]
)
def test_a_second_stage_is_refused_by_name(
    planned: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], arguments: list[str]
) -> None:
    filled = [text.format(raw=planned / "raw", root=planned) for text in arguments]
    assert run(monkeypatch, *filled, "-w", planned / "ws", "-c", "3d_cascade_fullres") == 2
    error = " ".join(capsys.readouterr().err.split())
    assert "3d_cascade_fullres starts from the masks of 3d_lowres" in error
    assert "Use -c with 2d or 3d_fullres or 3d_lowres" in error


def test_the_low_resolution_trains_and_predicts_on_the_scans_own_grid(
    planned: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    low = ["-w", planned / "ws", "-c", "3d_lowres"]
    assert run(monkeypatch, "train", "0", *low) == 0
    fold = planned / "ws" / "models" / "default" / "3d_lowres" / "fold_0"
    (configuration,) = json.loads((fold / "plan.json").read_text())["configurations"]
    assert min(configuration["preprocessing"]["spacing_mm"]) > 1
    assert (fold / "validation" / "metrics.json").is_file()
    scan = planned / "raw" / "imagesTr" / "sub-0_0000.nii.gz"
    assert run(monkeypatch, "predict", scan, "-o", planned / "mask.nii.gz", "--no-mirror", *low) == 0
    assert nibabel.load(planned / "mask.nii.gz").shape == SHAPE


def test_explain_shows_which_stage_comes_first(
    planned: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(monkeypatch, "explain", "-w", planned / "ws", "--json") == 0
    plain = json.loads(capsys.readouterr().out)
    stages = {name: values["previous_stage"] for name, values in plain["configurations"].items()}
    assert stages == {"2d": "", "3d_fullres": "", "3d_lowres": "", "3d_cascade_fullres": "3d_lowres"}
    assert plain["default_configuration"] == "3d_fullres"
