from __future__ import annotations

import csv
import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from autoseg.simulate import (
    SimulatedDataset,
    SimulationOptions,
    held_out_folders,
    image_path,
    label_path,
    simulate_dataset,
)
from autoseg.simulate.layouts import LAYOUTS
from dataset_fingerprints.errors import AutosegError
from dataset_fingerprints.layouts import list_references, list_scans, read_dataset
from dataset_fingerprints.reading.images import read_image

OPTIONS = SimulationOptions(cases=3, held_out_cases=2, spacing_mm=6.0, min_lesion_ml=5.0, seed=1, sites=3)


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> dict[str, SimulatedDataset]:
    root = tmp_path_factory.mktemp("layouts")
    return {name: simulate_dataset(root / name, replace(OPTIONS, layout=name)) for name in LAYOUTS}


@pytest.mark.parametrize("layout", LAYOUTS)
def test_the_same_scans_are_in_every_layout(made: dict[str, SimulatedDataset], layout: str) -> None:
    dataset, plain = made[layout], made["nnunet"]
    for case, known in zip(dataset.cases, plain.cases, strict=True):
        ours, theirs = image_path(dataset.folder, case, 0, dataset.options), image_path(plain.folder, known)
        assert ours.read_bytes() == theirs.read_bytes()
        assert (
            label_path(dataset.folder, case, dataset.options).read_bytes()
            == label_path(plain.folder, known).read_bytes()
        )


@pytest.mark.parametrize("layout", LAYOUTS)
def test_every_layout_is_read_as_a_simulated_data_set_of_the_training_cases(
    made: dict[str, SimulatedDataset], layout: str
) -> None:
    dataset = read_dataset(made[layout].folder)
    known = {case.name: case for case in made[layout].cases if not case.held_out}
    assert dataset.simulated
    assert {case.name for case in dataset.cases} == known.keys()
    assert all(Path(case.images[0]).is_file() and Path(case.label).is_file() for case in dataset.cases)
    assert {case.subject for case in dataset.cases} == {case.subject for case in known.values()}


@pytest.mark.parametrize("layout", LAYOUTS)
def test_held_out_scans_and_masks_lie_apart_and_belong_together(made: dict[str, SimulatedDataset], layout: str) -> None:
    dataset = made[layout]
    scans, masks = held_out_folders(dataset.folder, dataset.options)
    held_out = [case for case in dataset.cases if case.held_out]
    assert len(held_out) == 2
    for case in held_out:
        assert scans in image_path(dataset.folder, case, 0, dataset.options).parents
        assert masks in label_path(dataset.folder, case, dataset.options).parents


def test_the_tree_is_one_of_atlas(made: dict[str, SimulatedDataset]) -> None:
    folder = made["bids"].folder
    masks = sorted((folder / "Training").rglob("*_mask.nii.gz"))
    name = masks[0].name
    assert len(masks) == 3
    assert name.endswith("_ses-1_space-MNI152NLin2009aSym_label-L_desc-T1lesion_mask.nii.gz")
    subject = name.split("_")[0]
    assert masks[0].relative_to(folder).parts[:5] == ("Training", f"R{subject[5:8]}", subject, "ses-1", "anat")
    assert json.loads((folder / "dataset_description.json").read_text(encoding="utf-8"))["simulated"] is True
    assert not list((folder / "Testing").rglob("*mask*"))


def test_people_have_a_site_an_age_and_days_since_the_stroke(made: dict[str, SimulatedDataset]) -> None:
    folder = made["bids"].folder
    with (folder / "participants.tsv").open(encoding="utf-8", newline="") as stream:
        people = list(csv.DictReader(stream, delimiter="\t"))
    assert {person["participant_id"] for person in people} == {case.subject for case in made["bids"].cases}
    for person in people:
        assert 18 <= int(person["age"]) <= 95
        assert (int(person["days_post_stroke"]) >= 180) == (person["chronicity"] == "1")
    sites = {person["participant_id"]: person["site"] for person in people}
    read = read_dataset(folder)
    assert all(case.site == sites[case.subject] for case in read.cases)
    assert all(case.others["days_post_stroke"] for case in read.cases)


def test_numbered_files_are_counted_from_zero(made: dict[str, SimulatedDataset]) -> None:
    folder = made["numbered"].folder
    assert sorted(path.name for path in (folder / "Image").iterdir()) == ["0.nii.gz", "1.nii.gz", "2.nii.gz"]
    assert sorted(path.name for path in (folder / "Label").iterdir()) == ["0.nii.gz", "1.nii.gz", "2.nii.gz"]
    assert sorted(path.name for path in (folder / "held-out" / "Image").iterdir()) == ["3.nii.gz", "4.nii.gz"]


def test_held_out_scans_of_a_tree_find_their_masks(made: dict[str, SimulatedDataset]) -> None:
    scans, masks = held_out_folders(made["bids"].folder, made["bids"].options)
    listed, references = list_scans(scans, ("T1w",)), list_references(masks)
    assert listed is not None
    assert references is not None
    assert [scan.name for scan in listed] == [case.name for case in references.cases]


def test_a_layout_is_gone_on_with_where_it_was_stopped(tmp_path: Path) -> None:
    options = replace(OPTIONS, layout="bids", held_out_cases=0)
    whole = simulate_dataset(tmp_path / "whole", options)

    class StoppedError(Exception):
        pass

    def stop(_: str) -> None:
        raise StoppedError

    with pytest.raises(StoppedError):
        simulate_dataset(tmp_path / "part", options, stop)
    again = simulate_dataset(tmp_path / "part", options)
    assert again.cases == whole.cases
    assert not (tmp_path / "part" / ".unfinished").exists()


def test_scans_come_from_as_many_sites_as_are_asked_for(made: dict[str, SimulatedDataset]) -> None:
    assert {case.site for case in made["nnunet"].cases} <= {"site_01", "site_02", "site_03"}
    image = read_image([image_path(made["nnunet"].folder, made["nnunet"].cases[0])])
    assert np.ptp(image.voxels) > 0


@pytest.mark.parametrize(
    ("options", "found"),
    [
        (replace(OPTIONS, layout="bids", lesion_value=2), "lesion_value is 2 in the layout bids"),
        (replace(OPTIONS, layout="numbered", flair=True), "second channel was asked for in the layout numbered"),
        (replace(OPTIONS, layout="bids", oddities=("shape",)), "oddities were asked for in the layout bids"),
        (replace(OPTIONS, sites=0), "0 sites were asked for. Choose 1 to 10"),
        (replace(OPTIONS, sites=11), "11 sites were asked for"),
    ],
)
def test_what_a_layout_cannot_hold_is_refused(tmp_path: Path, options: SimulationOptions, found: str) -> None:
    with pytest.raises(AutosegError) as refused:
        simulate_dataset(tmp_path / "out", options)
    assert found in str(refused.value)
