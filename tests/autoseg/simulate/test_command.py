"""`autoseg simulate` through the command line's own entrance."""

from __future__ import annotations

import json
from pathlib import Path

import nibabel
import pytest

from autoseg.cli import main


def run(monkeypatch: pytest.MonkeyPatch, *arguments: object) -> int:
    monkeypatch.setattr("sys.argv", ["autoseg", "simulate", *[str(argument) for argument in arguments]])
    with pytest.raises(SystemExit) as stop:
        main()
    return int(stop.value.code or 0)


def test_options_reach_the_simulator_and_are_recorded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    arguments = ["--cases", 2, "--held-out", 1, "--spacing-mm", 5, "--anisotropic-share", 0.5, "--flair", "--head"]
    assert run(monkeypatch, tmp_path / "out", *arguments, "--shape", "44,52,46", "--lesion-value", 255) == 0
    record = json.loads((tmp_path / "out" / "simulation.json").read_text(encoding="utf-8"))
    options = record["options"]
    assert (options["voxels"], options["anisotropic_share"]) == ("thick-slices", 0.5)
    assert (options["head"], options["flair"], options["lesion_value"]) == (True, True, 255)
    assert options["shape"] == [44, 52, 46]
    images = sorted((tmp_path / "out").glob("images*/*.nii.gz"))
    assert len(images) == 6
    assert all(nibabel.load(path).shape == (44, 52, 46) for path in images)


@pytest.mark.parametrize(("arguments", "voxels"), [((), "sites"), (("--cubic",), "cubic")])
def test_sites_have_their_own_voxels_unless_one_size_is_asked_for(
    arguments: tuple[str, ...], voxels: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert run(monkeypatch, tmp_path / "out", "--cases", 1, "--held-out", 0, "--spacing-mm", 6, *arguments) == 0
    record = json.loads((tmp_path / "out" / "simulation.json").read_text(encoding="utf-8"))
    assert record["options"]["voxels"] == voxels


def test_planted_defects_are_listed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = ["--cases", 1, "--held-out", 0, "--spacing-mm", 6, "--oddities"]
    assert run(monkeypatch, tmp_path / "out", *arguments) == 0
    shown = capsys.readouterr().out
    assert "missing-label: odd_missing-label. Leave the label map out." in shown
    assert "duplicate-image: sim_0001, odd_duplicate-image." in shown
    record = json.loads((tmp_path / "out" / "simulation.json").read_text(encoding="utf-8"))
    assert "missing-channel" not in record["options"]["oddities"]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--cubic", "--anisotropic-share", "0.3"), "Leave one of them out"),
        (("--shape", "big"), "shape is 'big'"),
        (("--lesion-masks", "/nowhere"), "/nowhere: is not a folder"),
    ],
)
def test_wishes_that_cannot_be_met_are_one_message(
    arguments: tuple[str, ...],
    message: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert run(monkeypatch, tmp_path / "out", *arguments) == 2
    shown = capsys.readouterr().err
    assert message in shown
    assert "Traceback" not in shown
    assert not (tmp_path / "out").exists()
