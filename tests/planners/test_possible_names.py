"""Names of configurations that are known before a scan is read, and those that only a data set can say."""

from __future__ import annotations

import pytest

from dataset_fingerprints.errors import PlanError
from planners.possible_names import find_possible_names, refuse_impossible_names
from planners.sizing.configurations import GENERAL
from tests.synthetic.machines import GPU


def test_names_of_general_planners_hold_those_of_larger_scans_too() -> None:
    assert set(find_possible_names("default", GPU, 8.0)) == set(GENERAL)


def test_general_planners_plan_nothing_for_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("planners.possible_names.make_plan", pytest.fail)
    assert find_possible_names("nnunet-resenc-xl", GPU, 8.0) == GENERAL


def test_names_of_a_recipe_are_its_own_with_those_for_scans_without_labels() -> None:
    assert find_possible_names("amc_infarct", GPU, 8.0) == ("locate", "refine")
    assert "self_training" in find_possible_names("mapping2022", GPU, 8.0)


def test_a_network_per_label_is_called_after_the_data_set_and_nothing_is_refused() -> None:
    assert find_possible_names("amc_dental", GPU, 8.0) == ()
    refuse_impossible_names(("infarct",), "amc_dental", GPU, 8.0)


def test_a_name_that_is_never_planned_is_refused_with_the_nearest() -> None:
    with pytest.raises(PlanError, match=r"no configuration 'refne' in plans of planner amc_infarct\. Did you mean"):
        refuse_impossible_names(("locate", "refne"), "amc_infarct", GPU, 8.0)
