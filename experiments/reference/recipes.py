"""The reference of the published systems that are there as recipes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from experiments.recipes import Recipe, list_recipes
from experiments.reference.markdown import as_code, link, write_section, write_table


def write_recipes() -> str:
    """Return every recipe: its source, published figures, what is chosen and what is done otherwise."""
    recipes = list_recipes()
    index = write_table(
        ("recipe", "what it is"), [(link(name, name), recipe.title) for name, recipe in recipes.items()]
    )
    ordered = tuple(recipes.values())
    return "\n".join((index, *(_write_recipe(recipe, ordered[:place]) for place, recipe in enumerate(ordered))))


def _write_recipe(recipe: Recipe, earlier: Sequence[Recipe]) -> str:
    figures = [(one.of, one.measure, one.value, "" if one.n is None else str(one.n)) for one in recipe.published]
    table = write_table(("of", "measure", "value", "n"), figures)
    not_stated = _shorten(recipe.not_stated, {one.name: one.not_stated for one in earlier})
    deviations = _shorten(recipe.deviations, {one.name: one.deviations for one in earlier})
    return write_section(
        as_code(recipe.name),
        recipe.title,
        f"Source: {recipe.citation}",
        f"Data: {recipe.data}",
        f"Published figures, none of them ours:\n\n{table}" if table else "",
        _write_list("Not stated: chosen", not_stated),
        _write_list("Stated, and otherwise here", deviations),
        _write_list("Configurations that predict together (`*`: any name)", tuple(map(as_code, recipe.ensemble))),
    )


def _shorten(sentences: tuple[str, ...], earlier: Mapping[str, tuple[str, ...]]) -> tuple[str, ...]:
    """Return sentences with a link in the place of those that are an earlier recipe's whole list."""
    held = {name: told for name, told in earlier.items() if len(told) > 1 and set(told) <= set(sentences)}
    if not held:
        return sentences
    name = max(held, key=lambda one: len(held[one]))
    return (f"as for {link(name, name)}", *(one for one in sentences if one not in held[name]))


def _write_list(title: str, sentences: tuple[str, ...]) -> str:
    lines = "\n".join(f"- {sentence}" for sentence in sentences)
    return f"{title}:\n\n{lines}" if lines else ""
