"""`radiomics`: a table of features that a later run goes on with."""

from __future__ import annotations

import csv
from collections.abc import Mapping
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path

import numpy as np
import pytest

import autoseg
from autoseg.pipeline.radiomics.measuring import MeasuredFeatures, MeasuringOptions, measure_radiomics
from autoseg.pipeline.radiomics.tables import MADE_FROM, read_features
from autoseg.progress import SilentProgress, Task
from autoseg.radiomics import RadiomicsOptions, measure_features
from dataset_fingerprints.errors import DataError, PartlyDoneError
from planners.choices import Choice
from tests.autoseg.radiomics.lesions import jitter, lesion
from tests.synthetic.commands import run
from tests.synthetic.dicom import write_series
from tests.synthetic.scans import affine_of, write_nifti

pytest.importorskip("mirp")

UNIT = affine_of()
PLAIN = MeasuringOptions(features=RadiomicsOptions(wavelets=False))


def write_cases(root: Path, count: int = 2) -> None:
    for number in range(count):
        voxels, mask = lesion(number)
        write_nifti(root / "scans" / f"case_{number}.nii.gz", voxels, UNIT)
        write_nifti(root / "masks" / f"case_{number}.nii.gz", mask.astype(np.uint8), UNIT)


def measure(root: Path, options: MeasuringOptions = PLAIN) -> MeasuredFeatures:
    return measure_radiomics(root / "masks", root / "scans", root / "features.csv", options, SilentProgress())


def read(root: Path) -> dict[str, dict[str, str]]:
    with (root / "features.csv").open(encoding="utf-8") as stream:
        return {row["case"]: row for row in csv.DictReader(stream)}


def test_a_case_has_the_features_of_its_region_and_stays_until_something_changes(tmp_path: Path) -> None:
    write_cases(tmp_path)
    first = measure(tmp_path)
    assert (first.cases, first.kept) == (2, 0)
    table = read_features(tmp_path / "features.csv")
    known = measure_features(*lesion(1), (1.0, 1.0, 1.0), PLAIN.features)
    assert set(table.names) == set(known)
    assert [table.values[1, table.names.index(name)] for name in known] == pytest.approx(
        list(known.values()), rel=1e-7, nan_ok=True
    )
    before = read(tmp_path)
    write_nifti(tmp_path / "masks" / "case_0.nii.gz", jitter(lesion(0)[1], 0, 0.5).astype(np.uint8), UNIT)
    again = measure(tmp_path)
    assert (again.cases, again.kept) == (2, 1)
    after = read(tmp_path)
    assert after["case_1"] == before["case_1"]
    assert after["case_0"][MADE_FROM] != before["case_0"][MADE_FROM]


class Interrupted(SilentProgress):
    """Ends the work when the first case is done."""

    def task(self, title: str, total: int, done: int = 0) -> AbstractContextManager[Task]:
        return nullcontext(self)

    def advance(self, steps: int = 1) -> None:
        raise KeyboardInterrupt

    def resize(self, total: int) -> None:
        return

    def state(self, figures: Mapping[str, str]) -> None:
        return


def test_an_interrupted_run_keeps_what_it_has_measured(tmp_path: Path) -> None:
    write_cases(tmp_path)
    with pytest.raises(KeyboardInterrupt):
        measure_radiomics(tmp_path / "masks", tmp_path / "scans", tmp_path / "features.csv", PLAIN, Interrupted())
    assert list(read(tmp_path)) == ["case_0"]
    assert measure(tmp_path).kept == 1
    assert list(read(tmp_path)) == ["case_0", "case_1"]


def test_empty_masks_are_said_and_broken_scans_do_not_keep_the_others(tmp_path: Path) -> None:
    write_cases(tmp_path, 3)
    write_nifti(tmp_path / "masks" / "case_0.nii.gz", np.zeros(lesion(0)[1].shape, dtype=np.uint8), UNIT)
    (tmp_path / "scans" / "case_1.nii.gz").write_bytes(b"no scan")
    with pytest.raises(PartlyDoneError, match="1 of 3 cases cannot be measured") as partly:
        measure(tmp_path)
    assert (partly.value.result.cases, partly.value.result.empty) == (1, ("case_0",))
    assert read_features(tmp_path / "features.csv").cases == ("case_2",)
    assert "cannot be read" in read(tmp_path)["case_1"]["warnings"]
    with pytest.raises(PartlyDoneError) as again:
        measure(tmp_path)
    assert (again.value.result.cases, again.value.result.kept) == (1, 1)


def test_a_dicom_series_is_a_scan(tmp_path: Path) -> None:
    voxels, mask = lesion(0)
    write_series(tmp_path / "scans" / "case_0", np.rint(voxels).astype(np.int16), UNIT)
    write_nifti(tmp_path / "masks" / "case_0.nii.gz", mask.astype(np.uint8), UNIT)
    assert (measure(tmp_path).cases, measure(tmp_path).kept) == (1, 1)


def test_a_mask_on_another_grid_is_refused(tmp_path: Path) -> None:
    write_cases(tmp_path, 1)
    mask = lesion(0)[1].astype(np.uint8)
    write_nifti(tmp_path / "masks" / "case_0.nii.gz", mask, affine_of(spacing_mm=(2.0, 1.0, 1.0)))
    with pytest.raises(DataError, match="does not lie on the grid of the scan"):
        measure(tmp_path)


def test_names_that_do_not_match_and_files_of_others_are_refused(tmp_path: Path) -> None:
    write_cases(tmp_path)
    (tmp_path / "features.csv").write_text("case,mine\n1,2\n")
    with pytest.raises(DataError, match="is no earlier table of this kind"):
        measure(tmp_path)
    (tmp_path / "features.csv").unlink()
    for number in range(2):
        (tmp_path / "scans" / f"case_{number}.nii.gz").rename(tmp_path / "scans" / f"other_{number}.nii.gz")
    with pytest.raises(DataError, match="no mask is called as a scan"):
        measure(tmp_path)


def test_normalised_intensities_are_measured_where_it_is_asked_for(tmp_path: Path) -> None:
    write_cases(tmp_path, 1)
    options = MeasuringOptions(features=PLAIN.features, normalization=Choice(name="white_stripe"))
    measure(tmp_path, options)
    found, (voxels, mask) = read(tmp_path)["case_0"], lesion(0)
    plain = measure_features(voxels, mask, (1.0, 1.0, 1.0), PLAIN.features)
    # A line through the intensities leaves their form, and textures in levels of their range.
    for name in ("stat_skew", "stat_kurt", "morph_volume"):
        assert float(found[name]) == pytest.approx(plain[name], rel=1e-4)
    scale = float(found["stat_iqr"]) / plain["stat_iqr"]
    assert float(found["stat_var"]) == pytest.approx(plain["stat_var"] * scale**2, rel=1e-4)
    assert scale != pytest.approx(1.0, rel=0.1)


def test_the_function_measures_with_the_same_options_and_names_its_arguments(tmp_path: Path) -> None:
    write_cases(tmp_path)
    places = (tmp_path / "masks", tmp_path / "scans", tmp_path / "features.csv")
    assert autoseg.measure_radiomics(*places, wavelets=False).cases == 2
    assert measure(tmp_path).kept == 2
    with pytest.raises(DataError, match=r"^bias_correction is given without normalization"):
        autoseg.measure_radiomics(*places, bias_correction=True)
    with pytest.raises(DataError, match=r"^spacing_mm is 0"):
        autoseg.measure_radiomics(*places, spacing_mm=0.0)


def test_the_command_measures_and_says_what_it_did(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    write_cases(tmp_path, 1)
    out = tmp_path / "features.csv"
    words = ("radiomics", tmp_path / "masks", tmp_path / "scans", "-o", out, "--no-wavelets")
    assert run(monkeypatch, *words) == 0
    assert "features of 1 case:" in capsys.readouterr().out
    assert run(monkeypatch, *words) == 0
    assert "1 of them as they were" in " ".join(capsys.readouterr().out.split())
    assert run(monkeypatch, *words, "--bias-correction") == 2
    assert "Give white_stripe or zscore_body with it" in " ".join(capsys.readouterr().err.split())
