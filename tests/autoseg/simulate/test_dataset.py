from __future__ import annotations

import hashlib
import json
from dataclasses import replace
from pathlib import Path

import nibabel
import numpy as np
import pytest

from autoseg.simulate import (
    SimulatedDataset,
    SimulationOptions,
    count_cases,
    image_path,
    label_path,
    simulate_dataset,
)
from autoseg.simulate.records import SimulationRecord
from dataset_fingerprints.dataset import Dataset
from dataset_fingerprints.errors import AutosegError
from dataset_fingerprints.files.jsonfiles import read_json
from dataset_fingerprints.layouts import read_dataset

OPTIONS = SimulationOptions(cases=3, held_out_cases=1, spacing_mm=4.0, seed=3, min_lesion_ml=2.0, max_lesion_ml=50.0)
SMALL = SimulationOptions(cases=2, held_out_cases=1, spacing_mm=6.0, min_lesion_ml=2.0)


@pytest.fixture(scope="module")
def dataset(tmp_path_factory: pytest.TempPathFactory) -> SimulatedDataset:
    return simulate_dataset(tmp_path_factory.mktemp("simulated") / "stroke", OPTIONS)


def digests(folder: Path) -> dict[str, str]:
    files = (path for path in folder.rglob("*") if path.is_file())
    return {str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


def test_same_seed_gives_the_same_bytes_in_another_folder(dataset: SimulatedDataset, tmp_path: Path) -> None:
    again = simulate_dataset(tmp_path / "elsewhere", OPTIONS)
    assert digests(again.folder) == digests(dataset.folder)
    assert again.cases == dataset.cases


def test_the_layout_is_that_of_nnunet(dataset: SimulatedDataset) -> None:
    assert sorted(digests(dataset.folder)) == [
        "cases.csv",
        "cases.tsv",
        "dataset.json",
        "imagesTr/sim_0001_0000.nii.gz",
        "imagesTr/sim_0002_0000.nii.gz",
        "imagesTr/sim_0003_0000.nii.gz",
        "imagesTs/sim_test_0001_0000.nii.gz",
        "labelsTr/sim_0001.nii.gz",
        "labelsTr/sim_0002.nii.gz",
        "labelsTr/sim_0003.nii.gz",
        "labelsTs/sim_test_0001.nii.gz",
        "simulation.json",
    ]
    description = json.loads((dataset.folder / "dataset.json").read_text(encoding="utf-8"))
    assert description["channel_names"] == {"0": "T1w"}
    assert description["labels"] == {"background": 0, "lesion": 1}
    assert description["numTraining"] == 3
    assert description["file_ending"] == ".nii.gz"


def test_stored_label_has_the_recorded_volume_and_the_grid_of_the_image(dataset: SimulatedDataset) -> None:
    for case in dataset.cases:
        image = nibabel.load(image_path(dataset.folder, case))
        label = nibabel.load(label_path(dataset.folder, case))
        voxels = np.asarray(label.dataobj)
        assert label.get_data_dtype() == np.uint8
        assert set(np.unique(voxels)) == {0, 1}
        assert voxels.sum() * 4.0**3 / 1000 == pytest.approx(case.volume_ml)
        assert label.shape == image.shape
        np.testing.assert_array_equal(label.affine, image.affine)
        assert "".join(nibabel.aff2axcodes(image.affine)) == case.orientation


def names_and_files(found: Dataset) -> list[tuple[str, tuple[str, ...], str]]:
    return [(case.name, case.images, case.label) for case in found.cases]


def test_cases_csv_tells_site_and_subject_and_does_not_disturb_the_folder(dataset: SimulatedDataset) -> None:
    by_folder, by_csv = read_dataset(dataset.folder), read_dataset(dataset.folder / "cases.csv")
    assert (by_folder.layout, by_csv.layout) == ("nnunet", "csv")
    assert names_and_files(by_folder) == names_and_files(by_csv)
    assert by_folder.labels == by_csv.labels
    training = [case for case in dataset.cases if not case.held_out]
    for found in (by_folder, by_csv):
        assert [(case.subject, case.session, case.site) for case in found.cases] == [
            (case.subject, case.session, case.site) for case in training
        ]
    assert all(case.site.startswith("site_") for case in by_csv.cases)


def test_two_channels_and_another_label_value_are_read_back(tmp_path: Path) -> None:
    made = simulate_dataset(tmp_path / "out", replace(SMALL, flair=True, lesion_value=255))
    for place in (made.folder, made.folder / "cases.csv"):
        found = read_dataset(place)
        assert found.channels == ("T1w", "FLAIR")
        assert found.labels.values() == (255,)
    assert set(np.unique(nibabel.load(label_path(made.folder, made.cases[0])).dataobj)) == {0, 255}
    assert image_path(made.folder, made.cases[0], 1).name == "sim_0001_0001.nii.gz"
    assert image_path(made.folder, made.cases[0], 1).is_file()


def test_a_third_of_the_scans_has_thick_slices_and_stored_spacing_is_the_recorded_one(tmp_path: Path) -> None:
    options = replace(SMALL, cases=6, held_out_cases=0, voxels="thick-slices", anisotropic_share=1 / 3)
    made = simulate_dataset(tmp_path / "out", options)
    thick = [case for case in made.cases if case.spacing_mm == (6.0, 6.0, 9.0)]
    assert len(thick) == 2
    for case in made.cases:
        image = nibabel.as_closest_canonical(nibabel.load(image_path(made.folder, case)))
        np.testing.assert_allclose(image.header.get_zooms(), case.spacing_mm, rtol=1e-5)
        assert np.asarray(nibabel.load(label_path(made.folder, case)).dataobj).any()


def test_finished_simulation_is_returned_without_writing(dataset: SimulatedDataset) -> None:
    before = {path: path.stat().st_mtime_ns for path in dataset.folder.rglob("*")}
    names: list[str] = []
    assert simulate_dataset(dataset.folder, OPTIONS, on_case=names.append) == dataset
    assert {path: path.stat().st_mtime_ns for path in dataset.folder.rglob("*")} == before
    assert names == []


def test_folder_with_another_simulation_is_refused(dataset: SimulatedDataset) -> None:
    with pytest.raises(AutosegError, match=r"holds another simulation \(seed is 3, asked for 4\)"):
        simulate_dataset(dataset.folder, replace(OPTIONS, seed=4))


def test_folder_with_other_files_is_refused(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("mine", encoding="utf-8")
    with pytest.raises(AutosegError, match=r"is not empty \(notes.txt\)"):
        simulate_dataset(tmp_path, OPTIONS)
    assert [path.name for path in tmp_path.iterdir()] == ["notes.txt"]


def test_place_that_cannot_be_written_to_is_refused(tmp_path: Path) -> None:
    (tmp_path / "out").write_text("mine", encoding="utf-8")
    with pytest.raises(AutosegError, match="is a file"):
        simulate_dataset(tmp_path / "out", OPTIONS)
    with pytest.raises(AutosegError, match=r"out/inside: cannot be made \(Not a directory\)"):
        simulate_dataset(tmp_path / "out" / "inside", OPTIONS)


def test_each_case_is_reported_in_order_and_counted_before(tmp_path: Path) -> None:
    names: list[str] = []
    options = replace(SMALL, oddities=("shape", "shared-subject"))
    made = simulate_dataset(tmp_path / "out", options, on_case=names.append)
    subject = made.cases[3].subject
    assert names == ["sim_0001", "sim_0002", "odd_shape", f"{subject}_ses-1", f"{subject}_ses-2", "sim_test_0001"]
    assert count_cases(options) == len(names)


def test_record_on_disk_is_what_was_returned(dataset: SimulatedDataset) -> None:
    record = read_json(dataset.folder / "simulation.json", SimulationRecord)
    assert (record.options, record.cases, record.defects) == (dataset.options, dataset.cases, dataset.defects)
