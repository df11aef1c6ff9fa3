"""The shape of a recipe."""

from __future__ import annotations

from experiments.recipes.recipe import Figure, Recipe
from planners.presets import PLANNERS


def test_a_recipe_is_a_planner() -> None:
    ours = PLANNERS["nnunet"]
    figure = Figure(of="all", measure="Dice", value="0.5", n=10)
    recipe = Recipe(name="r", title="A title.", citation="c", data="d", make=ours.plan, published=(figure,))
    assert recipe.description == "A title."
    assert recipe.memory_gb == 0
