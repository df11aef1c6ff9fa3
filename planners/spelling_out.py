"""Choices of parts with all of their options: what an earlier version left out has the part's default."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace
from typing import Any

from dataset_fingerprints.errors import PlanError
from planners.choices import Choice, PartTable, choose, resolve
from planners.parts import PARTS
from planners.plan import Configuration


def spell_out(configuration: Configuration) -> Configuration:
    """Return a configuration whose choices give every option; choices of unknown parts stay as they are."""
    for field, table in PARTS.items():
        *parents, name = field.split(".")
        holder: Any = getattr(configuration, parents[0]) if parents else configuration
        value = getattr(holder, name)
        filled = _fill(value, table) if isinstance(value, Choice) else tuple(_fill(one, table) for one in value)
        holder = replace(holder, **{name: filled})
        configuration = replace(configuration, **{parents[0]: holder}) if parents else holder
    return configuration


def _fill(choice: Choice, table: PartTable[type]) -> Choice:
    with suppress(PlanError):
        return choose(choice.name, resolve(choice, table, choice.name))
    return choice
