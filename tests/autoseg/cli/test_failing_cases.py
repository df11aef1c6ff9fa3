"""Single files that cannot be used: each is named, and the other cases are done."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from tests.autoseg.cli.places import Place
from tests.synthetic.commands import run
from tests.synthetic.scans import head, write_nifti

# what is wrong with a file -> how it is made
SPOILT: dict[str, Callable[[Path], object]] = {
    "nothing in it": lambda path: path.write_bytes(b""),
    "text": lambda path: path.write_text("no scan", encoding="utf-8"),
    "half a file": lambda path: path.write_bytes(path.read_bytes()[:2000]),
    "voxels of 2 m": lambda path: write_nifti(path, head(1)[0], np.diag([2000.0, 2000.0, 2000.0, 1.0])),
    "an axis of length 0": lambda path: write_nifti(path, head(1)[0][:0]),
    "not a number": lambda path: write_nifti(path, head(1)[0] * np.nan),
    "a link to itself": lambda path: (path.unlink(), path.symlink_to(path)),
    "a link to nothing": lambda path: (path.unlink(), path.symlink_to(path.with_name("none.nii.gz"))),
}


@pytest.mark.parametrize("kind", SPOILT)
def test_one_scan_that_fails_does_not_keep_the_others_from_being_predicted(
    place: Place, kind: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in "amz":
        write_nifti(place.root / "scans" / f"{name}.nii.gz", head(3)[0])
    SPOILT[kind](place.root / "scans" / "m.nii.gz")
    command = ["predict", "{root}/scans", "-w", "{ws}", "--no-mirror", "-o", "{root}/out"]
    code = run(monkeypatch, *place.fill(*command))
    said = " ".join(capsys.readouterr().err.split())
    made = sorted(path.name for path in (place.root / "out").iterdir())
    assert (code, made) == (1, ["a.nii.gz", "z.nii.gz"])
    assert "1 of 3 scans could not be predicted: case m" in said
    assert "Traceback" not in said


@pytest.mark.parametrize("kind", SPOILT)
def test_one_case_that_fails_is_a_finding_and_the_others_are_checked(
    place: Place, kind: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    shutil.copytree(place.sound / "raw", place.root / "raw")
    SPOILT[kind](place.root / "raw" / "imagesTr" / "sub-002_0000.nii.gz")
    code = run(monkeypatch, *place.fill("check", "{root}/raw", "-o", "{root}/check.json"))
    said = capsys.readouterr()
    report = json.loads((place.root / "check.json").read_text(encoding="utf-8"))
    assert {finding["case"] for finding in report["findings"] if finding["grade"] == "error"} <= {"sub-002"}
    assert report["cases"] == 6
    # Voxels of any size are a warning: they can be worked with.
    assert code == (2 if any(finding["grade"] == "error" for finding in report["findings"]) else 0)
    assert "sub-002" in {finding["case"] for finding in report["findings"]}
    assert "Traceback" not in said.err + said.out


def test_a_mask_that_cannot_be_scored_is_listed_and_the_others_are_scored(
    place: Place, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    shutil.copytree(place.sound / "raw" / "labelsTr", place.root / "masks")
    (place.root / "masks" / "sub-002.nii.gz").write_bytes(b"nothing")
    command = ["evaluate", "{root}/masks", "{raw}/labelsTr", "-o", "{root}/metrics.json"]
    assert run(monkeypatch, *place.fill(*command)) == 1
    said = capsys.readouterr()
    assert "5 of 6 cases" in said.out
    assert "1 of 6 cases cannot be scored, and all figures are of the other 5" in said.err
    plain = json.loads((place.root / "metrics.json").read_text(encoding="utf-8"))
    assert [failure["case"] for failure in plain["failures"]] == ["sub-002"]
    assert len(plain["cases"]) == 5
