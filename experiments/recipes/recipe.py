"""A published system as a recipe: its plan, what its source says of it, and in what ours differs."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from fnmatch import fnmatchcase

from dataset_fingerprints.fingerprint import DatasetFingerprint
from planners.choices import Choice
from planners.plan import Plan
from planners.planner import PlanRequest


@dataclass(frozen=True, kw_only=True, slots=True)
class Figure:
    """A figure that a source publishes.

    Attributes:
        of: what was scored: a row of its table, a label, an input.
        measure: as the source names it.
        value: as printed, with its spread or interval where there is one.
        n: on how many scans or patients; None where the source does not say.
    """

    of: str
    measure: str
    value: str
    n: int | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Recipe:
    """A published system, registered as a planner.

    Attributes:
        title: what it is, in a sentence.
        citation: authors, year, title, journal or repository, and where to find it.
        data: what the source trained and tested on.
        published: figures, none of them ours.
        not_stated: what the source leaves open, each with what is chosen here: `batch size: 2`.
        deviations: what the source states and is done otherwise here, each with the reason.
        make: returns the whole plan at full size.
        memory_gb: of the card that the source trained on, where it says; 0 to plan for this machine.
        ensemble: the configurations that predict together, as far as a plan has them, or patterns of their names such
            as `refine_*`: of the same labels their probabilities are averaged, of different ones put together; empty
            for the plan's default alone.
        unlabelled: scans without labels that the plan is shown with; 0 where it trains on none.
        postprocessing: of the masks, from `planners.parts.POSTPROCESSING`, one after the other, as the source fixes it.
    """

    name: str
    title: str
    citation: str
    data: str
    make: Callable[[DatasetFingerprint, PlanRequest], Plan]
    published: tuple[Figure, ...] = ()
    not_stated: tuple[str, ...] = ()
    deviations: tuple[str, ...] = ()
    memory_gb: float = 0.0
    ensemble: tuple[str, ...] = ()
    unlabelled: int = 0
    postprocessing: tuple[Choice, ...] = ()

    def reference(self) -> str:
        """Return the first author, or what else the citation begins with, and the year: `Tomita 2020`."""
        year = re.search(r"\b(19|20)\d\d\b", self.citation)
        return " ".join((self.citation.split()[0].strip(",.:"), *([year[0]] if year else [])))

    @property
    def description(self) -> str:
        """A sentence for the list of planners."""
        return self.title

    def plan(self, fingerprint: DatasetFingerprint, request: PlanRequest) -> Plan:
        """Return the plan at full size.

        Raises:
            PlanError: the data set is empty, or not of the kind that the recipe is for.
        """
        plan = self.make(fingerprint, request)
        planned = [configuration.name for configuration in plan.configurations]
        chosen = (name for pattern in self.ensemble for name in planned if fnmatchcase(name, pattern))
        members = tuple(dict.fromkeys(chosen))
        return plan if members in ((), plan.predicting()) else replace(plan, ensemble=members)
