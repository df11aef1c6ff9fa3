"""Tables of paths as people write them: what works, and the hint for what does not."""

from __future__ import annotations

from pathlib import Path

import pytest

from dataset_fingerprints.dataset import Dataset
from dataset_fingerprints.errors import DataError
from dataset_fingerprints.layouts import Selection, describe_columns, read_dataset
from tests.synthetic.trees import write_tree

FILES = ("a/t1", "a/fl", "a/mask", "b/t1", "b/fl", "b/mask")


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return write_tree(tmp_path, *FILES)


def read(root: Path, header: str, name: str = "cases.csv", between: str = ",") -> Dataset:
    """Read a table of two cases, whose cells follow from a header of `column=cell`; `*` is the case."""
    columns = [pair.split("=") for pair in header.split("|")]
    lines = [[column for column, _ in columns]]
    lines += [[cell.replace("*", case) for _, cell in columns] for case in ("a", "b")]
    path = root / name
    path.write_text("\n".join(between.join(line) for line in lines) + "\n", encoding="utf-8")
    return read_dataset(path)


T1, FL, MASK = "*/t1.nii.gz", "*/fl.nii.gz", "*/mask.nii.gz"
BASE = f"case=*|image={T1}|label={MASK}"
# the columns that somebody may write, and the channels that they are
GUESSES = {
    "as documented": (f"case=*|image:T1w={T1}|image:FLAIR={FL}|label={MASK}", ("T1w", "FLAIR")),
    "one image": (BASE, ("0",)),
    "upper case": (f"CASE=*|Image={T1}|LABEL={MASK}", ("0",)),
    "blanks around names": (f" case =*| image = {T1} | label={MASK}", ("0",)),
    "a blank in the name": (f"case=*|image: T1w={T1}|image: FLAIR={FL}|label={MASK}", ("T1w", "FLAIR")),
    "underscore": (f"case=*|image_T1={T1}|image_FLAIR={FL}|label={MASK}", ("T1", "FLAIR")),
    "hyphen": (f"case=*|image-T1={T1}|image-FLAIR={FL}|mask={MASK}", ("T1", "FLAIR")),
    "channel behind": (f"case=*|T1_image={T1}|flair_path={FL}|mask_path={MASK}", ("T1", "flair")),
    "called by channel": (f"case=*|T1w={T1}|FLAIR={FL}|label={MASK}", ("T1w", "FLAIR")),
    "called by channel, small": (f"case=*|t1={T1}|flair={FL}|seg={MASK}", ("t1", "flair")),
    "numbered from 0": (f"case=*|image_0={T1}|image_1={FL}|label={MASK}", ("0", "1")),
    "numbered from 1": (f"case=*|image_1={T1}|image_2={FL}|label={MASK}", ("0", "1")),
    "numbered without a sign": (f"case=*|image0={T1}|image1={FL}|label={MASK}", ("0", "1")),
    "channels, numbered": (f"case=*|channel_0={T1}|channel_1={FL}|label={MASK}", ("0", "1")),
    "another order": (f"label={MASK}|image:FLAIR={FL}|case=*|image:T1w={T1}", ("FLAIR", "T1w")),
    "image_path": (f"case=*|image_path={T1}|label_path={MASK}", ("0",)),
    "scan and mask": (f"case=*|Scan={T1}|Mask={MASK}", ("0",)),
    "segmentation": (f"case=*|img={T1}|segmentation={MASK}", ("0",)),
    "ground truth": (f"case=*|file={T1}|Ground Truth={MASK}", ("0",)),
    "a lesion mask": (f"case=*|T1w={T1}|lesion_mask={MASK}", ("T1w",)),
    "case_id": (f"case_id=*|image={T1}|label={MASK}", ("0",)),
    "ID": (f"ID=*|image={T1}|label={MASK}", ("0",)),
    "backslashes": ("case=*|image=*\\t1.nii.gz|label=*\\mask.nii.gz", ("0",)),
    "a dot in front": (f"case=*|image=./{T1}|label=./{MASK}", ("0",)),
    "quotes": (f'"case"="*"|"image"="{T1}"|"label"="{MASK}"', ("0",)),
}


@pytest.mark.parametrize("between", [",", ";", "\t"])
@pytest.mark.parametrize("guess", GUESSES)
def test_what_people_write_is_understood(root: Path, guess: str, between: str) -> None:
    header, channels = GUESSES[guess]
    dataset = read(root, header, between=between)
    assert (dataset.layout, dataset.channels) == ("csv", channels)
    first = {"FLAIR": "fl"}.get(channels[0], "t1")
    for case, name in zip(dataset.cases, ("a", "b"), strict=True):
        assert (case.name, case.label) == (name, str(root / name / "mask.nii.gz"))
        assert case.images[0] == str(root / name / f"{first}.nii.gz")
        assert not case.others


@pytest.mark.parametrize(
    ("name", "between", "encoding", "front"),
    [
        ("cases.tsv", "\t", "utf-8", ""),
        ("cases.TSV", "\t", "utf-8-sig", ""),
        ("cases.csv", ";", "utf-8-sig", "sep=;\n"),
        ("cases.csv", ",", "utf-16", ""),
        ("cases.tsv", ",", "utf-8", ""),
        ("cases.csv", ",", "utf-8", "\n\n"),
    ],
)
def test_tables_are_read_as_spreadsheets_save_them(
    root: Path, name: str, between: str, encoding: str, front: str
) -> None:
    lines = [["image", "label", "subject", "Größe", ""], ["a/t1.nii.gz", "a/mask.nii.gz", "Zoë", "1", ""]]
    text = front + "\r\n".join(between.join(line) for line in lines)
    (root / name).write_bytes(text.encode(encoding))
    (case,) = read_dataset(root / name).cases
    assert (case.name, case.subject, dict(case.others)) == ("Zoë", "Zoë", {"Größe": "1"})


# columns that go beyond files, and what becomes of them in the first case
PEOPLE = {
    "as documented": ("subject=P*|session=2|site=Rome|group=g*|task=stroke", ("Pa", "2", "Rome", "ga", "stroke")),
    "other names": ("Patient ID=P*|Visit=2|Centre=Rome|family=g*|Task=x", ("Pa", "2", "Rome", "ga", "x")),
    "BIDS": ("participant_id=sub-*|session_id=ses-2|site=Rome", ("sub-a", "ses-2", "Rome", "", "")),
}


@pytest.mark.parametrize("kind", PEOPLE)
def test_patients_visits_and_places_are_understood(root: Path, kind: str) -> None:
    columns, expected = PEOPLE[kind]
    case = read(root, f"{BASE}|{columns}").cases[0]
    assert (case.subject, case.session, case.site, case.group, case.task) == expected


def test_other_columns_are_kept_by_their_names(root: Path) -> None:
    case = read(root, f"{BASE}|age=61|Stroke side=L|lesion=yes|T1=yes|path of study=x").cases[0]
    assert dict(case.others) == {"age": "61", "Stroke side": "L", "lesion": "yes", "T1": "yes", "path of study": "x"}


# cells of the patients' and visits' columns in two lines whose files have one name, and what the cases are called
NAMES = {
    "patients": ("P*", "", ["Pa", "Pb"]),
    "patients seen once": ("P*", "1", ["Pa_1", "Pb_1"]),
    "visits of one patient": ("P", "v*", ["P_va", "P_vb"]),
    "names that no file can have": ("../*", "1", ["a", "b"]),
}


@pytest.mark.parametrize("kind", NAMES)
def test_patients_and_visits_name_cases_where_they_tell_them_apart(tmp_path: Path, kind: str) -> None:
    root = write_tree(tmp_path, "a", "b", "mask")
    subject, session, expected = NAMES[kind]
    header = f"patient={subject}|T1w=*.nii.gz|mask=mask.nii.gz|visit={session}"
    assert [case.name for case in read(root, header).cases] == expected


# columns with paths of files under names of one's own, what they are taken for, and what is said
OWN_NAMES = {
    "one scan": (f"ID=*|my_brain={T1}|mask={MASK}", (), "my_brain = scan; ID = name of the case; mask = label map"),
    "words in them": (
        f"patient=*|flair_reg={FL}|t1_brain={T1}|final_mask={MASK}|age=61",
        ("flair", "t1"),
        "flair_reg (channel flair), t1_brain (channel t1) = scans; patient = patient; final_mask = label map; "
        "age = kept, not used",
    ),
    "names of the files": (f"case=*|T1w={T1}|drawn={MASK}|no=1", ("T1w",), "drawn = label map; no = kept"),
    "a mask of the brain": (
        f"case=*|T1={T1}|brain_mask={FL}|roi={MASK}",
        ("T1",),
        "roi = label map; brain_mask = left out",
    ),
    "words around a channel": (f"case=*|path_to_T1w={T1}|lesion={MASK}", ("T1w",), "path_to_T1w (channel T1w) = scan"),
}


@pytest.mark.parametrize("kind", OWN_NAMES)
def test_what_columns_are_taken_for_is_said(root: Path, kind: str) -> None:
    header, channels, said = OWN_NAMES[kind]
    dataset = read(root, header)
    assert dataset.channels == (channels or ("0",))
    assert {Path(case.label).name for case in dataset.cases} == {"mask.nii.gz"}
    assert said in describe_columns(root / "cases.csv")


def test_one_of_several_label_maps_can_be_chosen(root: Path) -> None:
    with pytest.raises(DataError, match=r"rater1: a/mask.nii.gz|choose it: --mask 'rater1 mask'") as caught:
        read(root, f"case=*|T1w={T1}|rater1 mask={MASK}|rater2 mask={FL}")
    assert "'rater1 mask' and 'rater2 mask'" in str(caught.value)
    for choice in ("rater2 mask", "Rater2_mask", "rater2"):
        dataset = read_dataset(root / "cases.csv", Selection(mask=choice))
        assert [Path(case.label).name for case in dataset.cases] == ["fl.nii.gz"] * 2
    with pytest.raises(DataError, match=r"several columns with paths of files can be meant by 'rater'"):
        read_dataset(root / "cases.csv", Selection(mask="rater"))


def test_scans_of_unclear_names_can_be_chosen(root: Path) -> None:
    with pytest.raises(DataError, match="--channel 'first' --channel 'second'") as caught:
        read(root, f"case=*|first={T1}|second={FL}|mask={MASK}")
    assert "'first' (unclear: a/t1.nii.gz)" in str(caught.value)
    dataset = read_dataset(root / "cases.csv", Selection(channels=("second", "first")))
    assert dataset.channels == ("second", "first")


def test_columns_of_a_table_can_be_chosen(root: Path) -> None:
    read(root, GUESSES["as documented"][0])
    dataset = read_dataset(root / "cases.csv", Selection(channels=("flair",)))
    assert (dataset.channels, Path(dataset.cases[0].images[0]).name) == (("FLAIR",), "fl.nii.gz")
    with pytest.raises(DataError, match=r"has no channel 'T2w' \(--channel\). Its channels: T1w, FLAIR"):
        read_dataset(root / "cases.csv", Selection(channels=("T2w",)))
    with pytest.raises(DataError, match=r"no column .* can be meant by 'dseg' \(--mask\)"):
        read_dataset(root / "cases.csv", Selection(mask="dseg"))


# columns that cannot be meant, and the hint; every one names the columns to write
HINTS = {
    "a mistake in typing": (f"case=*|image={T1}|lable={MASK}", "unknown column 'lable'. Did you mean 'label'"),
    "a mistake in a patient's": (f"{BASE}|subjct=P*", "unknown column 'subjct'. Did you mean 'subject'"),
    "no label map": (f"case=*|image={T1}", "Expected 'label' and 'image': add it"),
    "no image": (f"case=*|label={MASK}", "Expected 'label' and 'image': add it"),
    "two label maps": (f"{BASE}|mask={MASK}", "'label' and 'mask' both hold the label"),
    "two of one channel": (f"case=*|T1w={T1}|image:t1w={FL}|label={MASK}", "two columns are of one channel"),
    "image beside a channel": (f"{BASE}|FLAIR={FL}", "'image:NAME' for every channel"),
    "a gap": (f"case=*|image_0={T1}|image_2={FL}|label={MASK}", "without a gap"),
    "paths of something": (f"case=*|image={T1}|label={MASK}|extra={FL}", "Call it 'image:extra' if they are a channel"),
    "two of no clear names": (f"case=*|one={T1}|two={FL}|label={MASK}", "Call it 'image:one' if they are a channel"),
    "paths in the first line": (f"{T1}={T1}|{MASK}={MASK}", "the first line holds paths"),
}


@pytest.mark.parametrize("kind", HINTS)
def test_what_cannot_be_meant_gets_the_right_hint(root: Path, kind: str) -> None:
    header, message = HINTS[kind]
    with pytest.raises(DataError, match=message) as caught:
        read(root, header)
    if kind not in ("a gap", "image beside a channel", "two of one channel"):
        assert "'image:T1w', 'image:FLAIR', one for each channel) and 'label'" in str(caught.value)


@pytest.mark.parametrize("name", ["cases.xlsx", "cases.txt"])
def test_tables_of_other_kinds_are_to_be_saved_as_csv(root: Path, name: str) -> None:
    (root / name).write_text("image,label\n")
    with pytest.raises(DataError, match=r"is a file.*Save tables as CSV or TSV"):
        read_dataset(root / name)


def test_a_column_with_cells_needs_a_name(root: Path) -> None:
    (root / "cases.csv").write_text("image,,label\na/t1.nii.gz,x,a/mask.nii.gz\n")
    with pytest.raises(DataError, match="column 2 has cells but no name"):
        read_dataset(root / "cases.csv")
