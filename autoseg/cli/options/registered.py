"""Commands that installed packages register in the entry-point group `autoseg.commands`."""

from __future__ import annotations

from importlib.metadata import entry_points

import typer

from autoseg.cli.terminal.display import errors
from dataset_fingerprints.errors import PlanError
from dataset_fingerprints.registered import load_entry

GROUP = "autoseg.commands"


def add_registered(app: typer.Typer) -> None:
    """Add the commands of other packages; one that cannot be loaded is said, and the others work without it."""
    for entry in entry_points(group=GROUP):
        try:
            command = load_entry(entry)
            if not isinstance(command, typer.Typer):
                raise PlanError(
                    f"{entry.name}: is {command!r}. Expected a typer.Typer in the entry-point group {GROUP}."
                )
        except PlanError as error:
            errors.print(f"autoseg: {error}", markup=False, emoji=False, highlight=False, soft_wrap=True)
        else:
            _add(app, entry.name, command)


def _add(app: typer.Typer, name: str, added: typer.Typer) -> None:
    """Add a program: as one command where that is all it has, as it is when it runs alone; else as a group."""
    if len(added.registered_commands) == 1 and not added.registered_groups and added.registered_callback is None:
        command = added.registered_commands[0]
        command.name = name
        app.registered_commands.append(command)
    else:
        app.add_typer(added, name=name)
