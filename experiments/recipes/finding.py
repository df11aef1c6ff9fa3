"""The recipes that are installed."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from functools import cache
from importlib.metadata import entry_points

from dataset_fingerprints.errors import PlanError, did_you_mean
from dataset_fingerprints.names import natural_order
from dataset_fingerprints.registered import load_entry
from experiments.recipes.recipe import Recipe

GROUP = "autoseg.planners"
_log = logging.getLogger(__name__)


@cache
def list_recipes() -> Mapping[str, Recipe]:
    """Return all recipes by name, in order of their names; planners that are none are left out."""
    found = {}
    for entry in sorted(entry_points(group=GROUP), key=lambda one: natural_order(one.name)):
        try:
            loaded = load_entry(entry)
        except PlanError as error:  # of one package, which others do not wait for
            _log.warning("%s", error)
            continue
        if isinstance(loaded, Recipe):
            found[entry.name] = loaded
    return found


def find_recipe(name: str) -> Recipe:
    """Return a recipe by name.

    Raises:
        PlanError: there is none of that name.
    """
    recipes = list_recipes()
    if name not in recipes:
        raise PlanError(f"There is no recipe '{name}'. {_suggest(name, recipes)}`autoseg experiment list` shows them.")
    return recipes[name]


def _suggest(name: str, recipes: Mapping[str, Recipe]) -> str:
    """Return the nearest name; nothing where none is near, for all in one sentence are more than one reads."""
    suggestion = did_you_mean(name, recipes)
    return f"{suggestion} " if suggestion.endswith("?") else ""
