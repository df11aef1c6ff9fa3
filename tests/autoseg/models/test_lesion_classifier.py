"""A classifier of lesions that is ready to use: classes in a mask, and weights that are not its own."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from autoseg.models.lesion_classifier import LesionClassifier, run_layers
from autoseg.postprocessing.component_features import NAMES
from dataset_fingerprints.errors import WorkspaceError
from tests.autoseg.classification.made_up import describe

CUBES = (1.0, 1.0, 1.0)


def by_size(*, removed: bool = False) -> LesionClassifier:
    """Return a classifier that calls components of more than 3 voxels by the second class, others by the first."""
    weight = torch.zeros(2 + removed, len(NAMES))
    weight[1, 0], bias = 1.0, torch.tensor([0.0, -3.5, *[-1.0] * removed])
    if removed:  # more than 10 voxels
        weight[2, 0], bias[2] = 2.0, -14.0
    return LesionClassifier(description=describe(removed=removed), weights={"0.weight": weight, "0.bias": bias})


def test_every_component_has_the_value_of_its_class() -> None:
    mask = np.zeros((9, 5, 2), dtype=bool)
    mask[0:2, 0, 0], mask[4:9, 0, 0] = True, True
    found = by_size().classify(mask, CUBES)
    assert found.dtype == np.uint8
    assert np.array_equal(found > 0, mask)
    assert (set(found[0:2, 0, 0].tolist()), set(found[4:9, 0, 0].tolist())) == ({1}, {5})
    assert not by_size().classify(np.zeros_like(mask), CUBES).any()


def test_components_of_the_class_of_false_ones_are_removed() -> None:
    mask = np.zeros((20, 3, 1), dtype=bool)
    mask[0, 0], mask[3:8, 0], mask[:, 2] = True, True, True
    found = by_size(removed=True).classify(mask, CUBES)
    assert (found[0, 0, 0], found[3, 0, 0], found[:, 2].any()) == (1, 5, False)


def test_layers_are_rectified_but_for_the_last() -> None:
    weights = {
        "0.weight": torch.tensor([[1.0], [-1.0]]),
        "0.bias": torch.zeros(2),
        "1.weight": torch.tensor([[1.0, -2.0]]),
        "1.bias": torch.tensor([0.5]),
    }
    assert run_layers(weights, torch.tensor([[3.0], [-3.0]])).flatten().tolist() == [3.5, -5.5]


@pytest.mark.parametrize(
    ("weights", "reason"),
    [
        ({"0.weight": torch.zeros(3, 11), "0.bias": torch.zeros(3)}, "3 numbers, expected 2"),
        ({"0.weight": torch.zeros(2, 10), "0.bias": torch.zeros(2)}, "expected 11 inputs"),
        ({"0.weight": torch.zeros(2, 11)}, "11 numbers, expected 2"),
        ({"0.weight": torch.full((2, 11), torch.nan), "0.bias": torch.zeros(2)}, "0.weight holds values that are not"),
        ({}, "11 numbers"),
    ],
)
def test_weights_that_are_not_its_own_are_refused(weights: dict[str, torch.Tensor], reason: str) -> None:
    by_size().refuse_misfit("here")
    with pytest.raises(WorkspaceError, match=rf"here: is not a classifier of lesions that can be used \(.*{reason}"):
        LesionClassifier(description=describe(), weights=weights).refuse_misfit("here")


def test_scaling_of_other_features_is_refused() -> None:
    classifier = by_size()
    scaling = replace(classifier.description.scaling, means=(0.0,))
    with pytest.raises(WorkspaceError, match="scaling is not of the 11 features"):
        replace(classifier, description=replace(classifier.description, scaling=scaling)).refuse_misfit("here")
