"""Failures of recipes, where a reason that several of them have is told once."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

# Between a recipe's name and a seed, as `planning.name_plan` writes it.
_SEED = "-seed-"


def group_failures(failures: Mapping[str, str]) -> dict[tuple[str, ...], str]:
    """Return reasons by the plans that they stopped, each in the words of the first of these.

    Args:
        failures: reasons by the name of the plan. Those that differ in nothing but the plans' names are the same.
    """
    groups: dict[str, list[str]] = {}
    for name, reason in failures.items():
        groups.setdefault(_leave_out_names(reason, failures), []).append(name)
    return {tuple(names): failures[names[0]] for names in groups.values()}


def find_same(failures: Mapping[str, str], name: str) -> str:
    """Return the first plan that failed for the reason of another one; its own name where none did before it."""
    return next(names[0] for names in group_failures(failures) if name in names)


def list_failures(failures: Mapping[str, str]) -> str:
    """Return failures as the lines of a message, each reason once."""
    return "\n".join(f"  {', '.join(names)}: {reason}" for names, reason in group_failures(failures).items())


def _leave_out_names(reason: str, plans: Iterable[str]) -> str:
    names = {name for plan in plans for name in (plan, plan.partition(_SEED)[0])}
    longest_first = sorted(names, key=len, reverse=True)
    return re.sub("|".join(map(re.escape, longest_first)), "*", reason)
