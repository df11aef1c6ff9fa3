"""A folder per patient, as MS, BraTS and ISLES data come."""

from __future__ import annotations

from pathlib import Path

import pytest

from dataset_fingerprints.errors import DataError
from dataset_fingerprints.layouts import Selection, describe_layout, read_dataset
from tests.dataset_fingerprints.layouts.test_bids import files_of
from tests.synthetic.trees import write_tree


def folders(places: list[str], *names: str) -> list[str]:
    """Return paths of files; `*` in a name stands for the name of the folder."""
    return [f"{place}/{name.replace('*', place.rsplit('/', 1)[-1])}" for place in places for name in names]


# folders, files in them, the names of the cases, subjects, sites, channels, and the label map of the first case
TREES = {
    "BraTS 2020": (
        folders(["BraTS20_Training_001", "BraTS20_Training_002"], "*_flair", "*_t1", "*_t1ce", "*_t2", "*_seg"),
        ["BraTS20_Training_001", "BraTS20_Training_002"],
        ["BraTS20_Training_001", "BraTS20_Training_002"],
        ("t1", "t1ce", "t2", "flair"),
        "BraTS20_Training_001/BraTS20_Training_001_seg.nii.gz",
    ),
    "BraTS 2023": (
        folders(["BraTS-GLI-00000-000", "BraTS-GLI-00000-001"], "*-t1n", "*-t1c", "*-t2w", "*-t2f", "*-seg"),
        ["BraTS-GLI-00000-000", "BraTS-GLI-00000-001"],
        ["BraTS-GLI-00000", "BraTS-GLI-00000"],
        ("t1n", "t1c", "t2w", "t2f"),
        "BraTS-GLI-00000-000/BraTS-GLI-00000-000-seg.nii.gz",
    ),
    "BraTS 2018": (
        folders(
            ["HGG/Brats18_a", "HGG/Brats18_b", "HGG/Brats18_c", "LGG/Brats18_d", "LGG/Brats18_e"], "*_flair", "*_seg"
        ),
        ["Brats18_a", "Brats18_b", "Brats18_c", "Brats18_d", "Brats18_e"],
        ["Brats18_a", "Brats18_b", "Brats18_c", "Brats18_d", "Brats18_e"],
        ("flair",),
        "HGG/Brats18_a/Brats18_a_seg.nii.gz",
    ),
    "patients and visits": (
        [f"{p}/{t}/{p}_{t}_{k}" for p in ("P1", "P2") for t in ("T1", "T2") for k in ("FLAIR", "T1", "MASK")],
        ["P1_T1", "P1_T2", "P2_T1", "P2_T2"],
        ["P1", "P1", "P2", "P2"],
        ("T1", "FLAIR"),
        "P1/T1/P1_T1_MASK.nii.gz",
    ),
    "names of kinds only": (
        folders(["07001", "07003"], "3DFLAIR", "Consensus"),
        ["07001", "07003"],
        ["07001", "07003"],
        ("3DFLAIR",),
        "07001/Consensus.nii.gz",
    ),
    "files in folders of files": (
        folders(["0", "2"], "pre/FLAIR", "pre/T1", "wmh"),
        ["0", "2"],
        ["0", "2"],
        ("T1", "FLAIR"),
        "0/wmh.nii.gz",
    ),
    "a folder for every kind": (
        folders(["a", "b"], "FLAIR/x", "T1/x", "mask/x"),
        ["a", "b"],
        ["a", "b"],
        ("T1", "FLAIR"),
        "a/mask/x.nii.gz",
    ),
    "ATLAS R1.2": (
        folders(
            ["c0003/c0003s0008t01", "c0003/c0003s0009t01", "c0004/c0004s0001t01"], "*_t1w_stx", "*_LesionSmooth_stx"
        ),
        ["c0003s0008t01", "c0003s0009t01", "c0004s0001t01"],
        ["c0003s0008", "c0003s0009", "c0004s0001"],
        ("t1w",),
        "c0003/c0003s0008t01/c0003s0008t01_LesionSmooth_stx.nii.gz",
    ),
    "sites, patients and visits of names of their own": (
        folders(["Site1/P1/visit1", "Site1/P1/visit2", "Site1/P2/visit3"], "FLAIR", "seg"),
        ["visit1", "visit2", "visit3"],
        ["Site1_P1", "Site1_P1", "Site1_P2"],
        ("FLAIR",),
        "Site1/P1/visit1/seg.nii.gz",
    ),
    "few patients and many visits of names of their own": (
        folders([f"P{1 + number // 4}/visit{number}" for number in range(8)], "FLAIR", "seg"),
        [f"visit{number}" for number in range(8)],
        ["P1"] * 4 + ["P2"] * 4,
        ("FLAIR",),
        "P1/visit0/seg.nii.gz",
    ),
    "visits with all patients in each": (
        folders(["baseline/P1", "baseline/P2", "follow-up/P1", "follow-up/P2"], "FLAIR", "seg"),
        ["baseline_P1", "baseline_P2", "follow-up_P1", "follow-up_P2"],
        ["P1", "P2", "P1", "P2"],
        ("FLAIR",),
        "baseline/P1/seg.nii.gz",
    ),
    "sites, visits, and patients in these": (
        folders(["Site1/visit1/P1", "Site1/visit2/P1", "Site2/visit1/P1"], "FLAIR", "seg"),
        ["Site1_visit1_P1", "Site1_visit2_P1", "Site2_visit1_P1"],
        ["Site1_P1", "Site1_P1", "Site2_P1"],
        ("FLAIR",),
        "Site1/visit1/P1/seg.nii.gz",
    ),
    "without a word for the scan": (
        folders(["001", "002"], "*", "*_lesion"),
        ["001", "002"],
        ["001", "002"],
        ("image",),
        "001/001_lesion.nii.gz",
    ),
}


@pytest.mark.parametrize("kind", TREES)
def test_folders_of_patients_are_data_sets(tmp_path: Path, kind: str) -> None:
    files, names, subjects, channels, label = TREES[kind]
    dataset = read_dataset(write_tree(tmp_path, *files))
    assert dataset.layout == "patients"
    assert [case.name for case in dataset.cases] == names
    assert [case.subject for case in dataset.cases] == subjects
    assert dataset.channels == channels
    assert files_of(dataset)[names[0]][-1] == label
    assert all(Path(file).is_file() for case in dataset.cases for file in (*case.images, case.label))


def test_grades_of_tumours_are_sites_and_not_patients(tmp_path: Path) -> None:
    dataset = read_dataset(write_tree(tmp_path, *TREES["BraTS 2018"][0]))
    assert [case.site for case in dataset.cases] == ["HGG", "HGG", "HGG", "LGG", "LGG"]


def test_several_label_maps_of_a_patient_are_a_message(tmp_path: Path) -> None:
    write_tree(tmp_path, *folders(["s1", "s2"], "*_t1w", "*_lesion_A", "*_lesion_B"))
    message = "2 cases have several label maps: .*--mask lesion_A; or join them into one file, if all are meant"
    with pytest.raises(DataError, match=message):
        read_dataset(tmp_path)


def test_a_patient_without_a_channel_or_label_map_is_listed_and_what_else_is_there_is_said(tmp_path: Path) -> None:
    write_tree(
        tmp_path, *folders(["a", "b", "c"], "*_T1", "*_seg"), *folders(["a", "b"], "*_FLAIR"), "c/c_T2", "d/d_T1"
    )
    dataset = read_dataset(tmp_path)
    files = files_of(dataset)
    assert files["c"] == ["c/c_T1.nii.gz", "c/c_FLAIR.nii.gz", "c/c_seg.nii.gz"]
    assert files["d"][-1] == "d/d_seg.nii.gz"
    assert describe_layout(dataset).endswith(
        "2 cases have no FLAIR: to leave it out, name the channels to take with --channel. Left out: 1 T2"
    )
    assert read_dataset(tmp_path, Selection(channels=("T1",))).channels == ("T1",)


def test_a_dataset_json_names_labels_and_channels(tmp_path: Path) -> None:
    write_tree(tmp_path, *TREES["BraTS 2020"][0])
    labels = '{"background": 0, "necrosis": 1, "oedema": 2, "enhancing": 4}'
    (tmp_path / "dataset.json").write_text(f'{{"labels": {labels}, "channel_names": {{"0": "flair", "1": "t1ce"}}}}')
    dataset = read_dataset(tmp_path)
    assert dataset.channels == ("flair", "t1ce")
    assert [label.value for label in dataset.labels.labels] == [1, 2, 4]


@pytest.mark.parametrize("files", [["a/x", "b/y"], ["notes/z"], ["scans/001", "scans/002", "drawn/001", "drawn/002"]])
def test_folders_that_say_nothing_are_one_message_with_all_that_can_be_given(tmp_path: Path, files: list[str]) -> None:
    write_tree(tmp_path, *files)
    with pytest.raises(
        DataError, match=r"holds no dataset.json, no pair of folders .*no BIDS tree and no folder per pati"
    ):
        read_dataset(tmp_path)
