"""The record of a prediction: read back by the next run, whose kept scans keep what was said of them."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from autoseg.pipeline.predictions.record import (
    CaseRecord,
    PredictedDice,
    PredictionRecord,
    RecordedFold,
    RecordedModel,
    RecordedWarning,
    list_versions,
    quantify,
    read_record,
    write_record,
)
from autoseg.pipeline.scores.showing import Amount

MODEL = RecordedModel(
    dataset="data",
    description="1 fold",
    source="bundle",
    name="model.zip",
    sha256="0" * 64,
    folds=(RecordedFold(configuration="3d_fullres", fold="0", networks=1),),
)
DICE = PredictedDice(value=0.7, low=0.6, high=0.8, error=0.1)
MADE = CaseRecord(
    case="x/a",
    files=("a.nii.gz",),
    mask="x/a.nii.gz",
    result="predicted",
    seconds=3.0,
    quantities=quantify(["lesion"], [Amount(ml=0.05, lesions=2, volumes_mm3=(40.0, 10.0))]),
    warnings=(RecordedWarning(kind="spacing", message="coarse"),),
    predicted_dice=DICE,
    weights_sha256="0" * 64,
)
FAILED = CaseRecord(case="b", files=("b.nii.gz", None), mask=None, result="failed", error="broken")


def make(*cases: CaseRecord) -> PredictionRecord:
    return PredictionRecord(
        versions=list_versions(), device="cpu", model=MODEL, started="2026-01-01T00:00:00", seconds=4.0, cases=cases
    )


@pytest.fixture
def masks(tmp_path: Path) -> Path:
    (tmp_path / "masks" / "x").mkdir(parents=True)
    (tmp_path / "masks" / "x" / "a.nii.gz").touch()
    return tmp_path / "masks"


def test_a_record_is_read_back_as_it_was_written(tmp_path: Path, masks: Path) -> None:
    path = tmp_path / "prediction.json"
    write_record(path, make(MADE, FAILED), masks)
    assert read_record(path) == make(MADE, FAILED)
    assert {"autoseg", "python", "torch"} < make().versions.keys()
    quantity = MADE.quantities[0]  # type: ignore[index]
    assert (quantity.volume_mm3, quantity.lesion_volumes_mm3) == (50.0, (40.0, 10.0))


def test_kept_scans_keep_what_was_said_when_their_masks_were_made(tmp_path: Path, masks: Path) -> None:
    path = tmp_path / "prediction.json"
    write_record(path, make(MADE, FAILED), masks)
    edited = quantify(["lesion"], [Amount(ml=0.01, lesions=1, volumes_mm3=(10.0,))])
    kept = CaseRecord(case="x/a", files=("a.nii.gz",), mask="x/a.nii.gz", result="kept", quantities=edited)
    write_record(path, make(kept), masks)
    read = read_record(path)
    assert read is not None
    assert read.cases == (replace(MADE, result="kept", quantities=edited),), "the failed one has no mask, and goes"


def test_scans_of_earlier_runs_stay_as_long_as_their_masks_do(tmp_path: Path, masks: Path) -> None:
    path = tmp_path / "prediction.json"
    write_record(path, make(MADE), masks)
    write_record(path, make(FAILED), masks)
    read = read_record(path)
    assert read is not None
    assert read.cases == (FAILED, replace(MADE, result="kept"))
    (masks / "x" / "a.nii.gz").unlink()
    write_record(path, make(FAILED), masks)
    read = read_record(path)
    assert read is not None
    assert read.cases == (FAILED,)


@pytest.mark.parametrize("content", ["", "{}", "[1]", '{"schema_version": 99, "cases": []}', "x"])
def test_another_file_is_no_record(tmp_path: Path, content: str) -> None:
    (tmp_path / "prediction.json").write_text(content)
    assert read_record(tmp_path / "prediction.json") is None
    assert read_record(tmp_path / "none.json") is None


def test_a_record_that_holds_a_simulated_scan_of_an_earlier_run_is_marked(tmp_path: Path, masks: Path) -> None:
    path = tmp_path / "prediction.json"
    write_record(path, make(replace(MADE, simulated=True)), masks)
    write_record(path, make(FAILED), masks)
    read = read_record(path)
    assert read is not None
    assert [case.simulated for case in read.cases] == [False, True]
    assert read.simulated
