"""Names of image files: suffixes in any case, files in pairs, digits at the end, names that look the same."""

from __future__ import annotations

import json
import shutil
import unicodedata
from pathlib import Path, PurePath

import nibabel
import numpy as np
import pytest

from dataset_fingerprints.dataset import Dataset
from dataset_fingerprints.errors import DataError
from dataset_fingerprints.geometry import make_grid
from dataset_fingerprints.layouts import describe_layout, read_dataset, read_paired
from dataset_fingerprints.measuring.identity import identify
from dataset_fingerprints.reading.file_names import (
    are_first_channels,
    find_alike,
    find_left_out,
    image_of,
    images_in,
    show_left_out,
    split_channel,
    stem_of,
)
from dataset_fingerprints.reading.images import (
    case_stem,
    is_image,
    read_channels,
    read_grid,
    read_label_map,
    suffix_of,
    write_label_map,
)
from tests.synthetic.scans import affine_of, head, write_csv, write_nifti, write_nnunet_dataset, write_pairs

COMPOSED, DECOMPOSED = (unicodedata.normalize(form, "Zoë") for form in ("NFC", "NFD"))


@pytest.mark.parametrize(
    ("name", "stem", "suffix"),
    [
        ("a.nii.gz", "a", ".nii.gz"),
        ("A.NII.GZ", "A", ".nii.gz"),
        ("A.Nii.Gz", "A", ".nii.gz"),
        ("sub.01.NII", "sub.01", ".nii"),
        ("a b [c] 100%.Nrrd", "a b [c] 100%", ".nrrd"),
        ("a.IMG", "a", ".img"),
        (f"{DECOMPOSED}.PNG", COMPOSED, ".png"),
    ],
)
def test_a_suffix_counts_in_any_case_and_an_accent_in_any_form(name: str, stem: str, suffix: str) -> None:
    assert (case_stem(Path(name)), suffix_of(Path(name)), is_image(Path(name))) == (stem, suffix, True)


@pytest.mark.parametrize("name", [".a.nii.gz", "a.nii.bz2", "a.hdr", "a.foo", "nii.gz", "notes.txt"])
def test_what_is_no_image_is_none(name: str) -> None:
    assert not is_image(Path(name))


@pytest.mark.parametrize(
    ("stem", "parts"),
    [
        ("a_0000", ("a", 0)),
        ("a_b_0012", ("a_b", 12)),
        ("a_000", ("a_000", None)),
        ("a_00001", ("a_00001", None)),
        ("_0000", ("_0000", None)),
        ("a_" + "\u0660" * 4, ("a_" + "\u0660" * 4, None)),
    ],
)
def test_four_digits_at_the_end_may_be_a_channel(stem: str, parts: tuple[str, int | None]) -> None:
    assert split_channel(stem) == parts
    assert are_first_channels([stem]) == (parts[1] == 0)


def write_pair(folder: Path, voxels: np.ndarray, names: tuple[str, str], kind: type = nibabel.Nifti1Pair) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    nibabel.save(kind(voxels, affine_of()), folder / "written.img")
    for written, name in zip(("written.hdr", "written.img"), names, strict=True):
        (folder / written).rename(folder / name)


@pytest.mark.parametrize("kind", [nibabel.Nifti1Pair, nibabel.Nifti2Pair])
@pytest.mark.parametrize("names", [("a.hdr", "a.img"), ("A.HDR", "A.IMG"), ("a.hdr", "a.IMG")])
def test_an_image_of_two_files_is_read_by_either_name(tmp_path: Path, kind: type, names: tuple[str, str]) -> None:
    voxels = head(1)[0]
    write_pair(tmp_path, voxels, names, kind)
    header, image = (tmp_path / name for name in names)
    assert images_in(tmp_path) == [image]
    assert image_of(header) == image_of(image) == image
    for path in (header, image):
        assert np.array_equal(read_channels(path).voxels[0], voxels)
        assert read_grid(path) == make_grid(voxels.shape, affine_of())
    before = identify(image)
    header.write_bytes(header.read_bytes()[:-4] + b"\1\0\0\0")
    assert identify(image) != before


def test_half_a_pair_and_an_image_without_sides_are_refused(tmp_path: Path) -> None:
    write_pair(tmp_path, head(1)[0], ("a.hdr", "a.img"))
    (tmp_path / "a.hdr").unlink()
    assert images_in(tmp_path) == []
    with pytest.raises(DataError, match=r"a\.img: is one of the two files of an image, but a\.hdr is not beside it"):
        read_channels(tmp_path / "a.img")
    write_pair(tmp_path, head(1)[0], ("b.hdr", "b.img"), nibabel.AnalyzeImage)
    with pytest.raises(DataError, match=r"b\.img: is an Analyze 7\.5 image, whose header does not say which side is"):
        read_channels(tmp_path / "b.img")
    for name in ("c.img", "c.hdr", "C.IMG"):
        with pytest.raises(DataError, match="is one of two files, which cannot be replaced"):
            write_label_map(tmp_path / name, np.zeros((4, 4, 4), np.uint8), make_grid((4, 4, 4), affine_of()))


@pytest.mark.parametrize("suffix", [".NII.GZ", ".NII", ".NRRD", ".MHA", ".PNG", ".TIF", ".Bmp"])
def test_an_image_with_an_upper_case_suffix_is_written_and_read_in_its_format(tmp_path: Path, suffix: str) -> None:
    flat = suffix.lower() in (".png", ".tif", ".bmp")
    shape, affine = ((6, 5, 1), np.eye(4)) if flat else ((6, 5, 4), affine_of())
    labels = np.zeros(shape, np.uint8)
    labels[2:4, 1:3] = 1
    write_label_map(tmp_path / f"UPPER{suffix}", labels, make_grid(shape, affine))
    write_label_map(tmp_path / f"lower{suffix.lower()}", labels, make_grid(shape, affine))
    assert (tmp_path / f"UPPER{suffix}").read_bytes() == (tmp_path / f"lower{suffix.lower()}").read_bytes()
    assert np.array_equal(read_label_map(tmp_path / f"UPPER{suffix}").voxels[0], labels)
    assert [path.name for path in sorted(tmp_path.iterdir())] == [f"UPPER{suffix}", f"lower{suffix.lower()}"]


@pytest.mark.parametrize(
    ("names", "case_blind", "alike"),
    [
        (["A", "a", "b"], True, [("A", "a")]),
        (["A", "a", "b"], False, []),
        ([COMPOSED, DECOMPOSED], False, [(COMPOSED, DECOMPOSED)]),
        ([COMPOSED, DECOMPOSED.upper()], True, [(COMPOSED, DECOMPOSED.upper())]),
        (["straße", "STRASSE", "a", "a"], True, [("straße", "STRASSE")]),
    ],
)
def test_names_that_a_disk_takes_for_the_same_are_found(
    names: list[str], case_blind: bool, alike: list[tuple[str, ...]]
) -> None:
    assert find_alike(names, case_blind=case_blind) == alike


def test_what_is_left_out_is_listed_without_hidden_files_and_descriptions(tmp_path: Path) -> None:
    for name in ("a.nii.gz", "a.json", ".hidden", "notes.txt", "b.foo"):
        (tmp_path / name).write_bytes(b"")
    (tmp_path / "folder").mkdir()
    taken = [tmp_path / "a.nii.gz"]
    left = [path.name for path in find_left_out([tmp_path], taken)]
    assert left == ["b.foo", "folder", "notes.txt"]
    assert [path.name for path in find_left_out([tmp_path], taken, files_only=True)] == ["b.foo", "notes.txt"]
    assert show_left_out([*left, "x", "y"]) == "Left out: b.foo, folder, notes.txt and 2 more"


def test_files_are_not_compared_with_each_folder_that_is_looked_into(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folders = [tmp_path / str(number) for number in range(20)]
    for folder in folders:
        folder.mkdir()
        for name in ("a.nii.gz", "notes.txt"):
            (folder / name).write_bytes(b"")
    compared: list[object] = []
    compare = PurePath.__eq__
    monkeypatch.setattr(PurePath, "__eq__", lambda *paths: compared.append(paths) or compare(*paths))
    left = find_left_out(folders, [folder / "a.nii.gz" for folder in folders])
    assert [path.name for path in left] == ["notes.txt"] * 20
    assert len(compared) < 5 * 20, "of 40 files beside 20 folders"


def make_upper(root: Path) -> Dataset:
    write_nnunet_dataset(root, 3)
    for path in [*root.glob("*/*_0000.nii.gz"), *root.glob("labelsTr/*.nii.gz")]:
        path.rename(path.with_name(path.name.replace(".nii.gz", ".NII.GZ")))
    return read_dataset(root)


def make_paired_upper(root: Path) -> Dataset:
    images, labels = write_pairs(root / "images", root / "labels", 3)
    for path in images.iterdir():
        path.rename(path.with_name(path.name.replace(".nii.gz", ".Nii.Gz")))
    return read_paired(images, labels)


def make_two_files(root: Path) -> Dataset:
    images, labels = write_pairs(root / "images", root / "labels", 3)
    for path in list(images.iterdir()):
        write_pair(images, head(0)[0], (f"{case_stem(path)}.hdr", f"{case_stem(path)}.img"))
        path.unlink()
    return read_paired(images, labels)


def make_listed(root: Path) -> Dataset:
    images, _ = write_pairs(root / "images", root / "labels", 3)
    rows = []
    for number, path in enumerate(sorted(images.iterdir())):
        rows.append({"image": f"images/sub-{number:03d}_0000.NII.GZ", "label": f"labels/{path.name}"})
        path.rename(root / rows[-1]["image"])
    return read_dataset(write_csv(root / "cases.csv", rows))


@pytest.mark.parametrize("make", [make_upper, make_paired_upper, make_two_files, make_listed])
def test_every_layout_takes_suffixes_in_any_case_and_pairs(tmp_path: Path, make) -> None:
    dataset = make(tmp_path / "raw")
    assert [case.name for case in dataset.cases] == ["sub-000", "sub-001", "sub-002"]
    assert all(path.is_file() for case in dataset.cases for path in (*case.image_paths(), case.label_path()))
    assert "Left out" not in describe_layout(dataset)


def test_digits_of_listed_scans_are_a_channel_only_where_all_say_so(tmp_path: Path) -> None:
    rows = [{"image": f"images/p_{number:04d}.nii.gz", "label": f"labels/{number}.nii.gz"} for number in (1, 2)]
    for number, row in enumerate(rows):
        write_nifti(tmp_path / row["image"], head(number)[0])
        write_nifti(tmp_path / row["label"], head(number)[1])
    assert [case.name for case in read_dataset(write_csv(tmp_path / "c.csv", rows)).cases] == ["p_0001", "p_0002"]


def write_alike_nnunet(root: Path, first: str, second: str) -> None:
    write_nnunet_dataset(root, 2)
    for old, new in (("sub-000", first), ("sub-001", second)):
        (root / "imagesTr" / f"{old}_0000.nii.gz").rename(root / "imagesTr" / f"{new}_0000.nii.gz")
        (root / "labelsTr" / f"{old}.nii.gz").rename(root / "labelsTr" / f"{new}.nii.gz")


def write_alike_pair(root: Path, first: str, second: str) -> None:
    for folder in write_pairs(root / "images", root / "labels", 2):
        for old, new in (("sub-000", first), ("sub-001", second)):
            (folder / f"{old}.nii.gz").rename(folder / f"{new}.nii.gz")


def write_alike_list(root: Path, first: str, second: str) -> None:
    images, labels = write_pairs(root / "scans", root / "masks", 2)
    names = ("sub-000.nii.gz", "sub-001.nii.gz")
    listed = {
        case: {"images": [str(images / name)], "label": str(labels / name)}
        for case, name in zip((first, second), names, strict=True)
    }
    description = {"channel_names": {"0": "T1w"}, "labels": {"background": 0, "dark": 1, "bright": 2}}
    (root / "dataset.json").write_text(json.dumps({**description, "dataset": listed}))


@pytest.mark.parametrize("write", [write_alike_nnunet, write_alike_pair, write_alike_list])
@pytest.mark.parametrize(("first", "second"), [("Case", "case"), (COMPOSED, DECOMPOSED), (COMPOSED, "ZOË")])
def test_cases_whose_files_would_collide_are_refused(tmp_path: Path, write, first: str, second: str) -> None:
    write(tmp_path / "raw", first, second)
    with pytest.raises(DataError, match=r"differ only in upper and lower case|several files belong to one case"):
        read_dataset(tmp_path / "raw")


def test_an_accent_is_the_same_in_the_names_of_scan_and_label_map(tmp_path: Path) -> None:
    write_pairs(tmp_path / "images", tmp_path / "labels", 2)
    (tmp_path / "images" / "sub-000.nii.gz").rename(tmp_path / "images" / f"{DECOMPOSED}_T1w.nii.gz")
    (tmp_path / "images" / "sub-001.nii.gz").rename(tmp_path / "images" / "b_T1w.nii.gz")
    (tmp_path / "labels" / "sub-000.nii.gz").rename(tmp_path / "labels" / f"{COMPOSED}_mask.nii.gz")
    (tmp_path / "labels" / "sub-001.nii.gz").rename(tmp_path / "labels" / "b_mask.nii.gz")
    dataset = read_dataset(tmp_path)
    assert [case.name for case in dataset.cases] == [COMPOSED, "b"]
    assert all(path.is_file() for case in dataset.cases for path in (*case.image_paths(), case.label_path()))


def test_a_missing_file_is_expected_under_the_ending_of_the_others(tmp_path: Path) -> None:
    images, labels = write_pairs(tmp_path / "images", tmp_path / "labels", 3, image_suffix="_T1w")
    shutil.move(images / "sub-000_T1w.nii.gz", images / f"{DECOMPOSED}_T1w.nii.gz")
    shutil.move(labels / "sub-000.nii.gz", labels / f"{COMPOSED}.nii.gz")
    (images / "sub-002_T1w.nii.gz").unlink()
    missing = next(case for case in read_paired(images, labels).cases if case.name == "sub-002")
    assert missing.image_paths() == (images / "sub-002_T1w.nii.gz",)


def test_stems_of_files_and_of_series_are_read_alike(tmp_path: Path) -> None:
    (tmp_path / f"{DECOMPOSED}.nii").mkdir()
    assert stem_of(tmp_path / f"{DECOMPOSED}.nii") == f"{COMPOSED}.nii"
    assert stem_of(tmp_path / f"{DECOMPOSED}.nii.gz") == COMPOSED
