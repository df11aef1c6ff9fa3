"""Names of what lies beside the masks."""

from __future__ import annotations

from pathlib import Path

import pytest

from autoseg.pipeline.predictions.places import holds_masks, is_report, report_folder, report_of_mask
from tests.autoseg.pipeline.predictions.scans import touch


def test_the_report_lies_beside_the_masks_whatever_their_folder_is_called(tmp_path: Path) -> None:
    for name in ("masks", "masks_1.5mm", "model.v2"):
        assert report_folder(tmp_path / name) == tmp_path / f"{name}-report"
    assert report_of_mask(tmp_path / "a.nii.gz") == tmp_path / "a-report"


@pytest.mark.parametrize("name", ["prediction.json", "predictions.csv"])
def test_a_folder_of_masks_is_known_by_its_report(tmp_path: Path, name: str) -> None:
    touch(tmp_path, "out/a.nii.gz", "other-report/notes.txt")
    assert not holds_masks(tmp_path / "out")
    touch(tmp_path, f"out-report/{name}")
    assert holds_masks(tmp_path / "out")
    assert is_report(tmp_path / "out-report")
    assert not is_report(tmp_path / "other-report")
