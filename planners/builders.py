"""Builders of the parts that a plan names: per options class a function, ours or one that a package registers."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cache
from importlib.metadata import entry_points
from typing import Any, Generic, TypeVar

from dataset_fingerprints.errors import PlanError
from dataset_fingerprints.registered import describe_entry, guard, load_entry
from planners.choices import Choice, PartTable, resolve

Builder = TypeVar("Builder", bound=Callable[..., Any])
# A package registers here what builds an entry of its own: under `<kind>.<name>`, such as `losses.mine`.
GROUP = "autoseg.builders"


class BuilderTable(Generic[Builder]):
    """Builders of the entries of one table of parts.

    Args:
        table: options by name.
        own: our builders, by options class.
    """

    def __init__(self, table: PartTable[type], own: Mapping[type, Builder]) -> None:
        self.table = table
        self.own = dict(own)

    def find(self, choice: Choice) -> tuple[Any, Builder]:
        """Return the options that a choice stands for, and what builds them.

        Raises:
            PlanError: no such part or option, or nothing that builds it.
        """
        options: Any = resolve(choice, self.table, self.table.word)
        if type(options) in self.own:
            return options, self.own[type(options)]
        registered = _registered()
        name = f"{self.table.kind}.{choice.name}"
        if name not in registered:
            raise PlanError(f"{name}: nothing builds it. Register a function in the entry-point group {GROUP}.")
        builder: Any = guard(load_entry(registered[name]), describe_entry(registered[name]))
        return options, builder


@cache
def _registered() -> Mapping[str, Any]:
    return {entry.name: entry for entry in entry_points(group=GROUP)}
