"""Masks against data sets: which belong together, and which labels are scored."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from autoseg.evaluation import Unpaired, evaluate_files, pair_files
from dataset_fingerprints.errors import DataError
from dataset_fingerprints.layouts import Selection, read_dataset
from tests.autoseg.evaluation.masks import make_box, write_labels
from tests.synthetic.trees import bids, write_tree

SHAPE = (10, 11, 12)
BOX = make_box(SHAPE, (1, 2, 3), (7, 8, 9))
HALF = make_box(SHAPE, (1, 2, 3), (4, 8, 9))
SUBJECTS = ("sub-01", "sub-02", "sub-03")


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """A BIDS tree of three subjects with one box as their lesions."""
    write_tree(tmp_path / "data", *bids(SUBJECTS, "T1w"))
    for file in bids(SUBJECTS, "label-L_mask"):
        write_labels(tmp_path / "data" / f"{file}.nii.gz", BOX)
    return tmp_path / "data"


def write_masks(folder: Path, *names: str) -> Path:
    for name in names:
        write_labels(folder / f"{name}.nii.gz", HALF)
    return folder


def as_table(tree: Path, columns: str = "case,image,label") -> Path:
    cases = read_dataset(tree).cases
    lines = [f"{case.name},{case.images[0]},{case.label}" for case in cases]
    (tree.parent / "cases.csv").write_text("\n".join((columns, *lines)) + "\n")
    return tree.parent / "cases.csv"


@pytest.mark.parametrize(
    "names", [("sub-01", "sub-02"), ("sub-01_T1w", "sub-02_label-L_mask"), ("sub-01", "sub-02_T1w")]
)
@pytest.mark.parametrize("listed", [False, True])
def test_masks_are_called_after_cases_or_scans_of_a_data_set(tree: Path, names: tuple[str, ...], listed: bool) -> None:
    masks = write_masks(tree.parent / "masks", *names, "other")
    evaluation = evaluate_files(masks, as_table(tree) if listed else tree)
    assert [case.case for case in evaluation.cases] == ["sub-01", "sub-02"]
    assert evaluation.unpaired == Unpaired(without_prediction=("sub-03",), without_reference=("other",))
    assert evaluation.foreground_mean_dice == pytest.approx(2 / 3)


def test_a_single_mask_is_scored_against_its_case_of_a_data_set(tree: Path) -> None:
    write_masks(tree.parent / "masks", "sub-02", "x")
    pairing = pair_files(tree.parent / "masks" / "sub-02.nii.gz", tree)
    assert [pair.case for pair in pairing.pairs] == ["sub-02"]
    with pytest.raises(DataError, match=r"has no prediction for cases sub-01, sub-02.*no reference for case x"):
        pair_files(tree.parent / "masks" / "x.nii.gz", tree)


def test_two_masks_of_one_case_are_refused(tree: Path) -> None:
    masks = write_masks(tree.parent / "masks", "sub-01", "sub-01_T1w")
    with pytest.raises(DataError, match=r"sub-01.*and sub-01.* are both masks of case sub-01. Keep one"):
        pair_files(masks, tree)


def test_a_data_set_says_which_labels_are_scored_and_which_voxels_are_ignored(tree: Path) -> None:
    masks = write_masks(tree.parent / "masks", *SUBJECTS)
    labels = {"background": 0, "core": 1, "rim": 2, "ignore": 3}
    (tree / "dataset.json").write_text(json.dumps({"labels": labels}))
    evaluation = evaluate_files(masks, tree)
    assert [summary.label for summary in evaluation.summary] == [1, 2]
    labels = {"background": 0, "whole": [1, 2], "core": [1]}
    (tree / "dataset.json").write_text(json.dumps({"labels": labels, "regions_class_order": [2, 1]}))
    assert [summary.label for summary in evaluate_files(masks, tree).summary] == ["whole", "core"]


def test_several_kinds_of_references_are_for_a_person_to_choose(tree: Path) -> None:
    masks = write_masks(tree.parent / "masks", *SUBJECTS)
    write_tree(tree / "derivatives" / "rater2", *bids(SUBJECTS, "label-L_mask"))
    with pytest.raises(DataError, match=r"several label maps.*--mask label-L_mask"):
        pair_files(masks, tree)
    pairing = pair_files(masks, tree, selection=Selection(mask="rater2"))
    assert all("rater2" in pair.reference.parts for pair in pairing.pairs)


def test_strictness_holds_for_data_sets_too(tree: Path) -> None:
    masks = write_masks(tree.parent / "masks", "sub-01")
    with pytest.raises(DataError, match="no prediction for cases sub-02, sub-03"):
        pair_files(masks, tree, strict=True)


def test_files_whose_names_are_no_text_are_refused(tmp_path: Path) -> None:
    for side in ("masks", "references"):
        (tmp_path / side).mkdir()
        (tmp_path / side / os.fsdecode(b"M\xfcller.nii.gz")).touch()
    with pytest.raises(DataError, match=r"masks/M\\xfcller.nii.gz: its name is not valid UTF-8"):
        pair_files(tmp_path / "masks", tmp_path / "references")
