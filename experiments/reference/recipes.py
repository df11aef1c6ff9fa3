"""The reference of the published systems that are there as recipes."""

from __future__ import annotations

from experiments.recipes import Recipe, list_recipes
from experiments.reference.markdown import as_code, link, write_section, write_table


def write_recipes() -> str:
    """Return every recipe: its source, published figures, what is chosen and what is done otherwise."""
    recipes = list_recipes()
    index = write_table(
        ("recipe", "what it is"), [(link(name, name), recipe.title) for name, recipe in recipes.items()]
    )
    return "\n".join((index, *map(_write_recipe, recipes.values())))


def _write_recipe(recipe: Recipe) -> str:
    figures = [(one.of, one.measure, one.value, "" if one.n is None else str(one.n)) for one in recipe.published]
    table = write_table(("of", "measure", "value", "n"), figures)
    return write_section(
        as_code(recipe.name),
        recipe.title,
        f"Source: {recipe.citation}",
        f"Data: {recipe.data}",
        f"Published figures, none of them ours:\n\n{table}" if table else "",
        _write_list("Not stated: chosen", recipe.not_stated),
        _write_list("Stated, and otherwise here", recipe.deviations),
        _write_list("Configurations that predict together (`*`: any name)", tuple(map(as_code, recipe.ensemble))),
    )


def _write_list(title: str, sentences: tuple[str, ...]) -> str:
    lines = "\n".join(f"- {sentence}" for sentence in sentences)
    return f"{title}:\n\n{lines}" if lines else ""
