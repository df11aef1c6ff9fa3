"""Commands that installed packages register in the entry-point group `autoseg.commands`."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterable
from functools import cache
from importlib.metadata import EntryPoint, entry_points

import typer
from typer.main import get_command

from autoseg.cli.terminal.display import errors
from dataset_fingerprints.errors import PlanError
from dataset_fingerprints.registered import load_entry

GROUP = "autoseg.commands"


def make_program(app: typer.Typer) -> Callable[..., object]:
    """Return what runs an app with the commands of other packages in it.

    A process that calls the program again gets the one that was made before.
    """
    return _make_program(app, tuple(entry_points(group=GROUP)))


@cache
def _make_program(app: typer.Typer, entries: tuple[EntryPoint, ...]) -> Callable[..., object]:
    return get_command(_join(app, entries))


def join_registered(app: typer.Typer) -> typer.Typer:
    """Return an app with the commands of other packages in it.

    One that cannot be loaded is reported, and the others work without it.
    """
    return _join(app, entry_points(group=GROUP))


def _join(app: typer.Typer, entries: Iterable[EntryPoint]) -> typer.Typer:
    joined = copy.copy(app)
    joined.registered_commands, joined.registered_groups = [*app.registered_commands], [*app.registered_groups]
    for entry in entries:
        try:
            command = load_entry(entry)
            if not isinstance(command, typer.Typer):
                raise PlanError(
                    f"{entry.name}: is {command!r}. Expected a typer.Typer in the entry-point group {GROUP}."
                )
        except PlanError as error:
            errors.print(f"autoseg: {error}", markup=False, emoji=False, highlight=False, soft_wrap=True)
        else:
            _add(joined, entry.name, command)
    return joined


def _add(app: typer.Typer, name: str, added: typer.Typer) -> None:
    """Add a program: as one command where that is all it has, as it is when it runs alone; else as a group."""
    if len(added.registered_commands) == 1 and not added.registered_groups and added.registered_callback is None:
        command = added.registered_commands[0]
        command.name = name
        app.registered_commands.append(command)
    else:
        app.add_typer(added, name=name)
