"""Overview of a data set's cases: what people want to know before they train."""

from __future__ import annotations

from pathlib import Path

from dataset_fingerprints.checking.overview import describe_cases
from dataset_fingerprints.layouts import read_dataset
from tests.synthetic.passes import pass_over
from tests.synthetic.scans import affine_of, head, write_csv, write_nifti


def write_cases(folder: Path, spacings: list[float], *, more: dict[str, list[str]] | None = None) -> Path:
    """Write cases of these voxel sizes along z, and a table of them with more columns."""
    rows = []
    for number, spacing in enumerate(spacings):
        affine = affine_of(spacing_mm=(1, 1, spacing))
        image, labels = head(number)
        for name, voxels in (("scan", image), ("mask", (labels > 0).astype("u1"))):
            write_nifti(folder / f"{name}{number}.nii.gz", voxels, affine)
        row = {"case": f"c{number}", "image": f"scan{number}.nii.gz", "label": f"mask{number}.nii.gz"}
        rows.append(row | {column: cells[number] for column, cells in (more or {}).items()})
    return write_csv(folder / "cases.csv", rows)


def overview_of(place: Path) -> dict[str, str]:
    found, dataset = pass_over(place)[0], read_dataset(place)
    return dict(describe_cases(dataset, found.records()))


def test_patients_sites_sizes_and_volumes_are_said(tmp_path: Path) -> None:
    more = {"subject": ["p", "p", "q"], "site": ["Rome", "Rome", ""]}
    said = overview_of(write_cases(tmp_path, [1, 1.5, 1.5], more=more))
    assert said["Patients"] == "2, with 1 to 2 cases each; those of one stay in one fold"
    assert said["Sites"] == "Rome (2 cases); not given for 1 case"
    assert said["Voxel size"] == "1x1x1.5 mm (2 cases), 1x1x1 mm (1 case)"
    assert said["Scan size"] == "24x28x20 voxels in all"
    assert said["lesion"].startswith("label 1: ")
    assert " ml, half the cases below " in said["lesion"]


def test_what_cannot_be_measured_is_left_out(tmp_path: Path) -> None:
    place = write_cases(tmp_path, [1, 1])
    (tmp_path / "scan1.nii.gz").write_bytes(b"none")
    said = overview_of(place)
    assert said["Patients"] == "2, each with one case"
    assert said["Sites"] == "not given"
    assert said["Measured"] == "the 1 case without errors, which the next lines are about"
    assert said["Voxel size"] == "1x1x1 mm in all"


def test_many_voxel_sizes_are_counted_and_given_as_a_range(tmp_path: Path) -> None:
    said = overview_of(write_cases(tmp_path, [1, 1.5, 2, 3]))
    assert said["Voxel size"] == "4 different; along each axis from 1x1x1 to 1x1x3 mm"
