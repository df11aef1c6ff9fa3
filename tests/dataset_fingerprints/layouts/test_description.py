"""Labels, regions, subjects and sessions of a data set."""

from __future__ import annotations

import json

import numpy as np
import pytest

from dataset_fingerprints.errors import AutosegError
from dataset_fingerprints.layouts import read_dataset
from tests.synthetic.scans import write_nnunet_dataset


@pytest.mark.parametrize(
    ("name", "subject", "session"),
    [
        ("sub-r01s001_ses-2_T1w", "sub-r01s001", "ses-2"),
        ("sub-a+1_T1w", "sub-a+1", ""),
        ("BraTS-GLI-00005-001", "BraTS-GLI-00005", "001"),
        ("c0003s0008t02", "c0003s0008", "t02"),
        ("c0003s0008t02_again", "c0003s0008t02_again", ""),
    ],
)
def test_names_of_known_forms_give_subjects_and_sessions(tmp_path, name, subject, session):
    write_nnunet_dataset(tmp_path, cases=1)
    for folder, suffix in (("imagesTr", "_0000"), ("labelsTr", "")):
        old = tmp_path / folder / f"sub-000{suffix}.nii.gz"
        old.rename(tmp_path / folder / f"{name}{suffix}.nii.gz")
    case = read_dataset(tmp_path).cases[0]
    assert (case.subject, case.session) == (subject, session)


def test_any_integers_become_indices_and_come_back(tmp_path):
    scheme = read_dataset(write_nnunet_dataset(tmp_path, 1, {"background": 0, "b": 300, "a": -4})).labels
    values = np.array([[0, 300], [-4, 0]])
    assert scheme.to_indices(values).tolist() == [[0, 2], [1, 0]]
    assert np.array_equal(scheme.to_values(scheme.to_indices(values)), values)


def write_labels_of(root, labels, order=None):
    write_nnunet_dataset(root, cases=2)
    description = json.loads((root / "dataset.json").read_text(encoding="utf-8")) | {"labels": labels}
    if order is not None:
        description["regions_class_order"] = order
    (root / "dataset.json").write_text(json.dumps(description))
    return root


def test_regions_and_an_ignore_label_are_read_as_nnunet_writes_them(tmp_path):
    labels = {"background": 0, "whole": [1, 2, 3], "core": [2, 3], "enhancing": 3, "ignore": 4}
    scheme = read_dataset(write_labels_of(tmp_path, labels, [1, 2, 3])).labels
    assert [(region.name, region.values) for region in scheme.regions] == [
        ("whole", (1, 2, 3)),
        ("core", (2, 3)),
        ("enhancing", (3,)),
    ]
    assert [(label.name, label.value) for label in scheme.labels] == [("label 1", 1), ("label 2", 2), ("enhancing", 3)]
    assert (scheme.region_export_order, scheme.ignore_value) == ((1, 2, 3), 4)
    heads = scheme.heads()
    assert (heads.members, heads.written, heads.exclusive, heads.ignored) == (
        ((1, 2, 3), (2, 3), (3,)),
        (1, 2, 3),
        False,
        4,
    )


def test_an_ignore_label_may_have_any_value_and_comes_back(tmp_path):
    scheme = read_dataset(write_labels_of(tmp_path, {"background": 0, "lesion": 7, "ignore": 2})).labels
    values = np.array([0, 7, 2])
    assert scheme.to_indices(values).tolist() == [0, 1, 2]
    assert scheme.to_values(scheme.to_indices(values)).tolist() == [0, 7, 2]
    assert scheme.heads().ignored == 2
    assert scheme.foreground(np.array([0, 1, 2])).tolist() == [False, True, False]


@pytest.mark.parametrize(
    ("labels", "order", "message"),
    [
        ({"background": 0, "whole": [1, 2], "core": 2}, None, "'regions_class_order' is None.*whole, core"),
        ({"background": 0, "whole": [1, 2], "core": 2}, [1], r"'regions_class_order' is \[1\]"),
        ({"background": 0, "core": 2, "whole": [1, 2]}, [1, 2], "writes 1 for the region core"),
        ({"background": 0, "whole": [0, 1]}, [1], "without background"),
        ({"background": 0, "whole": []}, [1], "Expected an integer"),
        ({"background": 0, "lesion": "1"}, None, "Expected an integer"),
        ({"background": 0, "lesion": 1, "ignore": 1}, None, "value of their own"),
        ({"background": 0, "ignore": 1}, None, "no foreground"),
    ],
)
def test_labels_that_contradict_each_other_are_refused(tmp_path, labels, order, message):
    with pytest.raises(AutosegError, match=message):
        read_dataset(write_labels_of(tmp_path, labels, order))
