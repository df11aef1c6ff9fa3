"""Recipes are found where they are registered, those of other packages too."""

from __future__ import annotations

from pathlib import Path

import pytest

from dataset_fingerprints.errors import PlanError
from experiments.recipes import find_recipe, list_recipes
from tests.synthetic.packages import run_with_package, write_package

OTHERS = """
from experiments.recipes import Recipe
from planners.presets import PLANNERS

MINE = Recipe(name="mine", title="Mine.", citation="Me 2026", data="None.", make=PLANNERS["default"].plan)
PLANNER = PLANNERS["default"]
"""
LISTING = """
import sys
from experiments.recipes import list_recipes
print(",".join(list_recipes()))
print("torch" in sys.modules)
"""


def test_ours_are_found_by_name() -> None:
    assert {"nnunet", "nnunet_resenc_m", "nnunet_resenc_l", "nnunet_resenc_xl"} <= set(list_recipes())
    assert find_recipe("nnunet").memory_gb == 8


def test_an_unknown_name_is_answered_with_the_nearest() -> None:
    with pytest.raises(PlanError, match=r"no recipe 'nnunet_resenc_s'\. Did you mean 'nnunet_resenc_"):
        find_recipe("nnunet_resenc_s")
    with pytest.raises(PlanError, match=r"no recipe 'MedNeXt_S'\. Did you mean 'mednext_s'\?"):
        find_recipe("MedNeXt_S")


def test_a_name_that_is_near_none_is_answered_with_the_way_to_the_list() -> None:
    with pytest.raises(PlanError, match=r"^There is no recipe 'qq'\. `autoseg experiment list` shows them\.$"):
        find_recipe("qq")


def test_recipes_of_another_package_are_found_without_torch_and_a_broken_one_stops_none(tmp_path: Path) -> None:
    entries = {"autoseg.planners": ["mine = others:MINE", "plain = others:PLANNER", "broken = others:NOTHING"]}
    write_package(tmp_path, "others", OTHERS, entries)
    done = run_with_package(tmp_path, code=LISTING)
    names, torch = done.stdout.splitlines()
    assert {"mine", "nnunet"} <= set(names.split(","))
    assert not {"plain", "broken"} & set(names.split(","))
    assert torch == "False"
    assert "broken = others:NOTHING cannot be loaded" in done.stderr
