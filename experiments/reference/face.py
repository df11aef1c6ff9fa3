"""The reference of the Python functions: names for mkdocstrings, which reads signatures and docstrings."""

from __future__ import annotations

import inspect

import autoseg
from experiments.reference.markdown import link, write_table


def write_face() -> str:
    """Return a line for each public function, which mkdocstrings replaces by its signature and docstring."""
    functions = {name: getattr(autoseg, name) for name in autoseg.__all__}
    paths = {name: f"{function.__module__}.{function.__name__}" for name, function in functions.items()}
    rows = [
        (link(name, path), (inspect.getdoc(functions[name]) or "").partition("\n\n")[0]) for name, path in paths.items()
    ]
    index = write_table(("function", "what it does"), rows)
    return "\n\n".join((index, *(f"::: {path}" for path in paths.values()))) + "\n"
