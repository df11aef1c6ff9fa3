"""The reference of the Python functions: names for mkdocstrings, which reads signatures and docstrings."""

from __future__ import annotations

import autoseg


def write_face() -> str:
    """Return a line for each public function, which mkdocstrings replaces by its signature and docstring."""
    functions = (getattr(autoseg, name) for name in autoseg.__all__)
    return "\n\n".join(f"::: {function.__module__}.{function.__name__}" for function in functions) + "\n"
