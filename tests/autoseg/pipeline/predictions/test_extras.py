"""Files beside the masks of a whole run: where they lie, and what a second run does about those that are missing."""

from __future__ import annotations

import json
import math
from pathlib import Path

import nibabel
import numpy as np
import pytest

import autoseg
from autoseg.pipeline.predictions.extras import Extras
from dataset_fingerprints.errors import ArgumentError, DataError
from tests.synthetic.commands import run
from tests.synthetic.dicom import write_series
from tests.synthetic.scans import affine_of, head, write_nifti
from tests.synthetic.tiny import CONFIGURATION, SHAPE, Tiny

pytest.importorskip("highdicom", reason="the extra `dicom` is not installed: pip install '.[dicom]'")


def predict(tiny: Tiny, scans: object, out: Path, **options: object) -> object:
    return autoseg.predict(scans, out, tiny.workspace.root, configurations=[CONFIGURATION], **options)  # type: ignore[arg-type]


def names(folder: Path) -> set[str]:
    return {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}


@pytest.fixture
def scans(tmp_path: Path) -> list[Path]:
    """A folder with a folder in it, a DICOM series, and a file."""
    for number, name in enumerate(("mri/a", "mri/site/a", "b")):
        write_nifti(tmp_path / f"{name}.nii.gz", head(number, SHAPE)[0])
    voxels = (head(9, SHAPE)[0] * 10).astype(np.int16)
    write_series(tmp_path / "series", voxels, affine_of(flips=(-1, -1, 1)))
    return [tmp_path / "mri", tmp_path / "series", tmp_path / "b.nii.gz"]


def test_mixed_inputs_have_masks_maps_a_segmentation_and_a_record(
    finished: Tiny, scans: list[Path], tmp_path: Path
) -> None:
    out, report = tmp_path / "out", tmp_path / "out-report"
    masks = predict(finished, scans, out, probabilities=True)
    assert names(out) == {"a.nii.gz", "site/a.nii.gz", "series.nii.gz", "series.seg.dcm", "b.nii.gz"}
    maps = {f"probabilities/{name}_dark.nii.gz" for name in ("a", "site/a", "series", "b")}
    assert maps < names(report)
    assert {path.relative_to(report).as_posix() for path in masks.maps} == maps  # type: ignore[attr-defined]
    for name in ("a", "site/a", "b"):
        mask, probability = (
            nibabel.load(path) for path in (out / f"{name}.nii.gz", report / f"probabilities/{name}_dark.nii.gz")
        )
        assert np.array_equal(np.asarray(mask.dataobj) == 1, np.asarray(probability.dataobj) > 0.5)
        assert np.array_equal(mask.affine, probability.affine)
    record = json.loads((report / "prediction.json").read_text(encoding="utf-8"))
    assert [case["case"] for case in record["cases"]] == ["a", "site/a", "series", "b"]
    assert record["device"] == "cpu"
    assert record["model"]["name"] == "ws"
    assert str(tmp_path) not in (report / "prediction.json").read_text(encoding="utf-8"), "no path of this machine"
    (quantity,) = record["cases"][0]["quantities"]
    voxels = int((np.asarray(nibabel.load(out / "a.nii.gz").dataobj) == 1).sum())
    assert quantity["volume_mm3"] == voxels
    assert math.isclose(sum(quantity["lesion_volumes_mm3"]), voxels)
    assert len(quantity["lesion_volumes_mm3"]) == quantity["lesions"]


def test_scores_of_predicted_masks_have_the_models_names_of_labels(finished: Tiny, tmp_path: Path) -> None:
    write_nifti(tmp_path / "mri" / "a.nii.gz", head(7, SHAPE)[0], np.eye(4))
    predict(finished, tmp_path / "mri", tmp_path / "out")
    write_nifti(tmp_path / "by hand" / "a.nii.gz", head(7, SHAPE)[1], np.eye(4))
    evaluation = autoseg.evaluate(tmp_path / "out", tmp_path / "by hand")
    assert [evaluation.name_of(label.label) for label in evaluation.summary] == ["dark", "label 2"]


def test_a_second_run_makes_only_what_is_missing(finished: Tiny, scans: list[Path], tmp_path: Path) -> None:
    out, report = tmp_path / "out", tmp_path / "out-report"
    predict(finished, scans, out)
    before = {name: (out / name).read_bytes() for name in names(out) if name.endswith(".nii.gz")}
    (out / "series.seg.dcm").unlink()
    first = json.loads((report / "prediction.json").read_text(encoding="utf-8"))
    masks = predict(finished, scans, out, uncertainty=True)
    assert len(masks.made()) == 0  # type: ignore[attr-defined]
    assert {name: (out / name).read_bytes() for name in before} == before
    assert (out / "series.seg.dcm").is_file()
    assert {f"uncertainty/{name}_entropy.nii.gz" for name in ("a", "site/a", "series", "b")} < names(report)
    again = json.loads((report / "prediction.json").read_text(encoding="utf-8"))
    assert [case["result"] for case in again["cases"]] == ["kept"] * 4
    assert [case["seconds"] for case in again["cases"]] == [case["seconds"] for case in first["cases"]]
    written = (report / "uncertainty" / "a_entropy.nii.gz").stat().st_mtime_ns
    predict(finished, scans, out, uncertainty=True)
    assert (report / "uncertainty" / "a_entropy.nii.gz").stat().st_mtime_ns == written


def test_maps_of_a_mask_with_a_name_of_its_own_lie_in_a_folder_beside_it(
    finished: Tiny, scans: list[Path], tmp_path: Path
) -> None:
    predict(finished, scans[2], tmp_path / "own" / "mask.nii.gz", probabilities=True)
    maps = "mask-report/probabilities/mask_dark.nii.gz"
    assert names(tmp_path / "own") == {"mask.nii.gz", "mask-prediction.json", maps}


def test_maps_of_a_mask_that_is_replaced_do_not_stay_beside_the_new_one(
    finished: Tiny, scans: list[Path], tmp_path: Path
) -> None:
    out, report = tmp_path / "out", tmp_path / "out-report"
    both = {"probabilities/b_dark.nii.gz", "uncertainty/b_entropy.nii.gz"}
    predict(finished, scans[2], out, probabilities=True, uncertainty=True)
    predict(finished, scans[2], out)
    assert both <= names(report), "the mask is kept, and its maps are still of it"
    predict(finished, scans[2], out, uncertainty=True, overwrite=True)
    assert names(report) & both == {"uncertainty/b_entropy.nii.gz"}
    predict(finished, scans[2], out, overwrite=True)
    assert not names(report) & both


def test_masks_in_sub_folders_are_scored_against_references_that_lie_alike(
    finished: Tiny, scans: list[Path], tmp_path: Path
) -> None:
    for number, name in enumerate(("a", "site/a")):
        write_nifti(tmp_path / "truth" / f"{name}.nii.gz", head(number, SHAPE)[1])
    predict(finished, scans[0], tmp_path / "out", probabilities=True)
    evaluation = autoseg.evaluate(tmp_path / "out", tmp_path / "truth")
    assert [case.case for case in evaluation.cases] == ["a", "site/a"]


def test_the_command_line_takes_several_inputs_and_says_what_lies_beside_the_masks(
    finished: Tiny,
    scans: list[Path],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    arguments = [*scans, "-o", tmp_path / "out", "-w", finished.workspace.root, "--uncertainty"]
    assert run(monkeypatch, "predict", *arguments) == 0
    said = "".join(capsys.readouterr().out.split())
    assert "4masksmade" in said
    assert "1maskisthereasDICOMSEG,too(.seg.dcm)." in said
    assert "Onenetworkpredicts:thereisanentropy,butnodisagreement" in said
    assert f"Record:{tmp_path}/out-report/prediction.json" in said
    assert f"Maps:{tmp_path}/out-report/uncertainty" in said


def test_inputs_that_are_none_are_refused(finished: Tiny, tmp_path: Path) -> None:
    for wrong in ([], [1], None):
        with pytest.raises(ArgumentError, match=r"^scans is .*Expected a path, or several"):
            predict(finished, wrong, tmp_path / "out")
    write_nifti(tmp_path / "x" / "a.nii.gz", head(0, SHAPE)[0])
    (tmp_path / "out-report").write_text("")
    with pytest.raises(DataError, match=r"out-report: is a file"):
        predict(finished, tmp_path / "x", tmp_path / "out", probabilities=True)


def test_a_map_that_no_file_could_be_called_is_not_in_the_way_of_a_mask(tmp_path: Path) -> None:
    (tmp_path / "report").write_text("")
    kept, there = tmp_path / "kept.nii.gz", tmp_path / "there.nii.gz"
    for path in (kept, there):
        path.write_text("")
    Extras(unwanted=(tmp_path / f"{'a' * 300}.nii.gz", tmp_path / "report" / "b.nii.gz", there)).forget("scan")
    assert names(tmp_path) == {"report", "kept.nii.gz"}
