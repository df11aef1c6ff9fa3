"""Masks in sub-folders: those of a BIDS derivative, and those that lie as their references do."""

from __future__ import annotations

from pathlib import Path

import pytest

from autoseg.evaluation import pair_files
from autoseg.evaluation.naming.nested_masks import find_derived, find_nested
from dataset_fingerprints.errors import DataError
from tests.autoseg.evaluation.masks import make_box, write_labels
from tests.synthetic.trees import bids, write_tree

BOX = make_box((10, 12, 8), (1, 2, 3), (7, 8, 7))
SUBJECTS = ("sub-01", "sub-02")


def write(folder: Path, *names: str) -> Path:
    for name in names:
        write_labels(folder / f"{name}.nii.gz", BOX)
    return folder


def test_masks_of_a_derivative_are_those_of_the_cases_of_a_tree(tmp_path: Path) -> None:
    tree = write_tree(tmp_path / "tree", *bids(SUBJECTS, "T1w", "label-L_mask", session="ses-1"))
    derived = [f"{one}/ses-1/anat/{one}_ses-1_space-orig_label-L" for one in SUBJECTS]
    out = write(tmp_path / "out", *(f"{one}_mask" for one in derived), *(f"{one}_probseg" for one in derived))
    assert sorted(find_derived(out) or {}) == ["sub-01_ses-1", "sub-02_ses-1"]
    assert find_derived(tree) is None, "it holds images"
    pairing = pair_files(out, tree)
    assert [(pair.case, pair.prediction.name) for pair in pairing.pairs] == [
        (f"{one}_ses-1", f"{one}_ses-1_space-orig_label-L_mask.nii.gz") for one in SUBJECTS
    ]
    flat = write(tmp_path / "flat", "sub-01_ses-1", "sub-02_ses-1")
    assert len(pair_files(out, flat).pairs) == 2


def test_folders_that_lie_alike_are_paired_by_their_paths(tmp_path: Path) -> None:
    masks = write(tmp_path / "masks", "a", "x/a", "y/z/b")
    truth = write(tmp_path / "truth", "a", "x/a", "y/z/c")
    pairing = pair_files(masks, truth)
    assert [pair.case for pair in pairing.pairs] == ["a", "x/a"]
    assert pairing.unpaired.without_reference == ("y/z/b",)
    assert pairing.unpaired.without_prediction == ("y/z/c",)


def test_sub_folders_of_one_side_only_are_left_alone(tmp_path: Path) -> None:
    masks = write(tmp_path / "masks", "a", "old/a")
    truth = write(tmp_path / "truth", "a")
    assert find_nested(masks, truth) is None
    assert [pair.case for pair in pair_files(masks, truth).pairs] == ["a"]


def test_two_files_of_one_case_in_a_sub_folder_are_refused(tmp_path: Path) -> None:
    masks, truth = (write(tmp_path / side, "x/a") for side in ("masks", "truth"))
    write_labels(masks / "x" / "a.nii", BOX)
    with pytest.raises(DataError, match=r"masks: holds a\.nii and a\.nii\.gz\. Keep one file per case"):
        pair_files(masks, truth)
