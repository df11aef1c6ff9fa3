"""Published systems, each a recipe: `autoseg experiment list | show NAME | run NAME FOLD | compare NAME...`.

A recipe is registered as a planner, ours in setup.py; another package's recipes are found in the same way.
"""

from experiments.recipes.finding import find_recipe, list_recipes
from experiments.recipes.recipe import Figure, Recipe

__all__ = ["Figure", "Recipe", "find_recipe", "list_recipes"]
