"""A part of the pipeline, chosen by name from a table, with its options."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import TypeVar

from dataset_fingerprints.errors import PlanError, did_you_mean
from dataset_fingerprints.files.jsonfiles import from_plain

OptionValue = bool | int | float | str
Options = TypeVar("Options")


@dataclass(frozen=True, kw_only=True, slots=True)
class Choice:
    """The name of an entry in a table of parts, and the options that differ from the entry's defaults."""

    name: str
    options: dict[str, OptionValue] = field(default_factory=dict)


def resolve(choice: Choice, table: Mapping[str, type[Options]], where: str) -> Options:
    """Build the options object that a choice names.

    Args:
        choice: name and options.
        table: part names and their options dataclasses.
        where: what the choice is for, as the message should call it (for example "loss").

    Raises:
        PlanError: no such part, no such option, or an option of the wrong type.
    """
    if choice.name not in table:
        raise PlanError(f"plan.json: there is no {where} '{choice.name}'. {did_you_mean(choice.name, table)}")
    kind = table[choice.name]
    known = {entry.name for entry in fields(kind)}  # type: ignore[arg-type]
    for option in choice.options:
        if option not in known:
            raise PlanError(f"plan.json: {where} {choice.name} has no option '{option}'. {did_you_mean(option, known)}")
    return from_plain(choice.options, kind, f"plan.json: {where} {choice.name}")
