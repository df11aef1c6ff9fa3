"""The table and the pictures that `predict` leaves beside the folder of the masks."""

from __future__ import annotations

import csv
import fcntl
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import autoseg
from autoseg.pipeline.predictions import prediction_report
from autoseg.pipeline.predictions.places import TURN, report_folder
from autoseg.pipeline.predictions.prediction_report import PredictionReport
from autoseg.pipeline.predictions.record import read_record
from autoseg.reporting import is_drawn
from dataset_fingerprints.errors import PartlyDoneError
from dataset_fingerprints.files.jsonfiles import write_json
from tests.synthetic.commands import run
from tests.synthetic.scans import affine_of, head, write_nifti
from tests.synthetic.tiny import CONFIGURATION, SHAPE, Tiny

MINE = "case,input file,mask,result,my notes,warnings\na,b,c,d,keep this,f\n"


def write_scans(folder: Path, *names: str, spacing: float = 1.0) -> Path:
    for number, name in enumerate(names):
        write_nifti(folder / f"{name}.nii.gz", head(70 + number, SHAPE)[0], np.diag([spacing] * 3 + [1.0]))
    return folder


def predict(tiny: Tiny, scans: Path, out: Path, **options: object):
    return autoseg.predict(scans, out, tiny.workspace.root, configurations=[CONFIGURATION], **options)


def rows_of(table: Path) -> dict[str, dict[str, str]]:
    with table.open(encoding="utf-8-sig", newline="") as stream:
        return {row["case"]: row for row in csv.DictReader(stream)}


def test_every_scan_has_a_row_and_a_place_in_the_picture(finished, tmp_path, capsys):
    masks = predict(finished, write_scans(tmp_path / "scans", "a", "b"), tmp_path / "out")
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == ["a.nii.gz", "b.nii.gz"]
    assert masks.table == tmp_path / "out-report" / "predictions.csv"
    assert masks.pictures == (tmp_path / "out-report" / "contact_sheet.png",)
    rows = rows_of(masks.table)
    assert list(rows) == ["a", "b"]
    assert list(rows["a"]) == ["case", "input file", "mask", "result", "dark: ml", "dark: lesions", "warnings"]
    assert rows["a"]["input file"] == str(tmp_path / "scans" / "a.nii.gz")
    assert (rows["a"]["mask"], rows["a"]["result"]) == ("a.nii.gz", "predicted")
    voxels = np.asarray(
        autoseg.load_model(finished.workspace.root, configurations=[CONFIGURATION])
        .predict(tmp_path / "scans" / "a.nii.gz")
        .labels
    )
    assert float(rows["a"]["dark: ml"]) == pytest.approx((voxels == 1).sum() / 1000, abs=1e-3)
    with Image.open(masks.pictures[0]) as picture:
        picture.verify()
    assert capsys.readouterr().out == ""


def test_masks_that_stay_and_scans_that_fail_have_rows_too(tiny, tmp_path):
    scans = write_scans(tmp_path / "scans", "a", "b", spacing=4.0)
    first = predict(tiny, scans, tmp_path / "out")
    picture = first.pictures[0].read_bytes()
    before = rows_of(first.table)
    assert "Voxels of 4x4x4 mm" in before["a"]["warnings"]
    assert {warning.kind for warning in first.warnings} >= {"spacing"}
    again = predict(tiny, scans, tmp_path / "out")
    assert again.pictures == ()
    assert first.pictures[0].read_bytes() == picture
    kept = rows_of(again.table)
    assert [row["result"] for row in kept.values()] == ["kept", "kept"]
    for name in "ab":
        assert {**kept[name], "result": ""} == {**before[name], "result": ""}
    (scans / "c.nii.gz").write_bytes(b"nothing")
    with pytest.raises(PartlyDoneError) as caught:
        predict(tiny, scans, tmp_path / "out")
    rows = rows_of(caught.value.result.table)
    assert [row["result"] for row in rows.values()] == ["kept", "kept", "failed"]
    assert "c.nii.gz" in rows["c"]["warnings"]
    assert rows["c"]["dark: ml"] == ""


def test_masks_of_scans_of_the_same_names_elsewhere_are_doubted_and_listed_with_their_own_files(
    finished, tmp_path, caplog
):
    first, second = write_scans(tmp_path / "first", "a"), write_scans(tmp_path / "second", "z", "a")
    predict(finished, first, tmp_path / "out")
    for _ in range(2):
        caplog.clear()
        masks = predict(finished, second, tmp_path / "out")
        assert "were made of other scans of the same names (1): a.nii.gz" in caplog.text
        assert rows_of(masks.table)["a"]["input file"] == str(first / "a.nii.gz")
    predict(finished, second, tmp_path / "out", overwrite=True)
    assert rows_of(masks.table)["a"]["input file"] == str(second / "a.nii.gz")


def test_scans_that_are_predicted_one_after_the_other_share_a_table(tiny, tmp_path):
    scans = write_scans(tmp_path / "scans", "a", "b", "c")
    for name in "abc":
        masks = predict(tiny, scans / f"{name}.nii.gz", tmp_path / "out")
    assert sorted(rows_of(masks.table)) == ["a", "b", "c"]
    (tmp_path / "out" / "b.nii.gz").unlink()
    masks = predict(tiny, scans / "a.nii.gz", tmp_path / "out", overwrite=True)
    assert sorted(rows_of(masks.table)) == ["a", "c"]


def test_no_other_process_writes_the_table_between_its_reading_and_its_writing(finished, tmp_path, monkeypatch):
    write, alone = prediction_report.write_table, []

    def watch(path, table):
        with (path.parent / TURN).open("rb+") as stream:
            try:
                fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                alone.append(path.name)
        write(path, table)

    monkeypatch.setattr(prediction_report, "write_table", watch)
    predict(finished, write_scans(tmp_path / "scans", "a"), tmp_path / "out")
    assert set(alone) == {"predictions.csv"}


def test_a_mask_with_a_name_of_its_own_has_a_record_beside_it_and_nothing_else(tiny, tmp_path):
    scans = write_scans(tmp_path / "scans", "a")
    masks = predict(tiny, scans / "a.nii.gz", tmp_path / "mine" / "mask.nii.gz")
    assert (masks.table, masks.pictures) == (None, ())
    assert masks.record == tmp_path / "mine" / "mask-prediction.json"
    assert sorted(path.name for path in (tmp_path / "mine").iterdir()) == ["mask-prediction.json", "mask.nii.gz"]
    assert not list(tmp_path.glob("*-report"))
    record = read_record(masks.record)
    assert record.model.name == tiny.workspace.root.name
    (case,) = record.cases
    assert (case.case, case.mask, case.result) == ("a", "mask.nii.gz", "predicted")


def test_a_mask_with_a_name_of_its_own_that_another_model_made_is_known_by_its_record(tiny, tmp_path, caplog):
    scan, out = write_scans(tmp_path / "scans", "a") / "a.nii.gz", tmp_path / "mask.nii.gz"
    place = predict(tiny, scan, out).record
    predict(tiny, scan, out)
    assert "Masks that stay" not in caplog.text
    record = read_record(place)
    write_json(place, replace(record, cases=(replace(record.cases[0], weights_sha256="0" * 64),)))
    masks = predict(tiny, scan, out)
    assert masks.kept == {out}
    assert "Masks that stay but were made with other weights" in caplog.text


def test_a_mask_with_a_name_of_its_own_is_recorded_for_one_scan(tiny, tmp_path):
    scans, out = write_scans(tmp_path / "scans", "a", "b"), tmp_path / "mask.nii.gz"
    predict(tiny, scans / "a.nii.gz", out)
    (made,) = read_record(predict(tiny, scans / "b.nii.gz", out, overwrite=True).record).cases
    assert (made.case, made.result) == ("b", "predicted")
    # One that stays is still known by what made it.
    (kept,) = read_record(predict(tiny, scans / "a.nii.gz", out).record).cases
    assert (kept.case, kept.result, kept.weights_sha256) == ("a", "kept", made.weights_sha256)


def test_the_record_of_a_mask_with_a_name_of_its_own_is_not_written_over_a_file_of_others(tiny, tmp_path):
    scan = write_scans(tmp_path / "scans", "a") / "a.nii.gz"
    (tmp_path / "mask-prediction.json").write_text(MINE)
    masks = predict(tiny, scan, tmp_path / "mask.nii.gz")
    assert masks.record == tmp_path / "mask-prediction-2.json"
    assert (tmp_path / "mask-prediction.json").read_text() == MINE


@pytest.mark.parametrize("content", [MINE, "case,dice\na,1\n", "", "x" * 2000])
def test_files_of_others_are_not_written_over(tiny, tmp_path, content):
    scans, report = write_scans(tmp_path / "scans", "a"), tmp_path / "out-report"
    report.mkdir()
    (report / "predictions.csv").write_text(content)
    (report / "prediction.json").write_text(content)
    Image.new("RGB", (8, 8)).save(report / "contact_sheet.png")
    mine = {path: path.read_bytes() for path in report.iterdir()}
    for _ in range(2):
        masks = predict(tiny, scans, tmp_path / "out", overwrite=True)
        assert (masks.table, masks.record) == (report / "predictions-2.csv", report / "prediction-2.json")
        assert masks.pictures == (report / "contact_sheet-2.png",)
    assert {path: path.read_bytes() for path in mine} == mine
    # The tables of scans and of lesions, the record and the picture, and mine.
    assert len([path for path in report.iterdir() if not path.name.startswith(".")]) == 7


@pytest.mark.parametrize("kind", ["file", "link"])
def test_a_place_that_is_taken_costs_the_report_and_not_the_masks(tiny, tmp_path, kind, caplog):
    place = tmp_path / "out-report"
    if kind == "file":
        place.write_text("mine")
    else:
        (tmp_path / "elsewhere").mkdir()
        place.symlink_to("elsewhere", target_is_directory=True)
    masks = predict(tiny, write_scans(tmp_path / "scans", "a", "b"), tmp_path / "out")
    assert masks[0].is_file()
    assert masks.table is None
    assert caplog.text.count("no table and no picture can be written there") == 1, "not for every scan"
    assert place.read_text(encoding="utf-8") == "mine" if kind == "file" else not list(place.iterdir())


def test_later_commands_see_only_masks(tiny, tmp_path, monkeypatch, capsys):
    scans = write_scans(tmp_path / "scans", "a", "b")
    for number, name in enumerate("ab"):
        reference = (head(70 + number, SHAPE)[1] == 1).astype(np.uint8)
        write_nifti(tmp_path / "references" / f"{name}.nii.gz", reference, np.eye(4))
    arguments = ["predict", scans, "-o", tmp_path / "out", "-w", tiny.workspace.root, "-c", CONFIGURATION]
    monkeypatch.chdir(tmp_path)
    assert run(monkeypatch, *arguments) == 0
    said = capsys.readouterr().out
    assert "2 masks made: out\n" in said
    assert "Table:   out-report/predictions.csv\nLesions: out-report/lesions.csv\nPicture: out-report/" in said
    assert run(monkeypatch, "evaluate", tmp_path / "out", tmp_path / "references", "-o", tmp_path / "m.json") == 0
    assert "Left out" not in capsys.readouterr().err
    assert is_drawn(tmp_path / "out-report" / "contact_sheet.png")


def test_a_workspace_whose_fingerprint_is_gone_predicts_and_says_nothing_about_likeness(tiny, tmp_path):
    scans = write_scans(tmp_path / "scans", "a", spacing=4.0)
    assert predict(tiny, scans, tmp_path / "first").warnings
    model = autoseg.load_model(tiny.workspace.root, configurations=[CONFIGURATION])
    assert [unlike.kind for unlike in model.predict(scans / "a.nii.gz").unlike][:1] == ["spacing"]
    tiny.workspace.fingerprint.write_text("{}")
    assert predict(tiny, scans, tmp_path / "second").warnings == ()
    tiny.workspace.fingerprint.unlink()
    assert predict(tiny, scans, tmp_path / "third").warnings == ()
    assert autoseg.load_model(tiny.fold().root).predict(scans / "a.nii.gz").unlike == ()


def test_two_channels_that_are_missing_or_blank_are_named(trained, tmp_path):
    image = head(50)[0]
    for name, channels in (("half", (1,)), ("whole", (0, 1)), ("blank", (0, 1))):
        for channel in channels:
            voxels = np.zeros_like(image) if name == "blank" else image
            write_nifti(tmp_path / "new" / f"{name}_{channel:04d}.nii.gz", voxels, affine_of(flips=(-1, 1, 1)))
    with pytest.raises(PartlyDoneError, match="1 of 3 scans could not be predicted:\n  case blank: channel T1w is 0"):
        autoseg.predict(tmp_path / "new", tmp_path / "out", trained / "ws", mirror=False, zero_missing=True)
    assert not (tmp_path / "out" / "blank.nii.gz").exists()
    rows = rows_of(tmp_path / "out-report" / "predictions.csv")
    assert "T1w is not there and was filled with zeros." in rows["half"]["warnings"]
    assert rows["blank"]["result"] == "failed"
    assert "channel T1w is 0 everywhere. Expected a scan: export it again." in rows["blank"]["warnings"]
    assert {"dark: ml", "bright: ml", "dark: lesions", "bright: lesions"} <= set(rows["whole"])


def test_the_report_lies_beside_the_folder_by_its_own_name(tmp_path, monkeypatch):
    (tmp_path / "masks").mkdir()
    monkeypatch.chdir(tmp_path / "masks")
    for place in (Path(), Path("../masks"), tmp_path / "masks", Path("../masks/")):
        assert report_folder(place) == tmp_path / "masks-report"


def test_only_slices_of_the_most_unusual_scans_are_kept(finished, tmp_path, monkeypatch):
    monkeypatch.setattr("autoseg.pipeline.predictions.prediction_report.SHEET_CASES", 2)
    monkeypatch.setattr("autoseg.pipeline.predictions.prediction_report.MOST_SHEETS", 2)
    looked = []
    look = PredictionReport._look

    def watch(self, *arguments):
        look(self, *arguments)
        looked.append(len(self._drawn))

    monkeypatch.setattr(PredictionReport, "_look", watch)
    scans = write_scans(tmp_path / "scans", *"abcdef")
    write_scans(scans, "odd", spacing=9.0)
    masks = predict(finished, scans, tmp_path / "out")
    assert looked == [1, 2, 3, 4, 4, 4, 4]
    assert [picture.name for picture in masks.pictures] == ["contact_sheet.png", "contact_sheet-2.png"]
    assert len(rows_of(masks.table)) == 7
