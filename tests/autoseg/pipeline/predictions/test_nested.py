"""Folders of scans in folders: which are looked into, and which hold masks or results."""

from __future__ import annotations

from pathlib import Path

import pytest

from autoseg.pipeline.predictions.nested import find_nested
from autoseg.pipeline.scans.new_scans import find_scans, list_left_out
from dataset_fingerprints.errors import DataError
from tests.autoseg.pipeline.predictions.scans import ONE, touch
from tests.synthetic.trees import close_folders


def found(root: Path, *apart: Path) -> list[str]:
    return [scan.name for scan in find_scans(root, ONE, zero_missing=False, apart=apart)]


def test_scans_of_sub_folders_have_the_folder_in_front_of_their_name(tmp_path: Path) -> None:
    touch(tmp_path, "a.nii.gz", "site1/a.nii.gz", "site1/b.nii", "site2/visit/a.mha", "site2/visit/scan.1/c.nii.gz")
    assert found(tmp_path) == ["a", "site1/a", "site1/b", "site2/visit/a", "site2/visit/scan.1/c"]
    (tmp_path / "a.nii.gz").unlink()
    assert found(tmp_path)[0] == "site1/a"


def test_a_folder_that_cannot_be_listed_is_refused_and_those_of_the_system_are_passed_over(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    touch(tmp_path, "a.nii.gz", "site1/a.nii.gz", "lost+found/b.nii.gz")
    assert found(tmp_path) == ["a", "site1/a"]
    close_folders(monkeypatch, "site1")
    with pytest.raises(DataError, match="site1: cannot be listed"):
        found(tmp_path)


def test_channels_are_found_in_each_folder(tmp_path: Path) -> None:
    touch(tmp_path, *(f"{site}/p_000{channel}.nii.gz" for site in ("x", "y") for channel in (0, 1)))
    scans = find_scans(tmp_path, ("T1w", "FLAIR"), zero_missing=False)
    assert [(scan.name, len(scan.files())) for scan in scans] == [("x/p", 2), ("y/p", 2)]


@pytest.mark.parametrize(
    ("files", "why"),
    [
        (["masks/a.nii.gz"], "masks (a folder of label maps, by its name)"),
        (["labelsTr/a.nii.gz"], "labelsTr (a folder of label maps, by its name)"),
        (["out/a.nii.gz", "out-report/prediction.json"], "out (masks of an earlier prediction)"),
        (["x-report/predictions.csv", "x-report/contact_sheet.png"], "x-report (the report on masks)"),
        (["ws/dataset.json", "ws/plans/x"], "ws (a workspace)"),
        (["empty/notes.txt"], "empty (a folder without scans)"),
    ],
)
def test_folders_of_masks_and_results_hold_no_scans_and_are_named(tmp_path: Path, files: list[str], why: str) -> None:
    touch(tmp_path, "a.nii.gz", "stroke/a.nii.gz", *files)
    scans = find_scans(tmp_path, ONE, zero_missing=False)
    assert [scan.name for scan in scans] == ["a", "stroke/a"]
    assert why in list_left_out(tmp_path, scans)


def test_where_the_masks_go_no_scans_are_looked_for(tmp_path: Path) -> None:
    touch(tmp_path, "a.nii.gz", "out/a.nii.gz", "other/a.nii.gz", ".hidden/a.nii.gz")
    assert found(tmp_path, tmp_path / "out") == ["a", "other/a"]
    assert list_left_out(tmp_path, find_scans(tmp_path, ONE, zero_missing=False, apart=(tmp_path / "out",))) == [
        "out (a folder without scans)"
    ]


def test_pictures_in_sub_folders_are_scans_only_where_nothing_else_is(tmp_path: Path) -> None:
    touch(tmp_path, "a.nii.gz", "site/b.nii.gz", "site/overview.png", "figures/c.png")
    assert [path.name for path in find_nested(tmp_path)] == ["site"]
    assert found(tmp_path) == ["a", "site/b"]
    touch(tmp_path / "slides", "x/1.png", "y/2.tif")
    assert found(tmp_path / "slides") == ["x/1", "y/2"]


def test_a_link_that_leads_back_ends(tmp_path: Path) -> None:
    touch(tmp_path, "site/a.nii.gz")
    (tmp_path / "site" / "back").symlink_to(tmp_path, target_is_directory=True)
    assert found(tmp_path) == ["site/a"]
