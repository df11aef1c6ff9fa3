"""Options that exclude all others."""

from __future__ import annotations

from collections.abc import Mapping

import typer

from dataset_fingerprints.errors import PlanError


def refuse_beside(alone: str, context: typer.Context) -> None:
    """Make sure that an option is the only thing that was given to a command.

    Args:
        alone: the option's parameter.
        context: of the command.

    Raises:
        typer.BadParameter: something else was given; the message names it.
    """
    others = [parameter for parameter in context.command.params if parameter.name != alone]
    given = [max(parameter.opts, key=len) for parameter in others if was_given(context, str(parameter.name))]
    if given:
        raise typer.BadParameter(f"--{alone} says everything. Leave out: {', '.join(given)}.")


def refuse_unused(context: typer.Context, unused: Mapping[str, str]) -> None:
    """Make sure that no option was given that would have no effect.

    Args:
        context: of the command.
        unused: by parameter, why it would have none, as the rest of a sentence.

    Raises:
        PlanError: one was given; the message names it.
    """
    for parameter in context.command.params:
        why = unused.get(str(parameter.name))
        if why is not None and was_given(context, str(parameter.name)):
            raise PlanError(f"{max(parameter.opts, key=len)} {why}.")


def was_given(context: typer.Context, name: str) -> bool:
    """Return whether a parameter of a command was given a value, by its name in Python."""
    source = context.get_parameter_source(name)
    return source is not None and source.name != "DEFAULT"
