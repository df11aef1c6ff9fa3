"""`weak-labels` from the command line, on scans of two textures."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.synthetic.commands import run
from tests.synthetic.patches import SIZE, write_field_scans


def test_the_accuracy_is_shown_by_class_and_given_again_it_keeps_what_is_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    fields = write_field_scans(tmp_path, 2)
    command = ("weak-labels", fields.patches, fields.scans, "-o", tmp_path / "weak", "--size", SIZE, "--step", 5)
    assert run(monkeypatch, *command) == 0
    shown = " ".join(capsys.readouterr().out.split())
    assert "100.0% are given their class by classifiers of patches of other scans" in shown
    assert "│ striped │ 8 │ 0 │ 8 │" in shown
    assert "Label maps of 2 scans." in shown
    assert run(monkeypatch, *command) == 0
    assert "Label maps of 2 scans, 2 of them as they were." in " ".join(capsys.readouterr().out.split())


def test_a_damaged_scan_is_named_and_the_others_are_labelled(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    fields = write_field_scans(tmp_path, 2)
    more = write_field_scans(tmp_path / "more", 3)
    (more.scans / "scan-1.nii.gz").write_bytes(b"nothing")
    out = tmp_path / "weak"
    options = ("-o", out, "--patch-scans", fields.scans, "--size", SIZE, "--step", 5)
    assert run(monkeypatch, "weak-labels", fields.patches, more.scans, *options) != 0
    said = capsys.readouterr()
    assert "1 of 3 scans cannot be labelled" in " ".join(said.err.split())
    assert sorted(path.name for path in out.glob("*.nii.gz")) == ["scan-0.nii.gz", "scan-2.nii.gz"]
    assert "Label maps of 2 scans." in " ".join(said.out.split())


@pytest.mark.parametrize(
    ("option", "value", "message"),
    [
        ("--size", 2, "--size is 2. Expected at least 3 voxels"),
        ("--step", 99, "--step is 99. Expected 1 to 30"),
        ("--cost", 0, "--cost is 0. Expected more than 0"),
        ("--levels", 1, "--levels is 1. Expected at least 2"),
    ],
)
def test_options_that_make_no_sense_are_refused(
    option: str,
    value: float,
    message: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    words = ("weak-labels", tmp_path / "patches.csv", tmp_path, "-o", tmp_path / "weak", option, value)
    assert run(monkeypatch, *words) == 2
    assert message in " ".join(capsys.readouterr().err.split())
