"""The class that a reference gives the components of a mask."""

from __future__ import annotations

import numpy as np

from autoseg.classification import LesionReference, measure_case
from autoseg.classification.components import UNTOUCHED

CUBES = (1.0, 1.0, 1.0)


def test_a_component_has_the_class_of_most_of_its_voxels_in_lesions() -> None:
    mask, classes = np.zeros((12, 3, 1), dtype=bool), np.zeros((12, 3, 1), dtype=np.uint8)
    mask[0:4, 0], mask[6:8, 0], mask[10, 0] = True, True, True
    classes[0, 0], classes[1:3, 0], classes[7, 0] = 1, 2, 1
    features, found = measure_case(mask, LesionReference(classes=classes), CUBES)
    assert features[:, 0].tolist() == [4, 2, 1]
    # Two voxels of class 2 against one of class 1; one voxel is enough; none.
    assert found.tolist() == [1, 0, UNTOUCHED]


def test_ignored_voxels_have_no_say() -> None:
    mask, classes = np.ones((4, 1, 1), dtype=bool), np.array([1, 2, 2, 0], dtype=np.uint8).reshape(4, 1, 1)
    ignored = np.array([False, True, True, False]).reshape(4, 1, 1)
    assert measure_case(mask, LesionReference(classes=classes, ignored=ignored), CUBES)[1].tolist() == [0]


def test_of_an_empty_reference_no_component_has_a_class() -> None:
    mask = np.ones((2, 1, 1), dtype=bool)
    classes = np.zeros((2, 1, 1), dtype=np.uint8)
    assert measure_case(mask, LesionReference(classes=classes), CUBES)[1].tolist() == [UNTOUCHED]
    features, found = measure_case(~mask, LesionReference(classes=classes), CUBES)
    assert features.shape == (0, 11)
    assert not found.size


def test_a_component_in_ignored_voxels_alone_is_no_false_one() -> None:
    mask, classes = np.array([1, 0, 1, 1], dtype=bool).reshape(4, 1, 1), np.zeros((4, 1, 1), dtype=np.uint8)
    ignored = np.array([True, False, True, False]).reshape(4, 1, 1)
    features, found = measure_case(mask, LesionReference(classes=classes, ignored=ignored), CUBES)
    assert (features[:, 0].tolist(), found.tolist()) == ([2], [UNTOUCHED])
