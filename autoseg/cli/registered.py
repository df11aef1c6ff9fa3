"""Commands that installed packages register in the entry-point group `autoseg.commands`."""

from __future__ import annotations

from importlib.metadata import entry_points

import typer

from autoseg.cli.display import errors
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
            app.add_typer(command, name=entry.name)
