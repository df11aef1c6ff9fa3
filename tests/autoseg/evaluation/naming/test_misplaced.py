"""Masks that are not where they were said to be: what was found is said, and what to give instead."""

from __future__ import annotations

from pathlib import Path

import pytest

from autoseg.evaluation import pair_files
from dataset_fingerprints.errors import DataError
from tests.autoseg.evaluation.masks import make_box, write_labels
from tests.synthetic.trees import bids, write_tree

BOX = make_box((4, 4, 4), (1, 1, 1), (3, 3, 3))


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    write_tree(tmp_path / "tree", *bids(("sub-01",), "T1w", "label-L_mask"))
    for name in ("masks/sub-01", "refs/sub-01", "deep/inner/sub-01"):
        write_labels(tmp_path / f"{name}.nii.gz", BOX)
    (tmp_path / "refs.csv").write_text("case,label\nsub-01,refs/sub-01.nii.gz\n")
    (tmp_path / "scores.json").write_text("{}")
    for folder in ("masks/report", "empty/none"):
        (tmp_path / folder).mkdir(parents=True)
    return tmp_path


@pytest.mark.parametrize(
    ("prediction", "reference", "message"),
    [
        ("tree", "masks", r"tree: is the folder of a data set with label maps of 1 case.*swapped.*evaluate masks tree"),
        ("refs.csv", "masks", r"refs.csv: is a table of files.*swapped.*evaluate masks refs.csv"),
        ("tree", "tree", "data set with label maps of 1 case.*second argument"),
        ("deep", "refs", r"deep: holds no image file itself, but deep/inner \(1 file\) does"),
        ("masks", "deep", r"deep: holds no image file itself, but deep/inner \(1 file\) does"),
        ("masks/report", "refs", r"masks/report: holds no image file itself, but masks \(1 file\) does"),
        ("empty/none", "refs", r"holds no image file \(\.nii\.gz"),
        ("masks", "refs/sub-01.nii.gz", r"masks: is a folder but .*The file of this case there is masks/sub-01"),
        ("scores.json", "refs", r"scores.json: is no image of masks \(\.nii\.gz.*Expected the folder with the masks"),
        ("masks/sub-01.nii.gz", "refs", r"refs: is a folder but .*The file of this case there is refs/sub-01"),
    ],
)
def test_what_was_found_is_said(place: Path, prediction: str, reference: str, message: str) -> None:
    with pytest.raises(DataError, match=message):
        pair_files(Path(prediction), Path(reference))
