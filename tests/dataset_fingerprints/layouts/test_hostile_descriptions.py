"""Descriptions that cannot be meant, by accident or on purpose: refused in one short message, nothing is guessed."""

from __future__ import annotations

import json
import os
import re
from pathlib import Path
from typing import Any

import pytest

from dataset_fingerprints.checking.presence import check_presence
from dataset_fingerprints.errors import AutosegError
from dataset_fingerprints.layouts import read_dataset
from dataset_fingerprints.layouts.describing import describe_layout
from tests.synthetic.scans import write_nnunet_dataset

LONGEST_MESSAGE = 1500

# what is odd -> what it changes in nnU-Net's dataset.json, and what the message says
NNUNET: dict[str, tuple[dict[str, Any], str]] = {
    "a channel's number as a superscript": ({"channel_names": {"²": "T1w"}}, "channels are {'²': 'T1w'}. Expected num"),
    "a channel's number in other digits": ({"channel_names": {"\N{ARABIC-INDIC DIGIT ZERO}": "T1w"}}, "channels are"),
    "a channel's number of 5,000 digits": ({"channel_names": {"9" * 5000: "T1w"}}, "channels are"),
    "a channel below 0": ({"channel_names": {"-1": "T1w"}}, "channels are"),
    "channels with a gap": ({"channel_names": {"0": "T1w", "2": "T2w"}}, "channels are"),
    "one channel under two spellings": ({"channel_names": {"0": "T1w", "00": "T2w"}}, "channels are"),
    "no channels": ({"channel_names": {}}, "channels are {}"),
    "channels that are no list": ({"channel_names": "T1w"}, "channels are 'T1w'"),
    "a channel without a name": ({"channel_names": {"0": None}}, "channels are {'0': None}"),
    "a channel called by a number": ({"channel_names": {"0": 7}}, "channels are {'0': 7}"),
    "channels in a list that are no names": ({"channel_names": [["T1w"]]}, "channels are"),
    "a background that is not 0": ({"labels": {"background": 1, "lesion": 0}}, "Expected 0 for the background and"),
    "a Background that is not 0": ({"labels": {"Background": 2, "lesion": 1}}, "Expected 0 for the background and"),
    "a label beside the background": (
        {"labels": {"background": 0, "scar": 0, "lesion": 1}},
        "Expected 0 for the background and for nothing else",
    ),
    "a background of false": ({"labels": {"background": False, "lesion": 1}}, "'background' is False"),
    "a label of true": ({"labels": {"background": 0, "lesion": True}}, "'lesion' is True. Expected an integer"),
    "a label of text": ({"labels": {"background": 0, "lesion": "1"}}, "'lesion' is '1'. Expected an integer"),
    "a label of a long text": ({"labels": {"background": 0, "lesion": "1" * 10**6}}, "'lesion' is '1111"),
    "a region of labels in lists": ({"labels": {"background": 0, "lesion": [[1]]}}, "'lesion' is [[1]]"),
    "an order of text": (
        {"labels": {"background": 0, "lesion": [1, 2]}, "regions_class_order": "1"},
        "'regions_class_order' is '1'",
    ),
    "a suffix that leads elsewhere": ({"file_ending": "/../../x.nii.gz"}, "'file_ending' is '/../../x.nii.gz'"),
    "a suffix of 5,000 characters": ({"file_ending": "." + "x" * 5000}, "'file_ending' is '.xxx"),
    "a suffix that is a number": ({"file_ending": 7}, "'file_ending' is 7. Expected the files' suffix"),
    "a case of no form": ({"dataset": {"a": "x" * 10**6}}, "case a of 'dataset' is 'xxx"),
    "a path with a zero": (
        {"dataset": {"a": {"images": ["imagesTr/sub-000_0000.nii.gz"], "label": "a\0b/c"}}},
        "case a: '",
    ),
    "a path of half a character": (
        {"dataset": {"a": {"images": ["imagesTr/sub-000_0000.nii.gz"], "label": "\ud800/a.nii.gz"}}},
        "holds half a character",
    ),
    "a path longer than any": (
        {"dataset": {"a": {"images": ["imagesTr/sub-000_0000.nii.gz"], "label": "a/" * 3000}}},
        "cannot be the path of a file. Expected less than 4096 bytes",
    ),
}


def refuse(place: Path, message: str) -> None:
    """Make sure that a data set is refused in a message that can be read."""
    with pytest.raises(AutosegError, match=re.escape(message)) as caught:
        read_dataset(place)
    assert len(str(caught.value)) < LONGEST_MESSAGE


@pytest.mark.parametrize("kind", NNUNET)
def test_what_nnunets_description_cannot_mean_is_refused(tmp_path: Path, kind: str) -> None:
    changes, message = NNUNET[kind]
    write_nnunet_dataset(tmp_path, 1)
    path = tmp_path / "dataset.json"
    path.write_text(json.dumps(json.loads(path.read_text(encoding="utf-8")) | changes))
    refuse(tmp_path, message)


MSD: dict[str, tuple[dict[str, Any], str]] = {
    "two labels of one name": (
        {"labels": {"0": "background", "1": "lesion", "2": "lesion"}},
        "Expected numbers with a name of their own each",
    ),
    "a number as a superscript": ({"labels": {"0": "background", "²": "lesion"}}, "Expected numbers with a name"),
    "a number with an underscore": ({"labels": {"0": "background", "1_0": "lesion"}}, "Expected numbers with a name"),
    "a number of 5,000 digits": ({"labels": {"0": "background", "9" * 5000: "lesion"}}, "Expected numbers with a name"),
    "a name that is none": ({"labels": {"0": "background", "1": None}}, "Expected numbers with a name"),
    "a list": ({"labels": ["background", "lesion"]}, "'labels' are ['background', 'lesion']. Expected numbers"),
    "nothing": ({"labels": None}, "'labels' are None. Expected numbers"),
    "another value of the background": ({"labels": {"0": "lesion", "1": "background"}}, "Expected 0 for the backgr"),
    "a channel without a name": ({"modality": {"0": None}}, "channels are {'0': None}"),
    "an entry of no form": ({"training": [["x" * 10**6]]}, "the training entry ['xxx"),
}


@pytest.mark.parametrize("kind", MSD)
def test_what_the_decathlons_description_cannot_mean_is_refused(tmp_path: Path, kind: str) -> None:
    changes, message = MSD[kind]
    write_nnunet_dataset(tmp_path, 1)
    description = {
        "modality": {"0": "MRI"},
        "labels": {"0": "background", "1": "lesion"},
        "training": [{"image": "imagesTr/sub-000_0000.nii.gz", "label": "labelsTr/sub-000.nii.gz"}],
    }
    (tmp_path / "dataset.json").write_text(json.dumps(description | changes))
    refuse(tmp_path, message)


def test_the_decathlons_description_that_those_are_made_of_is_sound(tmp_path: Path) -> None:
    write_nnunet_dataset(tmp_path, 1)
    description = {
        "modality": {"0": "MRI"},
        "labels": {"1": "lesion", "0": "background"},
        "training": [{"image": "imagesTr/sub-000_0000.nii.gz", "label": "labelsTr/sub-000.nii.gz"}],
    }
    (tmp_path / "dataset.json").write_text(json.dumps(description))
    assert [(label.name, label.value) for label in read_dataset(tmp_path).labels.labels] == [("lesion", 1)]


@pytest.mark.parametrize("file", ["a\0b/c.nii.gz", "a/" * 3000])
@pytest.mark.parametrize("column", ["image", "label"])
def test_a_path_of_a_csv_that_cannot_be_one_is_refused(tmp_path: Path, file: str, column: str) -> None:
    write_nnunet_dataset(tmp_path / "raw", 2)
    rows = [
        {"image": f"raw/imagesTr/sub-00{n}_0000.nii.gz", "label": f"raw/labelsTr/sub-00{n}.nii.gz"} for n in range(2)
    ]
    rows[1][column] = file
    path = tmp_path / "cases.csv"
    path.write_text("case,image,label\n" + "".join(f"c{n},{r['image']},{r['label']}\n" for n, r in enumerate(rows)))
    refuse(path, "cannot be the path of a file")


def test_channels_without_end_are_described_and_reported_in_few_words(tmp_path: Path) -> None:
    write_nnunet_dataset(tmp_path, 1)
    path = tmp_path / "dataset.json"
    plain = json.loads(path.read_text(encoding="utf-8")) | {
        "channel_names": {str(n): f"channel {n}" for n in range(3000)}
    }
    path.write_text(json.dumps(plain))
    dataset = read_dataset(tmp_path)
    assert "and 2990 more" in describe_layout(dataset)
    assert len(describe_layout(dataset)) < LONGEST_MESSAGE
    findings = check_presence("sub-000", dataset.cases[0].images, dataset.channels)
    assert len(findings) == 21
    assert findings[-1].message == "2979 more channels are missing. See that the data set has 3000 channels."


@pytest.mark.parametrize("name", ["dataset.json", "cases.csv"])
def test_a_description_larger_than_any_is_not_read(tmp_path: Path, name: str) -> None:
    write_nnunet_dataset(tmp_path, 1)
    path = tmp_path / name
    path.touch()
    os.truncate(path, 1 << 40)
    refuse(path if name == "cases.csv" else tmp_path, "it holds 1099511627776 bytes; at most 2147483648 can be meant")
