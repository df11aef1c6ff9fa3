"""Several inputs: files, folders and data sets together."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from autoseg.pipeline.predictions.inputs import Inputs, Search, find_inputs
from dataset_fingerprints.errors import DataError
from tests.autoseg.pipeline.predictions.scans import ONE, touch
from tests.synthetic.trees import bids, write_tree


def find(*places: Path, channels: tuple[str, ...] = ONE) -> Inputs:
    return find_inputs(places, channels, Search(), places[0].parent / "masks-go-here")


def names(inputs: Inputs) -> list[str]:
    return [scan.name for scan in inputs.scans()]


def test_files_folders_and_trees_are_taken_together(tmp_path: Path) -> None:
    touch(tmp_path, "a.nii.gz", "more/b.nii.gz", "more/deep/c.nii.gz", "more/notes.txt")
    write_tree(tmp_path / "tree", *bids(["sub-01"], "T1w"))
    inputs = find(tmp_path / "a.nii.gz", tmp_path / "more", tmp_path / "tree")
    assert names(inputs) == ["a", "b", "deep/c", "sub-01"]
    assert [one.layout for one in inputs.all] == ["", "", "bids"]
    assert inputs.layout() == ""
    assert inputs.left_out() == ["notes.txt (not an image)"]


def test_a_scan_that_two_inputs_hold_is_taken_once(tmp_path: Path) -> None:
    touch(tmp_path, "x/a_0000.nii.gz", "x/a_0001.nii.gz", "x/b_0000.nii.gz", "x/b_0001.nii.gz")
    files = sorted((tmp_path / "x").iterdir())
    assert names(find(*files, channels=("T1w", "FLAIR"))) == ["a", "b"], "as a shell's * gives them"
    (tmp_path / "link").symlink_to("x", target_is_directory=True)
    assert names(find(tmp_path / "x", tmp_path / "link", files[0], channels=("T1w", "FLAIR"))) == ["a", "b"]


def test_scans_of_one_name_in_several_inputs_are_refused_with_both_paths(tmp_path: Path) -> None:
    touch(tmp_path, "x/a.nii.gz", "y/a.nii.gz")
    with pytest.raises(DataError, match=r"called alike.*a \(.*x/a\.nii\.gz and .*y/a\.nii\.gz\). Give the folder that"):
        find(tmp_path / "x", tmp_path / "y")
    assert names(find(tmp_path)) == ["x/a", "y/a"]


def test_each_input_is_refused_by_its_own_name(tmp_path: Path) -> None:
    touch(tmp_path, "x/a.nii.gz", "y/notes.txt")
    with pytest.raises(DataError, match=r"^\S+/y: holds no images"):
        find(tmp_path / "x", tmp_path / "y")
    with pytest.raises(DataError, match=r"^\S+/z: does not exist"):
        find(tmp_path / "x", tmp_path / "z")


@pytest.mark.parametrize("channels", [ONE, ("T1w", "FLAIR")])
def test_files_given_together_are_the_scans_that_each_is_alone(tmp_path: Path, channels: tuple[str, ...]) -> None:
    touch(tmp_path, "p_0000.nii.gz", "p_0001.nii.gz", "q_0000.nii.gz", "q_0001.nii.gz", "r_2024_0000.nii.gz")
    files = sorted(tmp_path.iterdir())
    search = Search(zero_missing=True)
    together = find_inputs(files, channels, search, tmp_path / "out").scans()
    alone = {find_inputs([file], channels, search, tmp_path / "out").scans() for file in files}
    assert {(scan,) for scan in together} == alone
    some = find_inputs(files[1:3], channels, search, tmp_path / "out").scans()
    assert set(some) <= set(together)
    touch(tmp_path, "q_0000.mha")
    twins = find_inputs([tmp_path / "q_0000.mha", files[0]], channels, search, tmp_path / "out").scans()
    assert [scan.files()[0].name for scan in twins] == ["q_0000.mha", "p_0000.nii.gz"]


def test_paths_are_recorded_without_dots(tmp_path: Path) -> None:
    touch(tmp_path, "x/a.nii.gz", "y/b.nii.gz")
    inputs = find(tmp_path / "x" / ".." / "y" / "b.nii.gz", tmp_path / "y" / ".." / "x")
    assert [scan.files() for scan in inputs.scans()] == [
        ((tmp_path / "y" / "b.nii.gz").resolve(),),
        ((tmp_path / "x" / "a.nii.gz").resolve(),),
    ]


def test_a_scan_whose_name_is_no_text_is_refused_before_anything_is_predicted(tmp_path: Path) -> None:
    touch(tmp_path, "scans/a.nii.gz")
    name = os.fsdecode(b"M\xfcller.nii.gz")
    (tmp_path / "scans" / name).touch()
    with pytest.raises(DataError, match=r"scans/M\\xfcller.nii.gz: its name is not valid UTF-8"):
        find(tmp_path / "scans")
