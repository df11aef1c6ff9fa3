"""Contract of every entry of the table of layouts."""

from __future__ import annotations

import numpy as np
import pytest

from dataset_fingerprints.dataset import Label
from dataset_fingerprints.errors import DataError
from dataset_fingerprints.layouts import LAYOUTS, read_dataset
from dataset_fingerprints.reading.images import read_image, read_label_map
from tests.dataset_fingerprints.layouts.builders import (
    write_known_pair,
    write_listed,
    write_listing,
    write_moved,
    write_msd,
    write_table,
)
from tests.synthetic.scans import head, write_nifti, write_nnunet_dataset

WRITERS = {
    "nnunet": lambda root: write_nnunet_dataset(root, cases=4),
    "nnunet listed": write_listed,
    "msd": write_msd,
    "csv": write_listing,
    "csv named": lambda root: write_listing(root, column="image:T1w"),
    "csv as tsv": lambda root: write_table(root, "\t", ".tsv"),
    "csv with semicolons": lambda root: write_table(root, ";", ".csv"),
    "paired": write_known_pair,
    "bids": lambda root: write_moved(root, "{name}/anat/{name}_T1w.nii.gz", "{name}/anat/{name}_label-L_mask.nii.gz"),
    "bids derivatives": lambda root: write_moved(
        root, "{name}/anat/{name}_T1w.nii.gz", "derivatives/manual/{name}/anat/{name}_desc-lesion_mask.nii.gz"
    ),
    "patients": lambda root: write_moved(root, "{name}/T1w.nii.gz", "{name}/mask.nii.gz"),
}


def test_every_layout_of_the_table_is_compared_below():
    assert {name.split()[0] for name in WRITERS} == set(LAYOUTS)


@pytest.mark.parametrize("how", WRITERS)
def test_every_layout_of_the_same_cases_gives_the_same_cases_channel_count_and_labels(tmp_path, how):
    dataset = read_dataset(WRITERS[how](tmp_path))
    assert dataset.layout == how.split()[0]
    assert [case.name for case in dataset.cases] == ["sub-000", "sub-001", "sub-002", "sub-003"]
    assert [case.subject for case in dataset.cases] == ["sub-000", "sub-001", "sub-002", "sub-003"]
    assert len(dataset.channels) == 1
    assert dataset.labels.labels == (Label(name="dark", value=1), Label(name="bright", value=2))
    for index, case in enumerate(dataset.cases):
        image, mask = head(index)
        assert np.array_equal(read_image(case.image_paths()).voxels[0], image)
        assert np.array_equal(read_label_map(case.label_path()).voxels[0], mask)


@pytest.mark.parametrize(("name", "found"), [("nothing", "does not exist"), ("scan.nii.gz", "is a file")])
def test_a_place_that_is_neither_folder_nor_csv_is_refused(tmp_path, name, found):
    write_nifti(tmp_path / "scan.nii.gz", head(0)[0])
    with pytest.raises(DataError, match=f"{found}. Expected the folder of a data set, or a CSV"):
        read_dataset(tmp_path / name)
