"""A part of the pipeline, chosen by name from a table, with its options."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator, Mapping
from dataclasses import MISSING, Field, dataclass, field, fields, is_dataclass
from functools import cached_property
from importlib.metadata import EntryPoint, entry_points
from typing import Any, Generic, Protocol, TypeVar, cast, runtime_checkable

from pydantic import ValidationError

from dataset_fingerprints.errors import FileFormatError, PlanError, did_you_mean
from dataset_fingerprints.files.jsonfiles import JsonValue, from_plain
from dataset_fingerprints.installed import DISTRIBUTION
from dataset_fingerprints.names import counted
from dataset_fingerprints.registered import describe_entry, load_entry

Options = TypeVar("Options")
Entry = TypeVar("Entry")


# What pydantic finds wrong -> what would be right.
_EXPECTED = {
    "float_type": "a number",
    "int_type": "a whole number",
    "bool_type": "true or false",
    "string_type": "text",
    "tuple_type": "a list",
    "dict_type": "names and values",
    "too_short": "a longer list",
    "too_long": "a shorter list",
}


@dataclass(frozen=True, kw_only=True, slots=True)
class Choice:
    """The name of an entry in a table of parts, and its options; those that are not given have the entry's defaults.

    Options are plain JSON values: numbers, text, true and false, and lists of such.
    """

    name: str
    options: dict[str, JsonValue] = field(default_factory=dict)


@runtime_checkable
class Checked(Protocol):
    """Options with limits; options of parts may offer this, and plans are checked by it."""

    def find_problems(self) -> Iterator[str]:
        """Yield what is wrong with the options, each as a sentence: what was found, what was expected."""
        ...


class PartTable(Mapping[str, Entry], Generic[Entry]):
    """The entries of one kind by name: our own, and those that installed packages register.

    A package registers an entry under the entry-point group `autoseg.<kind>`, for example `autoseg.losses`. Other
    packages are only looked at for a name that is not ours.

    Args:
        kind: the plural that the group is called by.
        word: what messages call an entry.
        own: our entries.
    """

    def __init__(self, kind: str, word: str, own: Mapping[str, Entry]) -> None:
        self.kind, self.word = kind, word
        self._own = dict(own)

    def __getitem__(self, name: str) -> Entry:
        """Return an entry; raises KeyError for an unknown name, and PlanError for one that cannot be loaded."""
        if name in self._own:
            return self._own[name]
        entry: Entry = load_entry(self._registered[name])
        return entry

    def __iter__(self) -> Iterator[str]:
        """Yield all names, ours first."""
        return iter((*self._own, *(name for name in self._registered if name not in self._own)))

    def __len__(self) -> int:
        """Return the number of entries."""
        return len(tuple(iter(self)))

    def is_own(self, name: str) -> bool:
        """Return whether an entry is ours."""
        return name in self._own

    def comes_with_autoseg(self, name: str) -> bool:
        """Return whether an entry is ours, or one that autoseg itself registers: no other package's."""
        if name in self._own:
            return True
        entry = self._registered.get(name)
        return entry is not None and entry.dist is not None and entry.dist.name == DISTRIBUTION

    def own(self) -> tuple[str, ...]:
        """Return the names of our entries."""
        return tuple(self._own)

    def describe(self, name: str) -> str:
        """Return in words what an entry is, with the package that registers it."""
        return (
            f"{self.word} {name}"
            if name in self._own
            else f"{self.word} {name} ({describe_entry(self._registered[name])})"
        )

    @cached_property
    def _registered(self) -> dict[str, EntryPoint]:
        return {entry.name: entry for entry in entry_points(group=f"autoseg.{self.kind}")}


def resolve(choice: Choice, table: Mapping[str, type[Options]], where: str, source: str = "plan.json") -> Options:
    """Return the options object that a choice names.

    Args:
        choice: name and options.
        table: part names and their options dataclasses.
        where: what the choice is for, as the message should call it (for example "loss").
        source: what holds the choice, with which a message begins.

    Raises:
        PlanError: no such part, no such option, or an option of the wrong type; the message names both.
    """
    if choice.name not in table:
        raise PlanError(f"{source}: there is no {where} '{choice.name}'. {did_you_mean(choice.name, table)}")
    kind: Any = table[choice.name]
    part = f"{source}: {where} {choice.name}"
    if not (isinstance(kind, type) and is_dataclass(kind)):
        raise PlanError(f"{part} is {kind!r}. Expected a dataclass of options.")
    known = {entry.name for entry in fields(kind)}
    for option in choice.options:
        if option not in known:
            raise PlanError(f"{part} has no option '{option}'. {did_you_mean(option, known)}")
    try:
        return from_plain(choice.options, cast("type[Options]", kind), part)
    except FileFormatError as error:
        raise PlanError(_describe_wrong_option(part, error)) from error


def _describe_wrong_option(part: str, error: FileFormatError) -> str:
    """Return which option of a part does not fit, what was found, and what is expected."""
    if not isinstance(error.__cause__, ValidationError):
        return str(error)
    problems = error.__cause__.errors(include_url=False)
    place, found = ".".join(map(str, problems[0]["loc"])), json.dumps(problems[0]["input"], default=str)
    if problems[0]["type"] == "missing":
        return f"{part}: option '{place}' is missing. Give it."
    more = f" ({counted(len(problems) - 1, 'more problem')}.)" if len(problems) > 1 else ""
    option = f"option '{place}' is {found[:80]}" if place else f"the options are {found[:80]}"
    kind = _EXPECTED.get(problems[0]["type"]) or problems[0].get("ctx", {}).get("expected")
    return f"{part}: {option}. {f'Expected {kind}' if kind else problems[0]['msg']}.{more}"


def choose(name: str, options: Any) -> Choice:
    """Return the choice that resolves to an options object, with all its options written out.

    Args:
        name: of the entry.
        options: an instance of the entry's options dataclass.
    """
    return Choice(name=name, options={entry.name: to_plain(getattr(options, entry.name)) for entry in fields(options)})


def leave_out_defaults(choice: Choice, table: Mapping[str, type], keep: Collection[str] = ()) -> Choice:
    """Return a choice without those options that have the entry's defaults.

    Args:
        choice: name and options.
        table: part names and their options dataclasses.
        keep: options that are written out whatever their value.

    Raises:
        PlanError: the choice does not fit the table.
    """
    options: Any = resolve(choice, table, "part")
    usual = {entry.name: _find_default(entry) for entry in fields(options)}
    written = choose(choice.name, options).options
    others = {key: value for key, value in written.items() if key in keep or value != usual[key]}
    return Choice(name=choice.name, options=others)


def _find_default(entry: Field[Any]) -> Any:
    """Return the default of an option as plain JSON; MISSING, which equals nothing else, where it has none."""
    return to_plain(entry.default if entry.default_factory is MISSING else entry.default_factory())


def to_plain(value: Any) -> JsonValue:
    """Return an option's value as plain JSON: tuples become lists, choices and dataclasses objects."""
    if isinstance(value, tuple | list):
        return [to_plain(item) for item in value]
    if isinstance(value, dict):
        return {key: to_plain(item) for key, item in value.items()}
    if is_dataclass(value):
        return {entry.name: to_plain(getattr(value, entry.name)) for entry in fields(value)}
    plain: JsonValue = value
    return plain
