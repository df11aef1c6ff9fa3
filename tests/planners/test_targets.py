from __future__ import annotations

import numpy as np
import pytest

from dataset_fingerprints.dataset import Label, LabelScheme, Region
from planners.targets import choose_scheme, find_target_problems, map_indices

THREE = LabelScheme(
    labels=(Label(name="MS", value=1), Label(name="stroke", value=2), Label(name="WMH", value=5)), ignore_value=9
)


def test_without_groups_the_labels_are_those_of_the_data_set() -> None:
    assert choose_scheme(THREE, ()) is THREE
    assert map_indices(THREE, ()) == ()


def test_a_group_becomes_one_label_with_the_value_of_its_first_and_the_names_of_all() -> None:
    union = choose_scheme(THREE, ((1, 2, 5),))
    assert union.labels == (Label(name="MS+stroke+WMH", value=1),)
    assert union.ignore_value == 9, "what is not labelled stays so"
    stored = THREE.to_indices(np.array([0, 1, 2, 5, 9]))
    assert union.to_values(np.array(map_indices(THREE, ((1, 2, 5),)))[stored]).tolist() == [0, 1, 1, 1, 9]


def test_labels_of_no_group_are_background_and_groups_may_come_in_any_order() -> None:
    groups = ((5,), (2,))
    chosen = choose_scheme(THREE, groups)
    assert chosen.names() == {2: "stroke", 5: "WMH"}
    stored = THREE.to_indices(np.array([0, 1, 2, 5, 9]))
    assert chosen.to_values(np.array(map_indices(THREE, groups))[stored]).tolist() == [0, 0, 2, 5, 9]


@pytest.mark.parametrize(
    ("groups", "found"),
    [(((1, 3),), "[[1, 3]]"), (((),), "[[]]"), (((1,), (1, 2)), "names a label twice")],
)
def test_groups_that_cannot_be_meant_are_named(groups: tuple[tuple[int, ...], ...], found: str) -> None:
    (problem,) = find_target_problems("2d", groups, THREE)
    assert "2d.targets" in problem
    assert found in problem


def test_regions_have_no_groups() -> None:
    regions = LabelScheme(
        labels=THREE.labels, regions=(Region(name="all", values=(1, 2, 5)),), region_export_order=(1,)
    )
    (problem,) = find_target_problems("2d", ((1,),), regions)
    assert "regions" in problem
