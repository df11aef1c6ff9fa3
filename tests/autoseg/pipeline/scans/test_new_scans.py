"""New scans: what digits at the end of names are, which files belong together, what is left out."""

from __future__ import annotations

import shutil
import unicodedata
from pathlib import Path

import numpy as np
import pytest

from autoseg.pipeline.scans.new_scans import explain_channels, explain_digits, find_scans, list_left_out
from dataset_fingerprints.errors import DataError
from dataset_fingerprints.layouts import Selection
from tests.synthetic.scans import head, write_nifti
from tests.synthetic.trees import bids, write_tree

COMPOSED, DECOMPOSED = (unicodedata.normalize(form, "Zoë") for form in ("NFC", "NFD"))
ONE, TWO = ("T1w",), ("T1w", "FLAIR")


@pytest.fixture
def scans(tmp_path: Path) -> Path:
    folder = tmp_path / "scans"
    folder.mkdir()
    return folder


def write(folder: Path, *names: str, volumes: int = 1) -> None:
    voxels = head(0)[0][:6, :6, :6]
    for name in names:
        write_nifti(folder / f"{name}.nii.gz", voxels if volumes == 1 else np.stack([voxels] * volumes, axis=-1))


def find(place: Path, channels: tuple[str, ...]) -> dict[str, list[str | None]]:
    found = find_scans(place, channels, zero_missing=True)
    return {scan.name: [image and image.name.removesuffix(".nii.gz") for image in scan.images] for scan in found}


# files, channels, the scans and their files
FOLDERS = [
    (["a", "b"], ONE, {"a": ["a"], "b": ["b"]}),
    (["a_0000", "b_0000"], ONE, {"a": ["a_0000"], "b": ["b_0000"]}),
    (["p_0001", "p_0002", "v_2024"], ONE, {"p_0001": ["p_0001"], "p_0002": ["p_0002"], "v_2024": ["v_2024"]}),
    (["p_0000", "p_0001", "p_0002"], ONE, {"p_0000": ["p_0000"], "p_0001": ["p_0001"], "p_0002": ["p_0002"]}),
    (["a_0000", "v_2024"], ONE, {"a_0000": ["a_0000"], "v_2024": ["v_2024"]}),
    (["a_0000", "b"], ONE, {"a_0000": ["a_0000"], "b": ["b"]}),
    (["a_0000", "a_0001"], TWO, {"a": ["a_0000", "a_0001"]}),
    (["a_0000", "a_0001", "b_0001"], TWO, {"a": ["a_0000", "a_0001"], "b": [None, "b_0001"]}),
    (["p_0001_0000", "p_0001_0001"], TWO, {"p_0001": ["p_0001_0000", "p_0001_0001"]}),
]


@pytest.mark.parametrize(("names", "channels", "expected"), FOLDERS)
def test_digits_at_the_end_are_channels_only_where_the_names_say_so(scans, names, channels, expected):
    write(scans, *names)
    assert find(scans, channels) == expected
    for name, files in expected.items():
        for file in filter(None, files):
            assert find(scans / f"{file}.nii.gz", channels) == {name: files}


@pytest.mark.parametrize("names", [["p_0001", "p_0002"], ["p_0000", "p_0001"], ["a", "b"], ["v_2024"]])
def test_files_that_hold_all_channels_keep_their_digits(scans, names):
    write(scans, *names, volumes=2)
    assert find(scans, TWO) == {name: [name] for name in names}


@pytest.mark.parametrize(
    ("names", "channels", "wrong"),
    [
        (["a_0000", "b_0000", "b_0001"], ONE, r"b has 2"),
        (["a_0000", "a_0001", "a_0002"], TWO, r"a \(3\)"),
        (["a_0000", "a_0005"], TWO, r"a \(2\)"),
        (["a_0000", "a"], TWO, r"a \(2\)"),
    ],
)
def test_files_of_more_channels_than_the_model_has_are_refused(scans, names, channels, wrong):
    write(scans, *names)
    with pytest.raises(DataError, match=rf"(expected 2 channels per scan|the model takes one channel) .*{wrong}"):
        find_scans(scans, channels, zero_missing=False)


def test_digits_that_begin_at_0000_are_explained(scans):
    write(scans, "p_0000", "p_0001")
    found = find_scans(scans, ONE, zero_missing=False)
    assert explain_digits(found, ONE) == (
        "The model has one channel: the digits at the end of names such as p_0000 are numbers of cases."
    )
    (scans / "p_0000.nii.gz").unlink()
    assert explain_digits(find_scans(scans, ONE, zero_missing=False), ONE) is None


@pytest.mark.parametrize(
    ("names", "suffix"),
    [
        (["UPPER.NII.GZ"], ".nii.gz"),
        (["UPPER.NII"], ".nii"),
        (["Mixed.Nii.Gz"], ".nii.gz"),
        (["pair.hdr", "pair.img"], ".nii.gz"),
        (["PAIR.HDR", "PAIR.IMG"], ".nii.gz"),
        (["a.MHD"], ".mha"),
        (["a.BMP"], ".png"),
        (["a b [c] 100% :x:.nrrd"], ".nrrd"),
    ],
)
def test_suffixes_count_in_any_case_and_pairs_are_one_scan(scans, names, suffix):
    for name in names:
        (scans / name).write_bytes(b"")
    (scan,) = find_scans(scans, ONE, zero_missing=False)
    assert (scan.name, scan.mask_suffix()) == (names[0].split(".")[0], suffix)
    assert list_left_out(scans, [scan]) == []
    for name in names:
        assert find_scans(scans / name, ONE, zero_missing=False) == (scan,)


@pytest.mark.parametrize(
    "names", [("a.nii.gz", "a.nrrd"), ("a.nii.gz", "a.NII"), (f"{COMPOSED}.nii", f"{DECOMPOSED}.nii")]
)
def test_two_files_of_one_name_are_refused_in_a_folder_and_taken_alone(scans, names):
    for name in names:
        (scans / name).write_bytes(b"")
    with pytest.raises(DataError, match="several files have the name of one scan"):
        find_scans(scans, ONE, zero_missing=False)
    for name in names:
        (scan,) = find_scans(scans / name, ONE, zero_missing=False)
        assert [file.name for file in scan.files()] == [name]
        assert scan.name == name.split(".")[0]


def test_what_is_left_out_of_a_folder_is_listed_but_not_for_one_scan(scans):
    write(scans, "a", "b")
    for name in ("notes.txt", "x.foo", "a.json", ".hidden", "widow.img", "widower.hdr"):
        (scans / name).write_bytes(b"")
    (scans / "folder").mkdir()
    found = find_scans(scans, ONE, zero_missing=False)
    assert [scan.name for scan in found] == ["a", "b"]
    folder, *others = list_left_out(scans, found)
    assert folder == "folder (a folder without scans)"
    assert [entry.partition(" (")[0] for entry in others] == ["notes.txt", "widow.img", "widower.hdr", "x.foo"]
    assert all(entry.endswith(")") for entry in others), "each with why"
    alone = find_scans(scans / "a.nii.gz", ONE, zero_missing=False)
    assert list_left_out(scans / "a.nii.gz", alone) == []


@pytest.mark.parametrize("name", ["notes.txt", ".a.nii.gz", "x.foo"])
def test_a_file_that_is_no_image_is_refused(scans, name):
    (scans / name).write_bytes(b"")
    with pytest.raises(DataError, match="is not an image that can be read"):
        find_scans(scans / name, ONE, zero_missing=False)
    shutil.rmtree(scans)
    with pytest.raises(DataError, match="does not exist"):
        find_scans(scans / name, ONE, zero_missing=False)


def test_data_sets_of_training_are_scans_under_the_names_of_their_cases(tmp_path):
    write_tree(tmp_path / "tree", *bids(("sub-01", "sub-02"), "T1w", "FLAIR", "label-L_mask"))
    found = find_scans(tmp_path / "tree", ("FLAIR", "T1w"), zero_missing=False)
    assert {scan.name: [file.name for file in scan.files()] for scan in found} == {
        name: [f"{name}_FLAIR.nii.gz", f"{name}_T1w.nii.gz"] for name in ("sub-01", "sub-02")
    }
    assert list_left_out(tmp_path / "tree", found) == []
    assert explain_channels(found, ("FLAIR", "T1w")) == (
        "Channels of sub-01, for example: FLAIR is sub-01_FLAIR.nii.gz, T1w is sub-01_T1w.nii.gz."
    )
    (tmp_path / "new.csv").write_text("case,FLAIR\nx,tree/sub-01/anat/sub-01_FLAIR.nii.gz\n")
    with pytest.raises(DataError, match=r"1 scan lacks channels: x \(T1w\)"):
        find_scans(tmp_path / "new.csv", ("FLAIR", "T1w"), zero_missing=False)
    (scan,) = find_scans(tmp_path / "new.csv", ("FLAIR", "T1w"), zero_missing=True)
    assert scan.absent() == 1


def test_a_case_of_a_table_without_any_scan_is_refused(tmp_path):
    write_tree(tmp_path, "a")
    (tmp_path / "new.csv").write_text("case,image\na,a.nii.gz\nb,\n")
    with pytest.raises(DataError, match="b has no scan"):
        find_scans(tmp_path / "new.csv", ONE, zero_missing=True)


def test_nothing_is_chosen_among_plain_files(scans):
    write(scans, "a")
    with pytest.raises(DataError, match="--channel chooses among the files of BIDS trees"):
        find_scans(scans, ONE, zero_missing=False, selection=Selection(channels=("T1w",)))
