"""`evaluate --levels` on masks whose scores are worked out by hand."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
import pytest

import autoseg
from autoseg.evaluation import read_evaluation
from dataset_fingerprints.errors import DataError
from tests.synthetic.commands import run
from tests.synthetic.scans import write_nifti

SHAPE = (8, 4, 4)


@pytest.fixture
def masks(tmp_path: Path) -> tuple[Path, Path]:
    """Two lesions of class 1, of which one is found; a lesion of class 2 without a prediction."""
    first, found = np.zeros(SHAPE, dtype=np.uint8), np.zeros(SHAPE, dtype=np.uint8)
    first[0:2, 0, 0], first[5, 3, 3] = 1, 1
    found[0, 0, 0], found[7, 0, 0] = 1, 2
    second = np.zeros(SHAPE, dtype=np.uint8)
    second[3, 3, 3] = 2
    for folder, pair in (("reference", (first, second)), ("masks", (found, np.zeros_like(found)))):
        for name, mask in zip("ab", pair, strict=True):
            write_nifti(tmp_path / folder / f"{name}.nii.gz", mask)
    return tmp_path / "masks", tmp_path / "reference"


def test_the_command_shows_and_writes_three_levels(
    masks: tuple[Path, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "scores.json"
    assert run(monkeypatch, "evaluate", *masks, "-o", out, "--convention", "llambias2024", "--levels") == 0
    shown = capsys.readouterr().out
    assert "Scan, lesion and voxel level" in shown
    assert "Without a predicted lesion: 1 scan, missed at scan level" in shown.replace("\n", " ")
    with (tmp_path / "scores-levels.csv").open(encoding="utf-8") as stream:
        first, second = csv.DictReader(stream)
    # Scan a: one voxel of each class, of which the first counts; it is of class 1.
    assert [first[name] for name in ("scans", "right", "no prediction", "called so")] == ["1", "1", "0", "1"]
    assert [second[name] for name in ("scans", "right", "no prediction", "called so")] == ["1", "0", "1", "0"]
    assert [float(first[f"scan {name}"]) for name in ("precision", "sensitivity", "f1")] == [1, 1, 1]
    assert (second["scan precision"], float(second["scan sensitivity"])) == ("", 0)
    # Class 1 in scan a: one of two lesions found, none false; 1 of 3 voxels.
    assert [float(first[name]) for name in ("lesion_precision", "lesion_recall")] == [1, 0.5]
    assert float(first["lesion_f1"]) == pytest.approx(2 / 3, abs=1e-6)
    assert float(first["dice"]) == pytest.approx(2 * 1 / (1 + 3), abs=1e-6)
    assert float(first["volume_similarity"]) == pytest.approx(1 - 2 / 4, abs=1e-6)
    assert float(second["dice"]) == 0


def test_metrics_that_a_convention_lacks_are_added(masks: tuple[Path, Path], tmp_path: Path) -> None:
    out = tmp_path / "scores.json"
    autoseg.evaluate(*masks, levels=True, out=out)
    names = {entry.name for entry in read_evaluation(out).convention.metrics}
    assert {"volume_similarity", "lesion_precision", "lesion_recall"} <= names
    assert (tmp_path / "scores-levels.csv").is_file()


def test_of_one_label_there_are_no_levels_but_scores(masks: tuple[Path, Path], tmp_path: Path) -> None:
    out = tmp_path / "scores.json"
    with pytest.raises(DataError, match="two classes of lesions or more"):
        autoseg.evaluate(*masks, labels=[1], levels=True, out=out)
    assert len(read_evaluation(out).cases) == 2
