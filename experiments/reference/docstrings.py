"""Docstrings of dataclasses, taken apart: what an entry is, and what each of its fields means."""

from __future__ import annotations

import inspect
import json
import re
import types
import typing
from collections.abc import Iterator
from dataclasses import MISSING, Field, dataclass, fields
from typing import Any

from dataset_fingerprints.files.jsonfiles import to_json
from experiments.reference.meanings import MEANINGS

_ATTRIBUTE = re.compile(r"^    (\w+): (.*)$")


@dataclass(frozen=True, kw_only=True, slots=True)
class Described:
    """A field of a dataclass, as people read it.

    Attributes:
        kind: its type in a few words.
        default: as JSON; empty where it has to be given.
        meaning: of the docstring, or of the table beside it; empty where neither says anything of the field.
    """

    name: str
    kind: str
    default: str
    meaning: str


def read_paragraphs(kind: type) -> str:
    """Return a docstring without the meaning of its fields."""
    return inspect.cleandoc(kind.__doc__ or "").partition("\nAttributes:\n")[0].strip()


def read_first_sentence(kind: type) -> str:
    """Return the first line of a docstring, for a list of many."""
    return read_paragraphs(kind).partition("\n\n")[0]


def describe_fields(kind: type) -> Iterator[Described]:
    """Yield the fields of a dataclass, in their order."""
    meanings, hints = _read_meanings(kind), typing.get_type_hints(kind, include_extras=True)
    for entry in fields(kind):
        yield Described(
            name=entry.name,
            kind=name_type(hints[entry.name]),
            default=_show_default(entry),
            meaning=meanings.get(entry.name) or MEANINGS.get(f"{kind.__name__}.{entry.name}", ""),
        )


def _read_meanings(kind: type) -> dict[str, str]:
    """Return what a docstring says of the fields, by their names."""
    meanings: dict[str, str] = {}
    name = ""
    for line in inspect.cleandoc(kind.__doc__ or "").partition("\nAttributes:\n")[2].splitlines():
        begun = _ATTRIBUTE.match(line)
        if begun:
            name, meanings[begun[1]] = begun[1], begun[2]
        elif name and line.startswith(" " * 8):
            meanings[name] += f" {line.strip()}"
        else:
            name = ""
    return meanings


def name_type(hint: Any) -> str:
    """Return a type in the words of a JSON file."""
    origin, inner = typing.get_origin(hint), typing.get_args(hint)
    if origin is typing.Annotated:
        return name_type(inner[0])
    if origin is typing.Literal:
        return " or ".join(f"`{value}`" for value in inner)
    if origin in (typing.Union, types.UnionType):
        return " or ".join(name_type(one) for one in inner)
    if origin in (tuple, list) or (inspect.isclass(origin) and issubclass(origin, (list, tuple))):
        members = [one for one in inner if one is not Ellipsis]
        same = len(set(map(str, members))) == 1
        many = "list of" if Ellipsis in inner or origin is list else f"{len(members)}"
        return f"{many} {_as_many(name_type(members[0]))}" if same else f"list of {', '.join(map(name_type, members))}"
    if origin is not None:
        return f"names and {name_type(inner[-1])}"
    plain = {int: "whole number", float: "number", str: "text", bool: "true or false", type(None): "null"}
    return plain.get(hint) or (hint.__name__ if inspect.isclass(hint) else str(hint))


def _as_many(kind: str) -> str:
    """Return the words for several values of a type."""
    if kind in ("whole number", "number", "text"):
        return f"{kind}s"
    return f"lists {kind.removeprefix('list ')}" if kind.startswith("list ") else kind


def _show_default(entry: Field[Any]) -> str:
    if entry.default is not MISSING:
        return show_value(entry.default)
    return "" if entry.default_factory is MISSING else show_value(entry.default_factory())


def show_value(value: Any) -> str:
    """Return a value as it stands in a plan, on one line."""
    return json.dumps(json.loads(to_json(value)))
