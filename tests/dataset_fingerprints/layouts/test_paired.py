"""Paired folders: a folder of scans and one of label maps."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from dataset_fingerprints.dataset import Label
from dataset_fingerprints.errors import DataError
from dataset_fingerprints.layouts import describe_layout, find_lone_scans, read_dataset, read_paired
from tests.dataset_fingerprints.layouts.builders import (
    LABELS,
    describe,
    write_known_pair,
)
from tests.synthetic.scans import head, write_nifti, write_pairs


@pytest.mark.parametrize(
    ("images", "labels"),
    [
        ("Brain", "Lesion"),
        ("Image", "Label"),
        ("images", "Labels"),
        ("image", "labels"),
        ("IMG", "mask"),
        ("T1", "lesion"),
    ],
)
def test_a_folder_with_one_known_pair_needs_no_dataset_json(tmp_path, images, labels):
    write_pairs(tmp_path / "train" / images, tmp_path / "train" / labels)
    dataset = read_dataset(tmp_path / "train")
    assert (dataset.name, dataset.layout, len(dataset.cases)) == ("train", "paired", 4)
    assert dataset.channels == ("0",)
    assert dataset.labels.labels == (Label(name="lesion", value=1),)


def test_two_known_pairs_are_refused_by_name(tmp_path):
    write_pairs(tmp_path / "Brain", tmp_path / "Lesion")
    write_pairs(tmp_path / "img", tmp_path / "mask")
    with pytest.raises(DataError, match="2 pairs of folders: Brain and Lesion; img and mask"):
        read_dataset(tmp_path)


def test_a_dataset_json_names_the_channels_and_labels_of_a_pair(tmp_path):
    write_known_pair(tmp_path)
    describe(tmp_path, channel_names={"0": "CT"}, labels=LABELS)
    dataset = read_dataset(tmp_path)
    assert (dataset.layout, dataset.channels, len(dataset.labels.labels)) == ("paired", ("CT",), 2)


@pytest.mark.parametrize(
    ("image_suffix", "label_suffix"),
    [("", ""), ("_0000", ""), ("_T1w", "_mask"), ("_T1w_0000", "_lesion"), ("-FLAIR", "-seg"), ("", "_T1w_label")],
)
def test_pairs_match_by_stem_with_or_without_common_endings(tmp_path, image_suffix, label_suffix):
    folders = write_pairs(tmp_path / "scans", tmp_path / "drawn", 4, image_suffix, label_suffix)
    dataset = read_paired(*folders)
    assert (dataset.name, dataset.root) == (tmp_path.name, str(tmp_path.resolve()))
    assert [case.name for case in dataset.cases] == ["sub-000", "sub-001", "sub-002", "sub-003"]
    for index, case in enumerate(dataset.cases):
        assert [Path(file).name for file in (*case.images, case.label)] == [
            f"sub-{index:03d}{image_suffix}.nii.gz",
            f"sub-{index:03d}{label_suffix}.nii.gz",
        ]


def test_channel_suffixes_of_a_pair_give_channels_in_order(tmp_path):
    write_pairs(tmp_path / "image", tmp_path / "label", image_suffix="_0001")
    write_pairs(tmp_path / "image", tmp_path / "label", image_suffix="_0000")
    dataset = read_dataset(tmp_path)
    assert dataset.channels == ("0", "1")
    assert [file.name for file in dataset.cases[3].image_paths()] == ["sub-003_0000.nii.gz", "sub-003_0001.nii.gz"]


def test_four_digits_are_not_a_channel_where_the_label_map_has_them_too(tmp_path):
    for name in ("scan_0001.nii.gz", "scan_0002.nii.gz"):
        write_nifti(tmp_path / "image" / name, head(0)[0])
        write_nifti(tmp_path / "label" / name, head(0)[1])
    assert [case.name for case in read_dataset(tmp_path).cases] == ["scan_0001", "scan_0002"]


def test_a_scan_and_a_label_map_whose_names_are_nearly_alike_are_named_together(tmp_path, caplog):
    images, _ = write_pairs(tmp_path / "image", tmp_path / "label")
    (images / "sub-001.nii.gz").rename(images / "Sub-1.nii.gz")
    assert len(read_dataset(tmp_path).cases) == 5
    assert "These look like names of one case: Sub-1 and sub-001" in caplog.text


def test_names_that_have_nothing_in_common_are_one_error_that_shows_both_sides(tmp_path):
    images, _ = write_pairs(tmp_path / "image", tmp_path / "label")
    for index, file in enumerate(sorted(images.iterdir())):
        file.rename(images / f"patient{index}.nii.gz")
    with pytest.raises(DataError, match=r"no scan has a label map.*patient0\.nii\.gz, .*the label maps are sub-000"):
        read_dataset(tmp_path)


@pytest.mark.parametrize(
    ("extra", "message"),
    [
        ("image/sub-001_T1w.nii.gz", "several files belong to one case.*sub-001_T1w"),
        ("image/sub-001.nii", "several files belong to one case.*sub-001.nii"),
    ],
)
def test_an_ambiguous_pair_is_refused(tmp_path, extra, message):
    folders = write_pairs(tmp_path / "image", tmp_path / "label")
    write_nifti(tmp_path / extra, head(1)[0])
    with pytest.raises(DataError, match=message):
        read_paired(*folders)


def test_empty_or_absent_folders_of_a_pair_are_refused(tmp_path):
    (tmp_path / "image").mkdir()
    with pytest.raises(DataError, match="label: does not exist"):
        read_paired(tmp_path / "image", tmp_path / "label")
    (tmp_path / "label").mkdir()
    with pytest.raises(DataError, match="image: holds no images"):
        read_dataset(tmp_path)


def test_a_pair_numbered_from_one_is_refused(tmp_path):
    write_pairs(tmp_path / "image", tmp_path / "label", image_suffix="_0001")
    with pytest.raises(DataError, match="no case has a file of channel 0, though there are some of channel 1"):
        read_dataset(tmp_path)


def test_images_beside_the_pair_of_folders_are_not_left_out_silently(tmp_path):
    for folder in ("T1", "FLAIR", "lesion"):
        image, labels = head(0)
        write_nifti(tmp_path / folder / "001.nii.gz", labels if folder == "lesion" else image)
    with pytest.raises(DataError, match=r"FLAIR beside T1 and lesion.*image:FLAIR"):
        read_dataset(tmp_path)


def test_named_folders_need_no_common_name_and_take_labels_from_a_dataset_json_above(tmp_path):
    write_pairs(tmp_path / "a" / "scans", tmp_path / "b" / "drawings", 2)
    (tmp_path / "dataset.json").write_text(json.dumps({"labels": LABELS, "channel_names": {"0": "CT"}}))
    dataset = read_paired(tmp_path / "a" / "scans", tmp_path / "b" / "drawings")
    assert (dataset.channels, len(dataset.labels.labels)) == (("CT",), 2)
    assert "a/scans/sub-000.nii.gz with b/drawings/sub-000.nii.gz" in describe_layout(dataset)


@pytest.mark.parametrize("name", ["images", "labels"])
def test_a_named_folder_that_is_not_there_or_is_empty_is_refused(tmp_path, name):
    places = {"images": tmp_path / "images", "labels": tmp_path / "labels"}
    write_pairs(*places.values(), 1)
    (places[name] / "sub-000.nii.gz").unlink()
    with pytest.raises(DataError, match=f"{name}: holds no images"):
        read_paired(**places)
    places[name].rmdir()
    with pytest.raises(DataError, match=f"{name}: does not exist"):
        read_paired(**places)


def test_unpadded_numbers_are_in_the_order_of_the_numbers(tmp_path):
    for number in range(12):
        image, mask = head(number)
        write_nifti(tmp_path / "Image" / f"{number}.nii.gz", image)
        write_nifti(tmp_path / "Label" / f"{number}.nii.gz", (mask == 1).astype(np.uint8))

    assert [case.name for case in read_dataset(tmp_path).cases] == [str(number) for number in range(12)]


def test_pairs_may_lie_in_a_folder_for_training_beside_one_for_a_test(tmp_path, caplog):
    write_pairs(tmp_path / "train" / "Brain", tmp_path / "train" / "Lesion")
    write_nifti(tmp_path / "test" / "Brain" / "900.nii.gz", head(9)[0])
    describe(tmp_path, labels=LABELS)

    dataset = read_dataset(tmp_path)

    assert dataset.name == tmp_path.name
    assert [case.label for case in dataset.cases] == [
        str(tmp_path / "train" / "Lesion" / f"sub-{number:03d}.nii.gz") for number in range(4)
    ]
    assert "Left out test, for a test" in caplog.text
    assert find_lone_scans(tmp_path / "test") == tmp_path / "test" / "Brain"
    assert find_lone_scans(tmp_path / "train") is None
    assert find_lone_scans(tmp_path / "test" / "Brain") is None
