"""Choice of a patch's case, for the entries of `planners.parts.CASES`."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

import numpy as np

from autoseg.sampling.cases.training_case import Origin, TrainingCase
from dataset_fingerprints.errors import PlanError
from planners.builders import BuilderTable
from planners.choices import Choice
from planners.parts import CASES
from planners.parts.patches import BalancedOptions, UniformOptions

# Positions in the sequence of training cases, by group.
Groups = tuple[tuple[int, ...], ...]


class CaseChooser(Protocol):
    """Interface of choosers, which draw the case of a patch."""

    def choose(self, rng: np.random.Generator, candidates: Sequence[int]) -> int:
        """Draw one of these positions in the sequence of training cases."""
        ...


class UniformChooser:
    """Chooser that draws every case with the same probability."""

    def choose(self, rng: np.random.Generator, candidates: Sequence[int]) -> int:
        """Draw one of these positions in the sequence of training cases."""
        return candidates[int(rng.integers(len(candidates)))]


@dataclass(frozen=True, slots=True)
class BalancedChooser:
    """Chooser that draws every group of cases with the same probability, and then every case of it.

    Attributes:
        groups: per training case, the name of its group.
    """

    groups: tuple[str, ...]
    # The last candidates, of those that cannot change, by group.
    _divided: list[tuple[Sequence[int], Groups]] = field(default_factory=list, init=False, repr=False, compare=False)

    def choose(self, rng: np.random.Generator, candidates: Sequence[int]) -> int:
        """Draw one of these positions in the sequence of training cases; groups without any of them do not count."""
        groups = self._divide(candidates)
        of_group = groups[int(rng.integers(len(groups)))]
        return of_group[int(rng.integers(len(of_group)))]

    def _divide(self, candidates: Sequence[int]) -> Groups:
        """Return the candidates of each group, in the order of its name; a tuple or range is divided once."""
        for known, groups in self._divided:
            if known is candidates or (isinstance(candidates, range) and known == candidates):
                return groups
        members: dict[str, list[int]] = {}
        for position in candidates:
            members.setdefault(self.groups[position], []).append(position)
        divided = tuple(tuple(members[name]) for name in sorted(members))
        if isinstance(candidates, tuple | range):
            self._divided[:] = [*self._divided[-1:], (candidates, divided)]
        return divided


def find_groups(column: str, origins: Sequence[Origin]) -> tuple[str, ...]:
    """Return the group of each case; those of which the data set says none are together one more.

    Args:
        column: `site`, `subject`, `group` or `task`.
        origins: of the cases.

    Raises:
        PlanError: the data set says none of any case.
    """
    groups = tuple(str(getattr(origin, column)) for origin in origins)
    if not any(groups):
        raise PlanError(
            f"sampling.cases balances over the {column} of cases, but the data set names none. Give it as a column "
            f"`{column}` in a CSV of the cases, or plan with `--set sampling.cases=uniform`."
        )
    return groups


def _build_balanced(options: BalancedOptions, cases: Sequence[TrainingCase]) -> CaseChooser:
    return BalancedChooser(find_groups(options.column(), [case.origin for case in cases]))


CaseChooserBuilder = Callable[[Any, Sequence[TrainingCase]], CaseChooser]

BUILDERS: BuilderTable[CaseChooserBuilder] = BuilderTable(
    CASES, {BalancedOptions: _build_balanced, UniformOptions: lambda options, cases: UniformChooser()}
)


def build_case_chooser(choice: Choice, cases: Sequence[TrainingCase]) -> CaseChooser:
    """Build what draws cases as a plan says.

    Raises:
        PlanError: there is no such part, or the cases lack what it looks at.
    """
    options, build = BUILDERS.find(choice)
    return build(options, cases)
