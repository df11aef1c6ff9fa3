"""The report of `check`, as it is read on a terminal."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.synthetic.commands import run
from tests.synthetic.scans import write_nnunet_dataset


@pytest.mark.parametrize("width", ["80", "120"])
def test_a_sound_data_set_gets_a_summary_and_the_next_command(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], width: str
) -> None:
    monkeypatch.setenv("COLUMNS", width)
    root = write_nnunet_dataset(tmp_path / "my data", 4)
    assert run(monkeypatch, "check", root) == 0
    out = capsys.readouterr().out
    assert "4 cases, nothing to report." in out
    assert "Patients:   4, each with one case" in out
    assert "No errors, no warnings." in out
    assert out.endswith(f"Next: `autoseg plan_and_preprocess '{root}'`\n")


def test_errors_are_counted_and_paths_in_them_stay_whole(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    root = write_nnunet_dataset(tmp_path / ("long-" * 20), 16)
    files = [root / "imagesTr" / f"sub-{number:03d}_0000.nii.gz" for number in range(12)]
    for file in files:
        file.write_bytes(b"none")
    assert run(monkeypatch, "check", root) == 2
    out = capsys.readouterr().out
    assert str(files[0]) in out
    assert "2 more findings of this kind in 2 cases: sub-010, sub-011." in out
    assert "12 errors, no warnings." in out
    assert out.endswith("Next: correct what is listed as error, then check again.\n")
