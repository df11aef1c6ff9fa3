"""Description of a data set in one line."""

from __future__ import annotations

import json

from dataset_fingerprints.layouts import describe_layout, read_dataset
from tests.synthetic.scans import write_csv, write_nnunet_dataset, write_pairs


def test_a_pair_is_described_by_its_first_case(tmp_path):
    write_pairs(tmp_path / "Brain", tmp_path / "Lesion", 3, "_T1w")
    expected = "paired folders: Brain/sub-000_T1w.nii.gz with Lesion/sub-000.nii.gz, 3 cases, 1 channel"
    assert describe_layout(read_dataset(tmp_path)) == expected


def test_an_nnunet_folder_is_described_with_its_channels_and_with_what_was_left_out(tmp_path):
    write_nnunet_dataset(tmp_path, 1, channels=("T1w", "FLAIR"))
    for name in ("notes.txt", "preview.png", "sub-000_0000.json", ".hidden", "old"):
        (tmp_path / "imagesTr" / name).write_text("")
    (tmp_path / "labelsTr" / "readme").write_text("")
    assert describe_layout(read_dataset(tmp_path)) == (
        "nnU-Net raw folder: imagesTr/sub-000_0000.nii.gz and imagesTr/sub-000_0001.nii.gz with "
        "labelsTr/sub-000.nii.gz, 1 case, 2 channels (T1w, FLAIR). "
        "Left out: imagesTr/notes.txt, imagesTr/old, imagesTr/preview.png and 1 more"
    )


def test_scans_that_a_decathlon_folder_does_not_list_are_reported_as_left_out(tmp_path):
    write_pairs(tmp_path / "imagesTr", tmp_path / "labelsTr", 3)
    training = [{"image": f"imagesTr/sub-00{i}.nii.gz", "label": f"labelsTr/sub-00{i}.nii.gz"} for i in range(2)]
    description = {"modality": {"0": "MRI"}, "labels": {"1": "dark", "2": "bright"}, "training": training}
    (tmp_path / "dataset.json").write_text(json.dumps(description))
    line = describe_layout(read_dataset(tmp_path))
    assert line.startswith("Decathlon folder: imagesTr/sub-000.nii.gz with labelsTr/sub-000.nii.gz, 2 cases, 1 channel")
    assert line.endswith("(MRI). Left out: imagesTr/sub-002.nii.gz, labelsTr/sub-002.nii.gz")


def test_a_csv_is_described_without_the_files_beside_those_it_lists(tmp_path):
    write_pairs(tmp_path / "scans", tmp_path / "masks", 2)
    row = {"image": "scans/sub-001.nii.gz", "label": "masks/sub-001.nii.gz"}
    line = describe_layout(read_dataset(write_csv(tmp_path / "cases.csv", [row])))
    assert line == "CSV of paths: scans/sub-001.nii.gz with masks/sub-001.nii.gz, 1 case, 1 channel"
