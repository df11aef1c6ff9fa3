"""Options of commands that make a plan."""

from __future__ import annotations

from typing import Annotated

import typer

from autoseg.cli.options.exclusive import refuse_unused

SetOption = Annotated[
    list[str] | None, typer.Option("--set", help="Change a value of the plan: training.iterations=5000. Repeatable.")
]
RuleOption = Annotated[
    list[str] | None, typer.Option("--rule", help="Switch a rule: balanced_lesions=on. Repeatable; explain lists them.")
]
PlanHoursOption = Annotated[
    float | None, typer.Option("--max-hours", help="Plan for trainings of this many hours per fold.")
]
PlanMinutesOption = Annotated[float | None, typer.Option("--max-minutes", help="The same in minutes.")]


def as_hours(context: typer.Context, max_minutes: float | None, max_hours: float | None) -> float | None:
    """Return a time that was given in minutes or in hours, not in both."""
    if max_minutes is None:
        return max_hours
    refuse_unused(context, {"max_hours": "is given beside --max-minutes: give one of the two"})
    return max_minutes / 60
