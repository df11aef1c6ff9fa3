"""Changing single values of a plan, as `--set training.iterations=5000` asks for."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import fields, is_dataclass, replace
from typing import Any, TypeVar, get_args, get_type_hints

from dataset_fingerprints.errors import FileFormatError, PlanError, did_you_mean
from dataset_fingerprints.files.jsonfiles import JsonValue, from_plain
from dataset_fingerprints.names import show_name
from planners.choices import Choice, PartTable, resolve
from planners.editing.contradictions import refuse_contradictions
from planners.editing.option_checks import check_seed
from planners.editing.plan_checks import check_plan, find_choices
from planners.halves import Halves
from planners.networks.memory_decisions import explain_memory
from planners.parts import PARTS
from planners.plan import Configuration, Decision, Plan

Node = TypeVar("Node", Plan, Configuration, Any)

# No value of a plan that is meant is as large; infinity is larger, and NaN is not smaller.
LARGEST = 1e30
# Of a place in a list.
_MOST_DIGITS = 9
_PLAN_FIELDS = frozenset({"seed", "default_configuration", "ensemble", "lesion_classes"})
_FIXED_FIELDS = frozenset({"name", "inputs", "initial", "slice_axis"})  # of a configuration: they are what it is
# Between numbers as people write lists: 32,32,32 or 32x32x32 or (32; 32; 32).
_BETWEEN = re.compile(r"[\s,;x()]+")
_NUMBER = re.compile(r"[-+]?[0-9]+(\.[0-9]*)?(e[-+]?[0-9]+)?")
_EXPECTED: dict[Any, str] = {
    bool: "true or false",
    int: "a whole number",
    float: "a number",
    str: "text",
    Choice: "the name of a part",
    Halves | None: 'halves such as {"axis": 0}, or {} for left and right',
}


def set_values(plan: Plan, assignments: Sequence[str]) -> Plan:
    """Return the plan with values replaced, each recorded as a decision of the user.

    Args:
        plan: stays as it is.
        assignments: `field=value` for all configurations or `3d_fullres.field=value` for one. Fields are dotted paths
            (`training.optimizer.options.lr`); values are JSON, anything else is text. A part's name alone
            (`training.optimizer=sgd`) takes that part with its own defaults.

    Raises:
        PlanError: no such field, a value of another type, or values that do not fit together.
    """
    changed = plan
    for assignment in assignments:
        changed = _set_value(changed, assignment)
    # A part may need options that only a later one sets; of several, the last one made the part what it is.
    for assignment in reversed(assignments):
        _refuse_options(changed, _split(assignment)[0])
    check_plan(changed)
    refuse_contradictions(changed)
    return explain_memory(changed) if assignments else changed


def refuse_unknown_parts(assignments: Sequence[str]) -> None:
    """Refuse names of parts and of their options that no plan can have, before there is a plan.

    Args:
        assignments: as for `set_values`.

    Raises:
        PlanError: one sets nothing, or names a part or an option that does not exist.
    """
    for assignment in assignments:
        path, value = _split(assignment)
        for field, table in PARTS.items():
            _, found, rest = f".{path}.".partition(f".{field}.")
            if found:
                # Behind the field of a list comes the place in it.
                steps = [step for step in rest.split(".") if step and not step.isdecimal()]
                _refuse_unknown(steps, value, table, path)
    for field, choice in find_assigned_parts(assignments):
        resolve(choice, PARTS[field], PARTS[field].word, f"--set {field}")


def refuse_unknown_fields(assignments: Sequence[str]) -> None:
    """Refuse fields that no plan and no configuration can have, and values of another type, before there is a plan.

    A path of several steps may begin with the name of a configuration, which only a plan knows: it is left to that.

    Args:
        assignments: as for `set_values`.

    Raises:
        PlanError: one sets nothing, names a field that does not exist, or gives it a value of another type.
    """
    for path, value in map(_split, assignments):
        first, *rest = path.split(".")
        if path == "seed":
            check_seed(f"--set {path}", value)
        if first in _PLAN_FIELDS:
            _check_typed(Plan, [first, *rest], value, path)
            continue
        if _names_configuration(first, rest):
            keys = rest
            _check_key_behind(first, keys[0], path)
        else:
            keys = [first, *rest]
            _check_first_key(keys, path, [])
        _check_typed(Configuration, keys, value, path)


def find_named_configurations(assignments: Sequence[str]) -> Iterator[str]:
    """Yield the names of configurations that assignments are for, as far as these are for one alone."""
    for path, _ in map(_split, assignments):
        first, *rest = path.split(".")
        if first not in _PLAN_FIELDS and _names_configuration(first, rest):
            yield first


def _names_configuration(first: str, rest: Sequence[str]) -> bool:
    return bool(rest) and first not in {field.name for field in fields(Configuration)}


def _check_typed(kind: Any, keys: Sequence[str], value: Any, path: str) -> None:
    """Make sure that there is a field at the end of `keys`, and a value of its type, as far as types say that."""
    if not keys:
        _convert(value, kind, path)
    elif is_dataclass(kind) and isinstance(kind, type):
        _check_typed(_find_type(kind, keys[0], path), keys[1:], value, path)


def find_assigned_parts(assignments: Sequence[str]) -> Iterator[tuple[str, Choice]]:
    """Yield the parts that assignments name and the options that they give them, before there is a plan.

    Options alone, of a part that the plan will name, are left out.

    Args:
        assignments: as for `set_values`.

    Yields:
        The field that a part is for, such as `training.loss`, and the part.

    Raises:
        PlanError: an assignment sets nothing.
    """
    named: dict[tuple[str, str, int], Choice] = {}
    for assignment in assignments:
        path, value = _split(assignment)
        for field in PARTS:
            owner, found, rest = f".{path}.".partition(f".{field}.")
            steps = [step for step in rest.split(".") if step]
            place = _read_place(steps.pop(0)) if steps and steps[0].isdecimal() else 0
            if not found:
                continue
            if not steps:
                given = value if isinstance(value, list) else [value]
                choices = [choice for choice in map(_read_choice, given) if choice]
                named.update({(owner, field, place + number): choice for number, choice in enumerate(choices)})
            elif len(steps) == 2 and steps[0] == "options" and (owner, field, place) in named:
                earlier = named[owner, field, place]
                named[owner, field, place] = replace(earlier, options={**earlier.options, steps[1]: value})
    yield from ((field, choice) for (_, field, _), choice in named.items())


def find_assigned_halves(assignments: Sequence[str]) -> Halves | None:
    """Return the halves that assignments give all configurations, so that patches are planned for these; else None.

    Raises:
        PlanError: the value is none of halves.
    """
    given = [value for path, value in map(_split, assignments) if path == "halves"]
    found: Halves | None = _convert(given[-1], Halves | None, "halves") if given else None
    return found


def _read_choice(value: Any) -> Choice | None:
    """Return the part that an assignment's value names; None for anything else, which `set_values` refuses."""
    if isinstance(value, str):
        return Choice(name=value)
    if isinstance(value, dict) and isinstance(value.get("name"), str):
        options = value.get("options", {})
        return Choice(name=value["name"], options=options if isinstance(options, dict) else {})
    return None


def _refuse_unknown(steps: Sequence[str], value: Any, table: PartTable[type], path: str) -> None:
    """Check what is behind a field that chooses from a table: nothing, `name`, or `options` and one of them."""
    named = value.get("name") if isinstance(value, dict) and not steps else value
    if (not steps or list(steps) == ["name"]) and isinstance(named, str) and named not in table:
        raise PlanError(f"--set {path}: there is no '{named}'. {did_you_mean(named, table)}")
    if len(steps) > 1 and steps[0] == "options":
        known = {entry.name for kind in table.values() for entry in fields(kind)}
        if steps[1] not in known:
            raise PlanError(f"--set {path}: no part has an option '{steps[1]}'. {did_you_mean(steps[1], known)}")


def _split(assignment: str) -> tuple[str, Any]:
    path, separator, text = assignment.partition("=")
    if not separator or not path.strip():
        raise PlanError(f"'{assignment}' sets nothing. Expected field=value, for example training.iterations=5000.")
    value = _parse(text.strip())
    if not _is_finite(value):
        raise PlanError(f"--set {path.strip()}: found {text.strip()[:80]}. Expected a finite number.")
    return path.strip(), value


def _set_value(plan: Plan, assignment: str) -> Plan:
    path, value = _split(assignment)
    text = assignment.partition("=")[2]
    first, *rest = path.split(".")
    names = [configuration.name for configuration in plan.configurations]
    if path == "seed":
        check_seed(f"--set {path}", value)
    if first in _PLAN_FIELDS:
        return _record(_replace_at(plan, path.split("."), value, path), path, text, str(getattr(plan, first)), [])
    targets = [first] if first in names else names
    keys = rest if first in names else [first, *rest]
    _check_first_key(keys, path, names)
    before = _value_at(next(entry for entry in plan.configurations if entry.name in targets), keys)
    configurations = tuple(
        _replace_at(entry, keys, value, path) if entry.name in targets else entry for entry in plan.configurations
    )
    changed = replace(plan, configurations=configurations)
    return _record(changed, path, text, before, [f"{name}.{'.'.join(keys)}" for name in targets])


def _parse(text: str) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError):  # a number of thousands of digits, brackets in thousands of brackets
        return text


def _is_finite(value: Any) -> bool:
    if isinstance(value, dict | list):
        return all(map(_is_finite, value.values() if isinstance(value, dict) else value))
    return not isinstance(value, int | float) or abs(value) < LARGEST


def _refuse_options(plan: Plan, path: str) -> None:
    """Refuse options of a part that an assignment has just changed and that the part does not have."""
    for configuration in plan.configurations:
        for field, choice in find_choices(configuration):
            if f".{field}." in f".{path}.":
                resolve(choice, PARTS[field], PARTS[field].word, f"--set {path}")


def _check_first_key(keys: Sequence[str], path: str, names: Sequence[str]) -> None:
    known = _list_settable()
    if not keys or keys[0] not in known:
        found = keys[0] if keys else ""
        advice = did_you_mean(found, {*known, *_PLAN_FIELDS, *names})
        raise PlanError(f"--set {path}: the plan has no field '{found}' to set. {advice}")


def _check_key_behind(name: str, key: str, path: str) -> None:
    """Make sure that a configuration has a field, before it is known whether there is one of this name.

    Where it has none, the name may as well be that of a field, misspelt.
    """
    known = _list_settable()
    if key not in known:
        nearest = did_you_mean(name, {*known, *_PLAN_FIELDS})
        advice = nearest if nearest.endswith("?") else did_you_mean(key, {*known, *_PLAN_FIELDS})
        raise PlanError(f"--set {path}: the plan has no field '{key}' to set, nor '{name}'. {advice}")


def _list_settable() -> frozenset[str]:
    return frozenset(field.name for field in fields(Configuration)) - _FIXED_FIELDS


def _replace_at(node: Node, keys: Sequence[str], value: Any, path: str) -> Node:
    """Return `node` with the value at the end of `keys` replaced."""
    name, *rest = keys
    kind = _find_type(type(node), name, path)
    return replace(node, **{name: _replace_value(getattr(node, name), kind, rest, value, path)})


def _find_type(kind: type, name: str, path: str) -> Any:
    hints = get_type_hints(kind)
    if name not in hints:
        raise PlanError(f"--set {path}: there is no field '{name}'. {did_you_mean(name, hints)}")
    return hints[name]


def _replace_value(old: Any, kind: Any, keys: Sequence[str], value: Any, path: str) -> Any:
    if not keys:
        return _convert(value, kind, path)
    if isinstance(old, dict):
        return {**old, ".".join(keys): _check_option(value, old.get(".".join(keys)), path)}
    if isinstance(old, tuple):
        return _replace_item(old, kind, keys, value, path)
    if is_dataclass(old):
        return _replace_at(old, keys, value, path)
    raise PlanError(f"--set {path}: '{old}' is a single value and has no field '{keys[0]}'.")


def _replace_item(old: tuple[Any, ...], kind: Any, keys: Sequence[str], value: Any, path: str) -> tuple[Any, ...]:
    index = _read_place(keys[0])
    if not 0 <= index < len(old):
        shown = show_name(keys[0])
        raise PlanError(f"--set {show_name(path)}: '{shown}' is not a place in the list. Expected 0 to {len(old) - 1}.")
    item = _replace_value(old[index], get_args(kind)[0], keys[1:], value, path)
    return (*old[:index], item, *old[index + 1 :])


def _read_place(text: str) -> int:
    """Return a place in a list; -1 for what is not a number."""
    return int(text) if text.isascii() and text.isdecimal() and len(text) <= _MOST_DIGITS else -1


def _convert(value: Any, kind: Any, path: str) -> Any:
    if kind in (Choice, Choice | None) and isinstance(value, str):
        return Choice(name=value)
    if kind == tuple[Choice, ...] and isinstance(value, str):
        return (Choice(name=value),)
    try:
        return from_plain(value, kind, path)
    except FileFormatError as error:
        expected = _EXPECTED.get(kind) or _expect_list(value)
        raise PlanError(f"--set {path}: found {_show(value)}. Expected {expected}.") from error


def _expect_list(value: Any) -> str:
    """Return what a list looks like, made of the value if that is one but for its brackets."""
    pieces = [piece for piece in _BETWEEN.split(value) if piece] if isinstance(value, str) else []
    if pieces and all(map(_NUMBER.fullmatch, pieces)):
        return f"a list in brackets: [{','.join(pieces)}]"
    return "a list of the same form as in plan.json"


def _check_option(value: Any, old: JsonValue, path: str) -> JsonValue:
    """Take any plain value; where the option was written out before, one of the same type."""
    if old is None or type(value) is type(old) or (type(old) is float and type(value) is int):
        return float(value) if type(old) is float else value
    expected = _EXPECTED.get(type(old)) or _expect_list(value)
    raise PlanError(f"--set {path}: found {_show(value)}. Expected {expected}.")


def _show(value: Any) -> str:
    text = json.dumps(value)
    return text if len(text) <= 80 else f"{text[:77]}..."


def _value_at(node: Any, keys: Sequence[str]) -> str:
    """Return the value that is about to be replaced as text; empty where there is none yet."""
    for position, key in enumerate(keys):
        if isinstance(node, dict):
            return str(node.get(".".join(keys[position:]), ""))
        if isinstance(node, tuple):
            node = node[_read_place(key)] if 0 <= _read_place(key) < len(node) else ""
        else:
            node = getattr(node, key, "")
    return node.name if isinstance(node, Choice) else str(node)


def _record(plan: Plan, path: str, text: str, before: str, replaced: Sequence[str]) -> Plan:
    decision = Decision(
        field=path, value=text.strip(), rule="Set by the user.", evidence=f"the value was {before or 'not set'}"
    )
    kept = (entry for entry in plan.decisions if entry.field not in {path, *replaced})
    return replace(plan, decisions=(*kept, decision))
