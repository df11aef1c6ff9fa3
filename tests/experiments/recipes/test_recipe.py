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


def test_a_recipe_is_referred_to_by_its_first_author_and_year() -> None:
    ours = PLANNERS["nnunet"]
    recipe = Recipe(
        name="r", title="A title.", citation="Tomita N, Jiang S. Title. 2020. Journal 1.", data="d", make=ours.plan
    )
    assert recipe.reference() == "Tomita 2020"
