"""BIDS trees: their cases, channels, label maps, sites and names."""

from __future__ import annotations

from pathlib import Path

import nibabel
import numpy as np
import pytest

from dataset_fingerprints.dataset import Dataset, Label
from dataset_fingerprints.errors import DataError
from dataset_fingerprints.layouts import Selection, describe_layout, read_dataset
from tests.synthetic.scans import affine_of, write_nifti
from tests.synthetic.trees import atlas, bids, close_folders, people, write_tree

ONE, TWO = ("sub-01", "sub-02"), ("sub-01", "sub-02", "sub-03")


def files_of(dataset: Dataset) -> dict[str, list[str]]:
    """Return the names of the files of every case, from the root on."""
    root = Path(dataset.root)
    return {
        case.name: [str(Path(file).relative_to(root)) for file in (*case.images, case.label)] for case in dataset.cases
    }


LESIONS = [
    "label-L_mask",
    "label-lesion_mask",
    "label-L_desc-T1lesion_mask",
    "desc-lesion_mask",
    "dseg",
    "lesion_roi",
    "T1w_label-lesion_roi",
    "msk",
]


@pytest.mark.parametrize("label", LESIONS)
@pytest.mark.parametrize("session", ["", "ses-1"])
def test_label_maps_beside_the_scans_are_found(tmp_path: Path, label: str, session: str) -> None:
    dataset = read_dataset(write_tree(tmp_path, *bids(ONE, "T1w", label, session=session)))
    assert (dataset.layout, dataset.channels) == ("bids", ("T1w",))
    name = "sub-01_ses-1" if session else "sub-01"
    assert files_of(dataset)[name] == [f"{file}.nii.gz" for file in bids(("sub-01",), "T1w", label, session=session)]
    assert [(case.subject, case.session) for case in dataset.cases] == [("sub-01", session), ("sub-02", session)]
    assert dataset.labels.labels == (Label(name="lesion", value=1),)


@pytest.mark.parametrize("place", ["derivatives/manual", "derivatives"])
def test_label_maps_in_derivatives_are_found(tmp_path: Path, place: str) -> None:
    write_tree(tmp_path, *bids(ONE, "T1w", session="ses-0001"))
    write_tree(tmp_path / place, *bids(ONE, "msk", session="ses-0001", folder="."))
    files = files_of(read_dataset(tmp_path))["sub-02_ses-0001"]
    assert files[1] == f"{place}/sub-02/ses-0001/sub-02_ses-0001_msk.nii.gz"


def test_label_maps_in_derivatives_may_lie_without_the_folder_of_the_cohort(tmp_path: Path) -> None:
    write_tree(tmp_path / "R001", *bids(ONE, "T1w"))
    write_tree(tmp_path / "derivatives" / "manual", *bids(ONE, "label-L_mask"))
    first, second = read_dataset(tmp_path).cases
    assert (first.name, first.site, second.name) == ("sub-01", "R001", "sub-02")
    assert first.label == str(tmp_path / "derivatives/manual/sub-01/anat/sub-01_label-L_mask.nii.gz")


def test_a_label_map_without_the_session_belongs_to_the_only_one(tmp_path: Path) -> None:
    write_tree(tmp_path, *bids(ONE, "T1w", session="ses-1"))
    write_tree(tmp_path / "derivatives" / "x", *bids(ONE, "label-L_mask"))
    assert [case.name for case in read_dataset(tmp_path).cases] == ["sub-01_ses-1", "sub-02_ses-1"]


def test_atlas_has_sites_by_cohort_and_its_testing_part_is_left_out_loudly(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    atlas(tmp_path, "Training/R001", ("sub-r001s001", "sub-r001s002"), masks=True)
    atlas(tmp_path, "Training/R002", ("sub-r002s001",), masks=True)
    atlas(tmp_path, "Testing/R005", ("sub-r005s001",), masks=False)
    dataset = read_dataset(tmp_path)
    assert [(case.name, case.subject, case.session, case.site) for case in dataset.cases] == [
        ("sub-r001s001_ses-1", "sub-r001s001", "ses-1", "R001"),
        ("sub-r001s002_ses-1", "sub-r001s002", "ses-1", "R001"),
        ("sub-r002s001_ses-1", "sub-r002s001", "ses-1", "R002"),
    ]
    assert "Left out Testing: the 1 case there has no label map" in caplog.text
    alone = read_dataset(tmp_path / "Training")
    assert [case.name for case in alone.cases] == [case.name for case in dataset.cases]
    assert [case.site for case in alone.cases] == ["R001", "R001", "R002"]
    with pytest.raises(DataError, match=r"no case of 1 has a label map.*sub-r005s001_ses-1_label-L_mask"):
        read_dataset(tmp_path / "Testing")


@pytest.mark.parametrize("cohort", ["Testing/R005", "R005", "."])
def test_masks_that_were_predicted_do_not_make_training_cases_of_a_test(tmp_path: Path, cohort: str) -> None:
    atlas(tmp_path, "Training/R001", ("sub-r001s001",), masks=True)
    atlas(tmp_path, "Testing/R005", ("sub-r005s001",), masks=False)
    predicted = tmp_path / "derivatives" / "autoseg"
    write_tree(predicted / cohort, *bids(("sub-r005s001",), "label-L_mask", session="ses-1"))
    (predicted / "dataset_description.json").write_text('{"GeneratedBy": [{"Name": "autoseg"}]}')
    assert [case.name for case in read_dataset(tmp_path).cases] == ["sub-r001s001_ses-1"]


def test_labelled_cases_in_a_folder_of_a_test_are_said_to_be_trained_on(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    atlas(tmp_path, "Training/R001", ("sub-r001s001",), masks=True)
    atlas(tmp_path, "Testing/R005", ("sub-r005s001",), masks=True)
    assert len(read_dataset(tmp_path).cases) == 2
    assert "In Testing, 1 case has a label map and is taken for training. Move the folder away" in caplog.text


def test_channels_are_the_kinds_that_most_cases_have_in_the_usual_order(tmp_path: Path) -> None:
    write_tree(tmp_path, *bids(TWO, "FLAIR", "T1w", "label-L_mask"), *bids(TWO[:1], "T2w"))
    write_tree(tmp_path, *bids(TWO[:2], "ADC", folder="dwi"))
    dataset = read_dataset(tmp_path)
    assert dataset.channels == ("T1w", "FLAIR", "ADC")
    assert files_of(dataset)["sub-03"][2] == "sub-03/dwi/sub-03_ADC.nii.gz"  # where it should lie
    said = describe_layout(dataset)
    assert said.startswith("BIDS tree: sub-01/anat/sub-01_T1w.nii.gz and sub-01/anat/sub-01_FLAIR.nii.gz and")
    assert "3 cases, 3 channels (T1w, FLAIR, ADC)" in said
    assert "1 case has no ADC: to leave it out, name the channels to take with --channel" in said
    assert said.endswith("Left out: 1 T2w")


@pytest.mark.parametrize(
    ("channels", "expected"),
    [(("FLAIR",), ["FLAIR"]), (("T1w", "FLAIR"), ["T1w", "FLAIR"]), (("flair", "t1"), ["FLAIR", "T1w"])],
)
def test_channels_can_be_chosen_in_any_order(tmp_path: Path, channels: tuple[str, ...], expected: list[str]) -> None:
    write_tree(tmp_path, *bids(ONE, "FLAIR", "T1w", "label-L_mask"))
    dataset = read_dataset(tmp_path, Selection(channels=channels))
    assert dataset.channels == channels
    images = files_of(dataset)["sub-01"][:-1]
    assert images == [f"sub-01/anat/sub-01_{name}.nii.gz" for name in expected]


# names of images of one kind, and the one that is meant
RULE = [
    (["run-2_T1w", "run-1_T1w"], "run-1_T1w"),
    (["acq-mprage_T1w", "T1w"], "T1w"),
    (["run-02_T1w", "acq-b_run-01_T1w"], "run-02_T1w"),
    (["ce-gd_T1w", "T1w"], "T1w"),
    (["acq-highres_T1w"], "acq-highres_T1w"),
]


@pytest.mark.parametrize(("names", "expected"), RULE)
def test_of_several_images_the_plainest_name_and_the_first_run_is_taken(
    tmp_path: Path, names: list[str], expected: str
) -> None:
    dataset = read_dataset(write_tree(tmp_path, *bids(ONE, *names, "label-L_mask")))
    assert files_of(dataset)["sub-01"][0] == f"sub-01/anat/sub-01_{expected}.nii.gz"


def test_scans_outside_of_derivatives_come_first(tmp_path: Path) -> None:
    write_tree(tmp_path, *bids(ONE, "acq-x_T1w", "label-L_mask"))
    write_tree(tmp_path / "derivatives" / "fmriprep", *bids(ONE, "desc-preproc_T1w", "desc-brain_mask", "T1w"))
    assert files_of(read_dataset(tmp_path))["sub-02"][0] == "sub-02/anat/sub-02_acq-x_T1w.nii.gz"


def test_the_space_of_the_label_map_chooses_the_scan_and_is_in_the_channels_name(tmp_path: Path) -> None:
    write_tree(tmp_path, *bids(ONE, "T1w"))
    write_tree(tmp_path / "derivatives" / "p", *bids(ONE, "space-MNI_T1w", "space-MNI_label-L_mask"))
    dataset = read_dataset(tmp_path)
    assert dataset.channels == ("space-MNI_T1w",)
    assert files_of(dataset)["sub-01"][0] == "derivatives/p/sub-01/anat/sub-01_space-MNI_T1w.nii.gz"


# images and label maps of each case, and what the message says
UNCLEAR = [
    (["acq-a_T1w", "acq-b_T1w", "label-L_mask"], "2 cases have several images of channel T1w: .*--channel acq-b_T1w"),
    (
        ["T1w", "desc-one_mask", "desc-two_mask"],
        "2 cases have several label maps: .*--mask desc-one_mask; or join them",
    ),
    (["T1w", "label-L_desc-a_mask", "label-L_desc-b_mask"], "--mask label-L_desc-a_mask"),
    (["T1w", "desc-brain_mask"], "no case of 2 has a label map.*--mask, for example --mask desc-brain_mask"),
    (["T1w"], r"no case of 2 has a label map\. Expected one beside sub-01/anat/sub-01_T1w.nii.gz"),
    (["label-L_mask"], "no kind of image is in most of its 2 cases; found: none"),
]


@pytest.mark.parametrize(("names", "message"), UNCLEAR)
def test_what_is_not_clear_is_one_message_that_says_how_to_choose(
    tmp_path: Path, names: list[str], message: str
) -> None:
    write_tree(tmp_path, *bids(ONE, *names))
    with pytest.raises(DataError, match=message):
        read_dataset(tmp_path)


# the choice, and what is taken of it
CHOICES = [
    (Selection(channels=("acq-b_T1w",)), 0, "acq-b_T1w"),
    (Selection(channels=("acq-a_T1w",)), 0, "acq-a_T1w"),
    (Selection(channels=("acq-a_T1w",), mask="desc-two"), 1, "desc-two_mask"),
    (Selection(channels=("acq-a_T1w",), mask="desc-brain_mask"), 1, "desc-brain_mask"),
]


@pytest.mark.parametrize(("selection", "place", "expected"), CHOICES)
def test_the_choice_of_a_person_counts(tmp_path: Path, selection: Selection, place: int, expected: str) -> None:
    write_tree(tmp_path, *bids(ONE, "acq-a_T1w", "acq-b_T1w", "desc-two_mask", "desc-brain_mask"))
    dataset = read_dataset(tmp_path, selection)
    assert files_of(dataset)["sub-02"][place] == f"sub-02/anat/sub-02_{expected}.nii.gz"


@pytest.mark.parametrize(
    ("selection", "message"),
    [
        (Selection(channels=("T2w",)), r"no image is 'T2w' \(--channel\). Found: T1w \(2\)"),
        (Selection(mask="wmh"), r"no label map is 'wmh' \(--mask\). Found: label-L_mask \(2\)"),
    ],
)
def test_a_choice_of_what_is_not_there_lists_what_is(tmp_path: Path, selection: Selection, message: str) -> None:
    write_tree(tmp_path, *bids(ONE, "T1w", "label-L_mask"))
    with pytest.raises(DataError, match=message):
        read_dataset(tmp_path, selection)


def test_a_case_without_its_label_map_or_scan_is_listed_with_the_path_that_is_expected(tmp_path: Path) -> None:
    write_tree(
        tmp_path, *bids(ONE, "T1w", "label-L_mask"), *bids(("sub-03",), "T1w"), *bids(("sub-04",), "label-L_mask")
    )
    files = files_of(read_dataset(tmp_path))
    assert files["sub-03"][1] == "sub-03/anat/sub-03_label-L_mask.nii.gz"
    assert files["sub-04"][0] == "sub-04/anat/sub-04_T1w.nii.gz"


def test_a_label_map_of_another_run_is_not_taken(tmp_path: Path) -> None:
    write_tree(tmp_path, *bids(ONE, "run-1_T1w", "run-1_label-L_mask"))
    write_tree(tmp_path, *bids(("sub-03",), "run-1_T1w", "run-2_T1w", "run-2_label-L_mask"))
    assert files_of(read_dataset(tmp_path))["sub-03"][1] == "sub-03/anat/sub-03_run-1_label-L_mask.nii.gz"


def test_the_channel_on_whose_grid_the_label_maps_lie_is_the_first(tmp_path: Path) -> None:
    write_tree(tmp_path, *bids(ONE, "FLAIR"))
    write_tree(tmp_path, *bids(ONE, "dwi", "adc", "msk", folder="dwi"), shape=(8, 8, 6))
    assert read_dataset(tmp_path).channels == ("dwi", "FLAIR", "adc")


def test_raw_diffusion_and_functional_scans_are_no_channels(tmp_path: Path) -> None:
    write_tree(tmp_path, *bids(ONE, "T1w", "label-L_mask"), *bids(ONE, "task-rest_bold", folder="func"))
    for subject in ONE:
        write_nifti(tmp_path / subject / "dwi" / f"{subject}_dwi.nii.gz", np.zeros((4, 4, 4, 3), dtype=np.int16))
    assert read_dataset(tmp_path).channels == ("T1w",)


def test_patients_of_one_name_in_two_cohorts_are_told_apart(tmp_path: Path) -> None:
    for cohort in ("north", "south"):
        write_tree(tmp_path / cohort, *bids(("sub-01",), "T1w", "label-L_mask"))
    cases = read_dataset(tmp_path).cases
    assert [(case.name, case.subject) for case in cases] == [
        ("north_sub-01", "north_sub-01"),
        ("south_sub-01", "south_sub-01"),
    ]


@pytest.mark.parametrize("visits", [("ses-1", "ses-2"), ("baseline", "follow-up")])
def test_folders_of_visits_do_not_make_two_patients_of_one(tmp_path: Path, visits: tuple[str, str]) -> None:
    for visit in visits:
        write_tree(tmp_path / visit, *bids(ONE, "T1w", "label-L_mask"))
    cases = read_dataset(tmp_path).cases
    assert len({case.name for case in cases}) == 4
    assert sorted((case.subject, case.session) for case in cases) == [(who, visit) for who in ONE for visit in visits]
    assert {case.site for case in cases} == {""}


def test_dseg_tsv_names_the_labels(tmp_path: Path) -> None:
    write_tree(tmp_path, *bids(ONE, "T1w", "dseg"))
    (tmp_path / "dseg.tsv").write_text("index\tname\n0\tbackground\n1\tcore\n2\toedema\n")
    assert [(label.name, label.value) for label in read_dataset(tmp_path).labels.labels] == [("core", 1), ("oedema", 2)]


PEOPLE = """
participant_id  sex  age  site
sub-01          F    61   Leipzig
02              M    n/a  Oslo
sub-99          M    50   Rome
"""


def test_participants_give_sites_and_all_else_is_kept(tmp_path: Path) -> None:
    people(write_tree(tmp_path, *bids(TWO, "T1w", "label-L_mask")), PEOPLE)
    cases = read_dataset(tmp_path).cases
    assert [(case.site, dict(case.others)) for case in cases] == [
        ("Leipzig", {"sex": "F", "age": "61"}),
        ("Oslo", {"sex": "M"}),
        ("", {}),
    ]


@pytest.mark.parametrize(
    ("values", "groups"),
    [
        (["patient"] * 3, ["", "", ""]),
        (["a", "a", "b"], ["a", "a", "b"]),
        (["n/a", "a", "b"], ["", "a", "b"]),
        (["unknown", "unknown", "b"], ["", "", "b"]),
    ],
)
def test_groups_of_participants_are_families_unless_they_are_diagnoses(
    tmp_path: Path, values: list[str], groups: list[str], caplog: pytest.LogCaptureFixture
) -> None:
    write_tree(tmp_path, *bids(TWO, "T1w", "label-L_mask"))
    lines = [f"{subject}  {value}" for subject, value in zip(TWO, values, strict=True)]
    people(tmp_path, "\n".join(("participant_id  group", *lines)))
    cases = read_dataset(tmp_path).cases
    assert [case.group for case in cases] == groups
    kept = values == ["patient"] * 3
    assert [case.others.get("group") for case in cases] == (["patient"] * 3 if kept else [None] * 3)
    assert ("'group' has 1 value for 3 patients" in caplog.text) == kept


def test_a_table_of_participants_that_cannot_be_read_is_reported(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    people(write_tree(tmp_path, *bids(ONE, "T1w", "label-L_mask")), "id  site\nsub-01  x")
    assert [case.site for case in read_dataset(tmp_path).cases] == ["", ""]
    assert "Expected participant_id" in caplog.text


def test_a_table_of_participants_that_lists_none_of_the_cases_is_reported(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    people(write_tree(tmp_path, *bids(ONE, "T1w", "label-L_mask")), "participant_id  site\n1  Leipzig\n2  Oslo")
    assert [case.site for case in read_dataset(tmp_path).cases] == ["", ""]
    assert "lists none of the 2 cases: its first line is of sub-1, the first case of sub-01." in caplog.text


def test_a_link_that_leads_back_does_not_end_in_a_circle(tmp_path: Path) -> None:
    write_tree(tmp_path, *bids(ONE, "T1w", "label-L_mask"))
    (tmp_path / "sub-01" / "again").symlink_to(tmp_path)
    assert [case.name for case in read_dataset(tmp_path).cases] == ["sub-01", "sub-02"]


def test_a_patient_whose_folder_cannot_be_listed_is_not_lost_without_a_word(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_tree(tmp_path, *bids(ONE, "T1w", "label-L_mask"))
    (tmp_path / "lost+found").mkdir()
    close_folders(monkeypatch, "lost+found")
    assert len(read_dataset(tmp_path).cases) == 2
    close_folders(monkeypatch, "sub-02")
    with pytest.raises(DataError, match=r"sub-02: cannot be listed \(Permission denied\)"):
        read_dataset(tmp_path)


def test_the_voxels_are_those_of_the_files(tmp_path: Path) -> None:
    dataset = read_dataset(write_tree(tmp_path, *bids(ONE, "T1w", "label-L_mask")))
    mask = nibabel.load(dataset.cases[0].label_path())
    assert np.allclose(mask.affine, affine_of())
    assert set(np.unique(mask.get_fdata())) == {0, 1}
