"""The reference of what a plan holds, and of the parts that it chooses by name."""

from __future__ import annotations

import re
import typing
from collections.abc import Iterator, Mapping
from dataclasses import is_dataclass
from types import MappingProxyType
from typing import Any

from experiments.recipes import list_recipes
from experiments.reference.docstrings import Described, describe_fields, read_first_sentence, read_paragraphs
from experiments.reference.markdown import as_code, link, make_anchor, write_section, write_table
from planners.choices import Choice, PartTable
from planners.parts import LESION_CLASSIFIERS, PARTS, POSTPROCESSING
from planners.plan import Configuration, Fold, Plan, Splits
from planners.presets import PLANNERS
from planners.rules.switches import RULES
from planners.run import Run

_COLUMNS = ("name", "values", "default", "meaning")
_WORD = re.compile(r"\w+")


def write_parts() -> str:
    """Return every part that a plan can choose, with its options, by the field that chooses it."""
    sections = [_write_kind(field, table) for field, table in PARTS.items()]
    others = (("postprocessing", POSTPROCESSING), ("lesion_classes", LESION_CLASSIFIERS))
    return "\n".join((*sections, *(_write_kind(field, table) for field, table in others)))


def _write_kind(field: str, table: PartTable[type]) -> str:
    if field == "postprocessing":
        intro = "Of masks, one after the other; `autoseg select` chooses, a recipe may fix them."
    elif field == "lesion_classes":
        intro = (
            "Of lesions, by their shape and place, where a plan has classes (`autoseg lesion-classes`). Chosen with "
            f"`--set {field}=NAME`, its options with `--set {field}.options.OPTION=VALUE`."
        )
    elif _holds_several(field):
        intro = (
            f"A list. `--set {field}=NAME` takes that part alone; the options of the first are chosen with "
            f"`--set {field}.0.options.OPTION=VALUE`."
        )
    else:
        intro = f"Chosen with `--set {field}=NAME`, its options with `--set {field}.options.OPTION=VALUE`."
    others = f"Other packages add theirs by entry points of the group `autoseg.{table.kind}`."
    anchors = {name: make_anchor(field, name) for name in table}
    index = [(link(name, anchor), read_first_sentence(table[name])) for name, anchor in anchors.items()]
    parts = (_write_entry(f"{name} {{#{anchor}}}", table[name], level=3) for name, anchor in anchors.items())
    return "\n".join((write_section(field, f"{intro} {others}", write_table(("name", "what it is"), index)), *parts))


def _holds_several(field: str) -> bool:
    """Return whether a field of a configuration holds a list of parts."""
    kind: Any = Configuration
    for step in field.split("."):
        kind = typing.get_type_hints(kind)[step]
    return typing.get_origin(kind) is tuple


def write_plan() -> str:
    """Return every field of a plan, and of what it consists of; and of the folds and settings beside it."""
    kinds = list(_walk((Plan, Splits, Fold, Run)))
    links = {kind.__name__: link(kind.__name__, kind.__name__.lower()) for kind in kinds}
    index = write_table(("name", "what it is"), [(links[kind.__name__], read_first_sentence(kind)) for kind in kinds])
    return "\n".join((index, *(_write_entry(kind.__name__, kind, 2, links) for kind in kinds)))


def write_planners() -> str:
    """Return all planners that are no recipes, and all rules: those that look at lesions, and those of strategy."""
    own, recipes = PLANNERS.own(), list_recipes()
    planners = [(as_code(name), PLANNERS[name].description) for name in PLANNERS if name in own or name not in recipes]
    rules = [(as_code(name), rule.kind, rule.meaning, rule.effect or "not tried") for name, rule in RULES.items()]
    return "\n".join(
        (
            write_section(
                "Planners",
                "Chosen with `--planner NAME`. Other packages add theirs by entry points of the group "
                f"`autoseg.{PLANNERS.kind}`. Every [published system](recipes.md) is a planner, too.",
                write_table(("name", "what it is"), planners),
            ),
            write_section(
                "Rules",
                "Those of the kind *switched* are switched with `--rule NAME=on` or `NAME=off`; `autoseg explain` says "
                "which are on, and why. *Always*: every plan has it. *Advice*: the planner cannot carry it out.",
                write_table(("name", "kind", "what it does", "effect where it was tried"), rules),
            ),
        )
    )


def _walk(kinds: tuple[type, ...]) -> Iterator[type]:
    """Yield dataclasses and those that their fields hold, each once; parts have a page of their own."""
    waiting: list[type] = list(kinds)
    seen: set[type] = {Choice}
    while waiting:
        kind = waiting.pop(0)
        if kind in seen:
            continue
        seen.add(kind)
        yield kind
        hints = typing.get_type_hints(kind, include_extras=True).values()
        waiting += [held for hint in hints for held in _find_dataclasses(hint)]


def _find_dataclasses(hint: Any) -> Iterator[type]:
    if isinstance(hint, type) and is_dataclass(hint):
        yield hint
    for inner in typing.get_args(hint):
        yield from _find_dataclasses(inner)


def _write_entry(name: str, kind: type, level: int, links: Mapping[str, str] = MappingProxyType({})) -> str:
    """Return what an entry is, and its fields; types that have an entry of their own are links to it."""
    rows = [
        (as_code(field.name), _WORD.sub(lambda word: links.get(word[0], word[0]), field.kind), *_show(field))
        for field in describe_fields(kind)
    ]
    return write_section(name, read_paragraphs(kind), write_table(_COLUMNS, rows), level=level)


def _show(field: Described) -> tuple[str, str]:
    return as_code(field.default), field.meaning
