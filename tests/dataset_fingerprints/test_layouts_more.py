"""Listed cases, CSVs of paths, paired folders and 4D files."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest

from dataset_fingerprints.dataset import Label
from dataset_fingerprints.errors import DataError
from dataset_fingerprints.layouts import LAYOUTS, read_dataset, read_paired
from dataset_fingerprints.reading.images import read_image, read_label_map
from tests.synthetic.scans import head, write_csv, write_nifti, write_nnunet_dataset, write_pairs

LABELS = {"background": 0, "dark": 1, "bright": 2}


def describe(root, **description):
    (root / "dataset.json").write_text(json.dumps(description))
    return root


def write_listed(root):
    write_pairs(root / "scans", root / "masks", image_suffix="_t1", label_suffix="_by_hand")
    files = {
        name: {"images": [f"scans/{name}_t1.nii.gz"], "label": str(root / "masks" / f"{name}_by_hand.nii.gz")}
        for name in (f"sub-{index:03d}" for index in range(4))
    }
    return describe(root, channel_names={"0": "T1w"}, labels=LABELS, dataset=files)


def write_msd(root, volumes=0, cases=4, modality=("T1w",)):
    write_pairs(root / "imagesTr", root / "labelsTr", cases)
    names = [f"sub-{index:03d}.nii.gz" for index in range(cases)]
    for index, name in enumerate(names if volumes else ()):
        write_nifti(root / "imagesTr" / name, np.stack([head(index)[0]] * volumes, axis=-1))
    return describe(
        root,
        modality={str(index): name for index, name in enumerate(modality)},
        labels={str(value): name for name, value in LABELS.items()},
        training=[{"image": f"./imagesTr/{name}", "label": f"./labelsTr/{name}"} for name in names],
    )


def rows_of(images="scans", labels="masks", column="image", cases=4, **more):
    return [
        {column: f"{images}/sub-{index:03d}.nii.gz", "label": f"{labels}/sub-{index:03d}.nii.gz", **more}
        for index in range(cases)
    ]


def write_listing(root, **options):
    write_pairs(root / "scans", root / "masks")
    describe(root, labels=LABELS)
    return write_csv(root / "cases.csv", rows_of(**options))


def write_known_pair(root):
    write_pairs(root / "Brain", root / "Lesion", image_suffix="_T1w", label_suffix="_mask")
    return describe(root, labels=LABELS)


WRITERS = {
    "nnunet": lambda root: write_nnunet_dataset(root, cases=4),
    "nnunet listed": write_listed,
    "msd": write_msd,
    "csv": write_listing,
    "csv named": lambda root: write_listing(root, column="image:T1w"),
    "paired": write_known_pair,
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


def test_listed_cases_keep_files_that_lie_in_another_folder(tmp_path):
    shutil.move(write_listed(tmp_path / "a") / "scans", tmp_path / "elsewhere")
    description = json.loads((tmp_path / "a" / "dataset.json").read_text())
    for name, entry in description["dataset"].items():
        entry["images"] = [f"../elsewhere/{name}_t1.nii.gz"]
    describe(tmp_path / "a", **description)
    assert read_dataset(tmp_path / "a").cases[0].image_paths()[0].samefile(tmp_path / "elsewhere/sub-000_t1.nii.gz")


@pytest.mark.parametrize(
    ("listed", "message"),
    [
        ({}, "'dataset' lists no cases"),
        ({"a": {"images": "scans/a.nii.gz", "label": "masks/a.nii.gz"}}, "case a of 'dataset' is"),
        ({"a": {"images": [], "label": "a.nii.gz"}}, "case a of 'dataset' is"),
        ({"a": {"images": ["scans/a.nii.gz"] * 2, "label": "a.nii.gz"}}, r"1 channel is declared \(T1w\).*a \(2\)"),
        ({"a/b": {"images": ["1.nii.gz"], "label": "a.nii.gz"}}, "without slashes"),
        ({"a": {"images": ["1.nii.gz"], "label": "a.nii.gz"}}, r"no scan of its cases \(1\) exists, .*/1\.nii\.gz"),
    ],
)
def test_wrongly_listed_cases_are_refused(tmp_path, listed, message):
    describe(tmp_path, channel_names={"0": "T1w"}, labels=LABELS, dataset=listed)
    write_nifti(tmp_path / "scans" / "a.nii.gz", head(0)[0])
    with pytest.raises(DataError, match=message):
        read_dataset(tmp_path)


def test_a_csv_without_names_of_labels_has_one_lesion(tmp_path):
    write_pairs(tmp_path / "scans", tmp_path / "masks")
    dataset = read_dataset(write_csv(tmp_path / "strokes.csv", rows_of()))
    assert (dataset.name, dataset.root) == ("strokes", str(tmp_path.resolve()))
    assert dataset.labels.labels == (Label(name="lesion", value=1),)


def test_channels_of_a_csv_are_named_or_numbered_in_order(tmp_path):
    named, numbered = ("image:FLAIR", "image:T1w"), ("image_1", "image_0")
    for columns, expected in ((named, ("FLAIR", "T1w")), (numbered, ("0", "1"))):
        row = {columns[0]: "second.nii.gz", columns[1]: "first_0000.nii.gz", "label": "mask.nii.gz"}
        for file in row.values():
            write_nifti(tmp_path / file, head(0)[1])
        dataset = read_dataset(write_csv(tmp_path / "cases.csv", [row]))
        assert dataset.channels == expected
        first = {named: "second.nii.gz", numbered: "first_0000.nii.gz"}[columns]
        assert dataset.cases[0].image_paths()[0].name == first


def test_a_4d_file_in_a_csv_gives_a_channel_per_volume(tmp_path):
    write_msd(tmp_path, volumes=3)
    (tmp_path / "dataset.json").unlink()
    assert read_dataset(write_csv(tmp_path / "a.csv", rows_of("imagesTr", "labelsTr"))).channels == ("0", "1", "2")
    write_nifti(tmp_path / "imagesTr" / "sub-000.nii.gz", head(0)[0])
    assert read_dataset(tmp_path / "a.csv").channels == ("0", "1", "2")


def test_a_group_in_a_csv_stands_beside_the_subject(tmp_path):
    write_listing(tmp_path)
    more = {"case": "x", "subject": "anna", "session": "2", "site": "R001", "group": ""}
    first, second = rows_of(cases=2, **more)
    write_csv(tmp_path / "cases.csv", [first, {**second, "case": "y", "group": "family"}])
    cases = read_dataset(tmp_path / "cases.csv").cases
    assert [(case.name, case.subject, case.session, case.site, case.group) for case in cases] == [
        ("x", "anna", "2", "R001", ""),
        ("y", "anna", "2", "R001", "family"),
    ]


def test_a_csv_takes_absolute_paths_blank_lines_quotes_and_a_byte_order_mark(tmp_path):
    write_nifti(tmp_path / "far, away" / "a.nii.gz", head(0)[0])
    write_nifti(tmp_path / "near" / "m.nii.gz", head(0)[1])
    text = f'image, label\r\n\r\n"{tmp_path}/far, away/a.nii.gz", m.nii.gz\r\n,\r\n'
    (tmp_path / "near" / "cases.csv").write_bytes(text.encode("utf-8-sig"))
    (case,) = read_dataset(tmp_path / "near" / "cases.csv").cases
    assert case.name == "a"
    assert case.label_path().is_file()


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("image,lable\na,b\n", "unknown column 'lable'. Did you mean 'label'"),
        ("image;label\na;b\n", "unknown column 'image;label'.*commas"),
        ("case,label\na,b\n", "Expected 'label' and 'image'"),
        ("image_0,image_2,label\na,b,c\n", "without a gap"),
        ("image,image:T1w,label\na,b,c\n", "'image' alone"),
        ("image,image,label\na,b,c\n", "two columns of one name"),
        ("image,label\n", "lists no cases"),
        ("", "lists no cases"),
        ("image,label\na.nii,b.nii\nc.nii\n", "line 3: has another number of cells"),
        ("site,image,label\nx,a.nii,b.nii\ny,,\n", "line 3 names neither a case nor a file"),
        ("image,label\na/t1.nii,b.nii\nb/t1.nii,c.nii\n", "lists t1 more than once.*column 'case'"),
        ("case,image,label\na/b,a.nii,b.nii\n", "'a/b' cannot name files"),
        ("image,label\na.nii,b.nii\nc.nii,d.nii\n", r"no scan of its cases \(2\) exists, for example .*/a\.nii\."),
    ],
)
def test_a_broken_csv_is_refused_with_what_is_wrong(tmp_path, text, message):
    (tmp_path / "cases.csv").write_text(text)
    with pytest.raises(DataError, match=message):
        read_dataset(tmp_path / "cases.csv")


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


def test_four_digits_are_no_channel_where_the_label_map_has_them_too(tmp_path):
    for name in ("scan_0001.nii.gz", "scan_0002.nii.gz"):
        write_nifti(tmp_path / "image" / name, head(0)[0])
        write_nifti(tmp_path / "label" / name, head(0)[1])
    assert [case.name for case in read_dataset(tmp_path).cases] == ["scan_0001", "scan_0002"]


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


@pytest.mark.parametrize(("modality", "declared"), [(("MRI",), "1 channel is"), (("A", "B"), "2 channels are")])
def test_msd_scans_with_other_volumes_than_declared_are_refused_with_advice(tmp_path, modality, declared):
    with pytest.raises(DataError, match=rf"{declared} declared.*sub-000 \(3\), sub-001 \(3\).*Name every volume"):
        read_dataset(write_msd(tmp_path, volumes=3, cases=2, modality=modality))


def test_msd_scans_with_as_many_volumes_as_declared_are_read(tmp_path):
    dataset = read_dataset(write_msd(tmp_path, volumes=3, modality=("A", "B", "C")))
    assert dataset.channels == ("A", "B", "C")
    assert all(len(case.images) == 1 for case in dataset.cases)


def test_a_damaged_scan_is_left_to_the_checks_that_list_all_of_them(tmp_path):
    root = write_msd(tmp_path)
    (root / "imagesTr" / "sub-001.nii.gz").write_bytes(b"damaged")
    assert len(read_dataset(root).cases) == 4


def test_a_pair_numbered_from_one_is_refused(tmp_path):
    write_pairs(tmp_path / "image", tmp_path / "label", image_suffix="_0001")
    with pytest.raises(DataError, match="no case has a file of channel 0, though there are some of channel 1"):
        read_dataset(tmp_path)


def test_an_msd_folder_whose_scans_lie_nowhere_is_refused(tmp_path):
    entry = {"image": "/nowhere/a.nii.gz", "label": "labelsTr/a.nii.gz"}
    describe(tmp_path, modality={"0": "T1w"}, labels={"1": "lesion"}, training=[entry])
    with pytest.raises(DataError, match=r"no scan of its cases \(1\) exists, for example /nowhere/a\.nii\.gz"):
        read_dataset(tmp_path)


@pytest.mark.parametrize(("name", "found"), [("nothing", "does not exist"), ("scan.nii.gz", "is a file")])
def test_a_place_that_is_neither_folder_nor_csv_is_refused(tmp_path, name, found):
    write_nifti(tmp_path / "scan.nii.gz", head(0)[0])
    with pytest.raises(DataError, match=f"{found}. Expected the folder of a data set, or a CSV"):
        read_dataset(tmp_path / name)


def test_images_beside_the_pair_of_folders_are_not_left_out_silently(tmp_path):
    for folder in ("T1", "FLAIR", "lesion"):
        image, labels = head(0)
        write_nifti(tmp_path / folder / "001.nii.gz", labels if folder == "lesion" else image)
    with pytest.raises(DataError, match=r"FLAIR beside T1 and lesion.*image:FLAIR"):
        read_dataset(tmp_path)
