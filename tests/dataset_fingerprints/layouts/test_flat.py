"""One folder with files of several kinds beside each other."""

from __future__ import annotations

from pathlib import Path

import pytest

from dataset_fingerprints.layouts import list_references, list_scans, read_dataset
from dataset_fingerprints.layouts.flat import holds_kinds
from tests.dataset_fingerprints.layouts.test_bids import files_of
from tests.synthetic.trees import write_tree

# names in a folder -> cases with their channels and label map
FOLDERS = {
    "kinds at the end": (
        ["001_T1", "001_FLAIR", "001_mask", "002_T1", "002_FLAIR", "002_mask"],
        {"001": ["001_T1", "001_FLAIR", "001_mask"], "002": ["002_T1", "002_FLAIR", "002_mask"]},
    ),
    "two words of a label map": (
        ["p1_T1w", "p1_T1w_lesion_mask", "p2_T1w", "p2_T1w_lesion_mask"],
        {"p1": ["p1_T1w", "p1_T1w_lesion_mask"], "p2": ["p2_T1w", "p2_T1w_lesion_mask"]},
    ),
    "BIDS": (
        ["sub-01_ses-1_T1w", "sub-01_ses-1_label-L_mask", "sub-02_ses-1_T1w", "sub-02_ses-1_label-L_mask"],
        {
            "sub-01_ses-1": ["sub-01_ses-1_T1w", "sub-01_ses-1_label-L_mask"],
            "sub-02_ses-1": ["sub-02_ses-1_T1w", "sub-02_ses-1_label-L_mask"],
        },
    ),
}


@pytest.mark.parametrize("kind", FOLDERS)
def test_files_of_one_folder_are_cases_by_their_names(tmp_path: Path, kind: str) -> None:
    names, cases = FOLDERS[kind]
    dataset = read_dataset(write_tree(tmp_path, *names))
    assert files_of(dataset) == {case: [f"{name}.nii.gz" for name in files] for case, files in cases.items()}
    scans, references = list_scans(tmp_path, dataset.channels), list_references(tmp_path)
    assert [scan.name for scan in scans or ()] == list(cases)
    assert references is not None
    assert [case.name for case in references.cases] == list(cases)


@pytest.mark.parametrize(
    "names",
    [["001", "002"], ["a_T1", "b_T1"], ["a_0000", "a_0001"], ["a_T1", "a_notes"], ["T1", "FLAIR"], ["a_mask", "b_seg"]],
)
def test_other_folders_are_not_taken_for_such(tmp_path: Path, names: list[str]) -> None:
    assert not holds_kinds(write_tree(tmp_path, *names))


def test_one_folder_of_a_patient_is_one_scan(tmp_path: Path) -> None:
    write_tree(tmp_path / "BraTS_001", *(f"BraTS_001_{kind}" for kind in ("flair", "t1", "t1ce", "t2")))
    ((scan,)) = list_scans(tmp_path / "BraTS_001", ("t1ce", "flair")) or ()
    assert (scan.name, [image and image.name for image in scan.images]) == (
        "BraTS_001",
        ["BraTS_001_t1ce.nii.gz", "BraTS_001_flair.nii.gz"],
    )
