"""Data sets of which one side is asked for: the scans have the names of the cases, and so have the label maps."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from dataset_fingerprints.errors import DataError
from dataset_fingerprints.layouts import Selection, list_references, list_scans, read_dataset
from tests.dataset_fingerprints.layouts.builders import write_known_pair, write_listed, write_listing, write_msd
from tests.dataset_fingerprints.layouts.test_layouts import WRITERS
from tests.synthetic.scans import write_nnunet_dataset
from tests.synthetic.trees import atlas, bids, write_tree


@pytest.mark.parametrize("how", WRITERS)
def test_names_and_files_are_those_of_training_on_both_sides(tmp_path: Path, how: str) -> None:
    place = WRITERS[how](tmp_path)
    dataset = read_dataset(place)
    scans, references = list_scans(place, dataset.channels), list_references(place)
    assert scans is not None
    assert references is not None
    assert {scan.name: scan.images for scan in scans} == {case.name: case.image_paths() for case in dataset.cases}
    assert {case.name: case.label for case in references.cases} == {
        case.name: case.label_path() for case in dataset.cases
    }
    assert references.scheme == dataset.labels


def without_masks(root: Path, write: Callable[[Path], Path], *masks: str) -> Path:
    """Write a data set, and remove what holds its label maps."""
    place = write(root)
    for mask in masks:
        for path in list(root.glob(mask)):
            shutil.rmtree(path) if path.is_dir() else path.unlink()
    return place


UNLABELLED = {
    "bids": (lambda root: write_tree(root, *bids(("sub-01", "sub-02"), "T1w", "label-L_mask")), "**/*mask.nii.gz"),
    "patients": (
        lambda root: write_tree(root, "sub-01/T1w", "sub-01/seg", "sub-02/T1w", "sub-02/seg"),
        "**/seg.nii.gz",
    ),
    "nnunet": (lambda root: write_nnunet_dataset(root, 2), "labelsTr"),
    "msd": (lambda root: write_msd(root, cases=2), "labelsTr"),
    "csv": (lambda root: write_listing(root), "masks"),
}


@pytest.mark.parametrize("layout", UNLABELLED)
def test_scans_need_no_label_maps(tmp_path: Path, layout: str) -> None:
    write, masks = UNLABELLED[layout]
    place = write(tmp_path)
    expected = list_scans(place, ("T1w",))
    shutil.rmtree(tmp_path)
    tmp_path.mkdir()
    assert list_scans(without_masks(tmp_path, write, masks), ("T1w",)) == expected


def test_a_table_of_scans_needs_no_column_of_label_maps(tmp_path: Path) -> None:
    write_tree(tmp_path, "a/t1", "a/fl", "b/t1", "b/fl")
    (tmp_path / "new.tsv").write_text("case\tFLAIR\tT1\na\ta/fl.nii.gz\ta/t1.nii.gz\nb\tb/fl.nii.gz\t\n")
    scans = list_scans(tmp_path / "new.tsv", ("T1w", "FLAIR"))
    assert scans is not None
    assert [(scan.name, [image and image.name for image in scan.images]) for scan in scans] == [
        ("a", ["t1.nii.gz", "fl.nii.gz"]),
        ("b", [None, "fl.nii.gz"]),
    ]


# channels of the model, columns of the table, and where the model's are found; or the message
MATCHES = [
    (("T1w",), "image", ["0"]),
    (("T1w", "FLAIR"), "image:FLAIR,image:T1w", ["1", "0"]),
    (("T1w", "FLAIR"), "flair,t1", ["1", "0"]),
    (("t1n", "t2f"), "T1w,FLAIR", ["0", "1"]),
    (("0", "1"), "T1w,FLAIR", ["0", "1"]),
    (("T1w", "FLAIR"), "image_1,image_0", ["1", "0"]),
    (("T1w",), "T1w,FLAIR", ["0"]),
    (("T1w", "FLAIR"), "T1w", ["0", None]),
    (("T1w",), "FLAIR", "images of the channels FLAIR, but those of the model are T1w. Call the columns image:T1w"),
    (("0", "1"), "FLAIR", "images of the channels FLAIR, but those of the model are 0, 1"),
]


@pytest.mark.parametrize(("channels", "columns", "expected"), MATCHES)
def test_columns_are_matched_with_the_channels_of_the_model_by_name(
    tmp_path: Path, channels: tuple[str, ...], columns: str, expected: list[str | None] | str
) -> None:
    count = columns.count(",") + 1
    write_tree(tmp_path, *map(str, range(count)))
    (tmp_path / "new.csv").write_text(f"{columns}\n{','.join(f'{number}.nii.gz' for number in range(count))}\n")
    if isinstance(expected, str):
        with pytest.raises(DataError, match=expected):
            list_scans(tmp_path / "new.csv", channels)
        return
    ((scan,)) = list_scans(tmp_path / "new.csv", channels) or ()
    assert [image and image.name.split(".")[0] for image in scan.images] == expected


def test_the_channels_of_a_tree_are_matched_by_name_or_chosen(tmp_path: Path) -> None:
    write_tree(tmp_path, *bids(("sub-01", "sub-02"), "T1w", "FLAIR", "acq-b_T2w"))

    def names(channels: tuple[str, ...], *chosen: str) -> list[str]:
        scans = list_scans(tmp_path, channels, Selection(channels=chosen))
        assert scans is not None
        return [image.name.removeprefix("sub-01_").split(".")[0] for image in scans[0].images if image]

    assert names(("flair", "t1n")) == ["FLAIR", "T1w"]
    assert names(("space-MNI_T1w",)) == ["T1w"]
    assert names(("0", "1"), "T1w", "T2w") == ["T1w", "acq-b_T2w"]
    with pytest.raises(DataError, match=r"no images of the model's channels \(0, 1\).*--channel FLAIR --channel T1w"):
        names(("0", "1"))
    with pytest.raises(DataError, match=r"--channel is given 1 time. Expected one for each channel of the model"):
        names(("0", "1"), "T1w")


def test_a_tree_with_one_kind_of_images_serves_a_model_with_one_channel(tmp_path: Path) -> None:
    write_tree(tmp_path, *bids(("sub-01",), "acq-x_UNIT1"))
    scans = list_scans(tmp_path, ("0",))
    assert scans is not None
    assert [image and image.name for image in scans[0].images] == ["sub-01_acq-x_UNIT1.nii.gz"]


def test_the_testing_part_of_atlas_and_one_of_its_subjects_can_be_predicted(tmp_path: Path) -> None:
    atlas(tmp_path, "Training/R001", ("sub-r001s001",), masks=True)
    atlas(tmp_path, "Testing/R005", ("sub-r005s001", "sub-r005s002"), masks=False)
    for place, expected in (
        ("Testing", ["sub-r005s001_ses-1", "sub-r005s002_ses-1"]),
        ("Testing/R005", ["sub-r005s001_ses-1", "sub-r005s002_ses-1"]),
        ("Testing/R005/sub-r005s001", ["sub-r005s001_ses-1"]),
        ("Testing/R005/sub-r005s001/ses-1", ["sub-r005s001_ses-1"]),
        ("", ["sub-r001s001_ses-1", "sub-r005s001_ses-1", "sub-r005s002_ses-1"]),
    ):
        scans = list_scans(tmp_path / place, ("T1w",))
        assert scans is not None
        assert sorted(scan.name for scan in scans) == expected
    references = list_references(tmp_path)
    assert references is not None
    assert [case.name for case in references.cases] == ["sub-r001s001_ses-1"]
    with pytest.raises(DataError, match="holds no label maps"):
        list_references(tmp_path / "Testing")


def test_test_cases_of_an_nnunet_folder_have_references_too(tmp_path: Path) -> None:
    write_nnunet_dataset(tmp_path, 1)
    write_tree(tmp_path, "labelsTs/t1")
    references = list_references(tmp_path)
    assert references is not None
    assert [case.name for case in references.cases] == ["sub-000", "t1"]


@pytest.mark.parametrize("write", [write_known_pair, write_listed, write_msd])
def test_nothing_can_be_chosen_where_the_layout_says_everything(tmp_path: Path, write: Callable[[Path], Path]) -> None:
    place = write(tmp_path)
    for selection in (Selection(channels=("T1w",)), Selection(mask="x")):
        with pytest.raises(DataError, match=r"chooses among the files of BIDS trees.*Leave it out"):
            read_dataset(place, selection)
    with pytest.raises(DataError, match="--channel chooses among"):
        list_scans(place, ("T1w",), Selection(channels=("T1w",)))
    with pytest.raises(DataError, match="--mask chooses among"):
        list_references(place, Selection(mask="x"))


def test_folders_of_plain_files_are_no_data_sets(tmp_path: Path) -> None:
    write_tree(tmp_path, "scans/001", "scans/sub-02_T1w")
    assert list_scans(tmp_path / "scans", ("T1w",)) is None
    assert list_references(tmp_path / "scans") is None
