"""Command lines as people write them: what typer would take for something else than was meant."""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from typing import Any

from typer.core import TyperCommand, TyperGroup

_NEGATIVE = re.compile(r"-\d[\d.,-]*")
# By its name: the class lies in click, or inside of typer, as its version has it.
_UNKNOWN = "NoSuchOption"


class NumberFirst(TyperCommand):
    """Takes `-1` for a value, as in `train -1`, and not for an option that does not exist."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Read the options and arguments of the command."""
        given = list(args)
        try:
            return super().parse_args(ctx, args)
        except Exception as error:
            unknown = getattr(error, "option_name", "") if type(error).__name__ == _UNKNOWN else ""
            places = [place for place, text in enumerate(given) if _NEGATIVE.fullmatch(text)]
            places = [place for place in places if unknown and given[place].startswith(unknown)]
            if not places:
                raise
        # The last one: one in front of it may be the value of an option.
        number = given.pop(places[-1])
        return super().parse_args(ctx, [*given, "--", number])


class SeveralValues(TyperCommand):
    """Takes several values behind an option that can be repeated, as BIDS apps do: `--participant-label 01 02`."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Read the options and arguments of the command."""
        repeatable = {name for option in self.params if getattr(option, "multiple", False) for name in option.opts}
        return super().parse_args(ctx, repeat_option(args, repeatable))


def repeat_option(args: Sequence[str], repeatable: Collection[str]) -> list[str]:
    """Return a command line in which every value of some options has the option in front of it."""
    given: list[str] = []
    # The option whose values follow, and whether the first of them does, which needs nothing in front.
    current, first = "", False
    for text in args:
        if text.startswith("-"):
            current = text if text in repeatable else ""
            first = bool(current)
        elif first:
            first = False
        elif current:
            given.append(current)
        given.append(text)
    return given


class AnySpelling(TyperGroup):
    """Takes hyphens for underscores in command names, and shows switches without a type."""

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        """Find a command under either spelling."""
        found = super().get_command(ctx, cmd_name) or super().get_command(ctx, cmd_name.replace("-", "_"))
        if found is not None:
            _show_plain_switches(found.get_params(ctx))
        return found

    def get_params(self, ctx: Any) -> Any:
        """Return the options that come before a command."""
        return _show_plain_switches(super().get_params(ctx))


def _show_plain_switches(parameters: Sequence[Any]) -> Sequence[Any]:
    """Let help show options that take no value without a type, and return the parameters."""
    for parameter in parameters:
        if getattr(parameter, "is_flag", False):
            parameter.metavar = ""
    return parameters
