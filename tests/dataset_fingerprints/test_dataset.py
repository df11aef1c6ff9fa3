"""Labels that a data set may declare, and their indices."""

from __future__ import annotations

import json

import numpy as np
import pytest

from dataset_fingerprints.dataset import MOST_INDICES, Label, LabelScheme
from dataset_fingerprints.errors import DataError
from dataset_fingerprints.layouts import read_dataset
from tests.synthetic.scans import write_nnunet_dataset


def scheme_of(count, ignore=None):
    labels = tuple(Label(name=f"label {value}", value=value) for value in range(1, count + 1))
    return LabelScheme(labels=labels, ignore_value=ignore)


@pytest.mark.parametrize(("labels", "ignore"), [(255, None), (254, 300)])
def test_as_many_labels_as_there_are_indices_come_back(labels, ignore):
    scheme = scheme_of(labels, ignore)
    values = np.array(scheme.known_values())
    assert scheme.index_count() == MOST_INDICES
    assert np.array_equal(scheme.to_indices(values), np.arange(MOST_INDICES))
    assert np.array_equal(scheme.to_values(scheme.to_indices(values)), values)


@pytest.mark.parametrize(("labels", "ignore"), [(256, None), (255, 300), (300, None)])
def test_more_labels_than_indices_are_refused(labels, ignore):
    with pytest.raises(DataError, match=r"different label values are declared.*at most 256"):
        scheme_of(labels, ignore)


@pytest.mark.parametrize("value", [2**31, 3_000_000_000, -(2**31) - 1, 10**12, 10**30])
def test_values_beyond_32_bits_are_refused_where_the_data_set_is_described(tmp_path, value):
    root = write_nnunet_dataset(tmp_path, cases=2)
    description = json.loads((root / "dataset.json").read_text(encoding="utf-8"))
    (root / "dataset.json").write_text(json.dumps(description | {"labels": {"background": 0, "lesion": value}}))
    with pytest.raises(DataError, match=r"dataset\.json: label values from .* are declared"):
        read_dataset(root)


def test_300_labels_of_a_data_set_are_refused_by_its_file(tmp_path):
    root = write_nnunet_dataset(tmp_path, cases=2)
    labels = {"background": 0, **{f"label {value}": value for value in range(1, 301)}}
    description = json.loads((root / "dataset.json").read_text(encoding="utf-8"))
    (root / "dataset.json").write_text(json.dumps(description | {"labels": labels}))
    with pytest.raises(DataError, match=r"dataset\.json: 301 different label values"):
        read_dataset(root)


def test_labels_are_named_by_their_values():
    assert scheme_of(2, ignore=9).names() == {1: "label 1", 2: "label 2"}
