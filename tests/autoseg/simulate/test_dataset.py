from __future__ import annotations

import hashlib
import json
from pathlib import Path

import nibabel
import numpy as np
import pytest

from autoseg.simulate import (
    SimulatedDataset,
    SimulationOptions,
    image_path,
    label_path,
    simulate_dataset,
)
from dataset_fingerprints.errors import AutosegError

OPTIONS = SimulationOptions(cases=3, held_out_cases=1, spacing_mm=4.0, seed=3, min_lesion_ml=2.0, max_lesion_ml=50.0)


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
    description = json.loads((dataset.folder / "dataset.json").read_text())
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


def test_finished_simulation_is_returned_without_writing(dataset: SimulatedDataset) -> None:
    before = {path: path.stat().st_mtime_ns for path in dataset.folder.rglob("*")}
    names: list[str] = []
    assert simulate_dataset(dataset.folder, OPTIONS, on_case=names.append) == dataset
    assert {path: path.stat().st_mtime_ns for path in dataset.folder.rglob("*")} == before
    assert names == []


def test_folder_with_another_simulation_is_refused(dataset: SimulatedDataset) -> None:
    with pytest.raises(AutosegError, match=r"holds another simulation \(seed is 3, asked for 4\)"):
        simulate_dataset(
            dataset.folder,
            SimulationOptions(cases=3, held_out_cases=1, spacing_mm=4.0, seed=4, min_lesion_ml=2.0, max_lesion_ml=50.0),
        )


def test_folder_with_other_files_is_refused(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("mine")
    with pytest.raises(AutosegError, match=r"is not empty \(notes.txt\)"):
        simulate_dataset(tmp_path, OPTIONS)
    assert [path.name for path in tmp_path.iterdir()] == ["notes.txt"]


def test_file_in_place_of_the_folder_is_refused(tmp_path: Path) -> None:
    (tmp_path / "out").write_text("mine")
    with pytest.raises(AutosegError, match="is a file"):
        simulate_dataset(tmp_path / "out", OPTIONS)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (SimulationOptions(cases=0), "0 training"),
        (SimulationOptions(spacing_mm=0.5), "spacing_mm is 0.5"),
        (SimulationOptions(seed=-1), "seed is -1"),
        (SimulationOptions(min_lesion_ml=5.0, max_lesion_ml=2.0), "from 5.0 to 2.0 ml"),
    ],
)
def test_options_that_cannot_be_met_are_refused_before_writing(
    options: SimulationOptions, message: str, tmp_path: Path
) -> None:
    with pytest.raises(AutosegError, match=message):
        simulate_dataset(tmp_path / "out", options)
    assert not (tmp_path / "out").exists()


def test_each_case_is_reported_once_written(tmp_path: Path) -> None:
    names: list[str] = []
    options = SimulationOptions(cases=1, held_out_cases=1, spacing_mm=6.0)
    simulate_dataset(tmp_path / "out", options, on_case=names.append)
    assert names == ["sim_0001", "sim_test_0001"]
