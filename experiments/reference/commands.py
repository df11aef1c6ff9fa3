"""The reference of the commands, read from the functions behind the command line."""

from __future__ import annotations

import inspect
import typing
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import typer
from typer.models import ArgumentInfo, CommandInfo, OptionInfo

from autoseg.cli.app import app
from autoseg.cli.options.registered import join_registered
from experiments.reference.docstrings import name_type
from experiments.reference.markdown import as_code, write_section, write_table

_INDEX = ("command", "what it does")
_COLUMNS = ("option", "value", "default", "meaning")


# What is typed behind `autoseg`, by what it is for. Commands of other packages come behind all of these.
GROUPS: dict[str, tuple[str, ...]] = {
    "The main job": ("plan_and_preprocess", "train", "predict"),
    "Data": ("check", "import-atlas", "combine", "simulate", "demo"),
    "Plans and models": ("explain", "select", "tune", "quality", "export", "import-nnunet"),
    "Scores": ("evaluate", "compare", "agreement", "label-shares", "benchmark", "report"),
    "Lesions": ("lesion-load", "lesion-table", "lesion-map", "lesion-classes", "recovery"),
    "Labelling": tuple(f"label {step}" for step in ("start", "train", "next", "accept", "table", "status")),
    "Without training": ("baselines", "weak-labels", "radiomics", "radiomics-compare"),
    "Other programs": ("container", "serve", "bids-app"),
    "Published systems": tuple(f"experiment {what}" for what in ("list", "show", "run", "compare", "matrix", "levels")),
}
OTHERS = "Of other packages"


def write_commands() -> str:
    """Return every command, with its arguments, its options and what they do; those for one purpose together."""
    commands = {name.removeprefix("autoseg "): command for name, command in list_commands().items()}
    grouped = {name for names in GROUPS.values() for name in names}
    groups = GROUPS | {OTHERS: tuple(sorted(commands.keys() - grouped))}
    index = (
        f"**{title}**\n\n{write_table(_INDEX, [(_link(name), _say(commands[name])) for name in names])}"
        for title, names in groups.items()
        if names
    )
    return "\n".join((*index, *(_write_command(commands[name], f"autoseg {name}") for name in sorted(commands))))


def _link(name: str) -> str:
    return f"[`{name}`](#autoseg-{name.replace(' ', '-')})"


def _say(command: CommandInfo) -> str:
    """Return what a command does, in a sentence."""
    text = inspect.cleandoc(command.help or (command.callback.__doc__ if command.callback else "") or "")
    return text.partition("\n\n")[0]


def list_commands() -> dict[str, CommandInfo]:
    """Return all commands, those of other packages too, by what is typed: `autoseg experiment list`."""
    return dict(_walk(join_registered(app), "autoseg"))


def list_options(command: CommandInfo) -> frozenset[str]:
    """Return the names of a command's options as they are typed."""
    assert command.callback is not None  # typer registers nothing else
    hints = typing.get_type_hints(command.callback, include_extras=True)
    told = {name: _find_info(hint) for name, hint in hints.items()}
    names = (
        _name_option(name, info, is_flag=name_type(hints[name]) == "true or false")
        for name, info in told.items()
        if isinstance(info, OptionInfo)
    )
    return frozenset(spelt for several in names for one in several for spelt in one.split("/"))


def _walk(group: typer.Typer, name: str) -> Iterator[tuple[str, CommandInfo]]:
    """Yield the commands of a program by their names."""
    for command in group.registered_commands:
        yield f"{name} {command.name or _spell(command.callback.__name__)}", command  # type: ignore[union-attr]
    for member in group.registered_groups:
        if member.typer_instance is not None:
            yield from _walk(member.typer_instance, f"{name} {member.name}")


def _write_command(command: CommandInfo, name: str) -> str:
    function = command.callback
    assert function is not None  # typer registers nothing else
    hints = typing.get_type_hints(function, include_extras=True)
    signature = inspect.signature(function).parameters
    told = {parameter: _find_info(hints[parameter]) for parameter in signature}
    arguments = {one: info for one, info in told.items() if isinstance(info, ArgumentInfo)}
    options = {one: info for one, info in told.items() if isinstance(info, OptionInfo) and not info.hidden}
    usage = [name, *(_name_argument(one, info, signature[one]) for one, info in arguments.items())]
    rows = [
        _write_row(one, info, hints[one], signature[one].default)
        for one, info in ((one, told[one]) for one in (*arguments, *options))
        if info is not None
    ]
    return write_section(
        name,
        inspect.cleandoc(command.help or function.__doc__ or ""),
        f"    {' '.join((*usage, '[OPTIONS]' if options else ''))}".rstrip(),
        write_table(_COLUMNS, rows),
        inspect.cleandoc(command.epilog or ""),
    )


def _find_info(hint: Any) -> ArgumentInfo | OptionInfo | None:
    """Return what is said of a parameter beside its type; nothing of one that the program gives itself."""
    said = typing.get_args(hint)[1:] if typing.get_origin(hint) is typing.Annotated else ()
    return next((one for one in said if isinstance(one, (ArgumentInfo, OptionInfo))), None)


def _write_row(name: str, info: ArgumentInfo | OptionInfo, hint: Any, default: Any) -> tuple[str, str, str, str]:
    kind = name_type(hint).replace("Path", "path").removesuffix(" or null")
    if kind.startswith("list of "):  # of which a person gives one after another
        kind = kind.removeprefix("list of ").removesuffix("s")
    names = (
        _name_option(name, info, is_flag=kind == "true or false") if isinstance(info, OptionInfo) else (name.upper(),)
    )
    if kind == "true or false":
        kind, default = "", None
    shown = "required" if default is inspect.Parameter.empty else _show(default)
    meaning = info.help or ""
    return (", ".join(map(as_code, names)), as_code(info.metavar or "") or kind, shown, meaning)


def _show(default: Any) -> str:
    if default in (None, "", ()):
        return ""
    return as_code(default.as_posix() if isinstance(default, Path) else str(default))


def _name_argument(name: str, info: ArgumentInfo, parameter: inspect.Parameter) -> str:
    shown = info.metavar or name.upper()
    return shown if parameter.default is inspect.Parameter.empty else f"[{shown}]"


def _name_option(name: str, info: OptionInfo, *, is_flag: bool) -> tuple[str, ...]:
    """Return an option's names as they are typed; a switch that has no names of its own can be negated."""
    # In an annotation the first name stands where a default would.
    first = (info.default,) if isinstance(info.default, str) and info.default.startswith("-") else ()
    if first or info.param_decls:
        return (*first, *(info.param_decls or ()))
    long = f"--{_spell(name)}"
    return (long, f"--no-{_spell(name)}") if is_flag else (long,)


def _spell(name: str) -> str:
    return name.lower().replace("_", "-")
