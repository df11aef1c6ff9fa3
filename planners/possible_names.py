"""Names of configurations that a planner can plan, as far as they are known before a scan is read."""

from __future__ import annotations

from collections.abc import Collection
from contextlib import suppress

from dataset_fingerprints.errors import AutosegError, PlanError, did_you_mean
from dataset_fingerprints.publications import expand, list_published, read_published
from planners.machine import MachineProfile
from planners.planner import PlanRequest, RulePlanner
from planners.presets import PLANNERS, find_planner, make_plan
from planners.sizing.configurations import GENERAL

# Scans without labels, of which some recipes plan more with some.
_UNLABELLED = 9


def refuse_impossible_names(names: Collection[str], planner: str, machine: MachineProfile, memory_gb: float) -> None:
    """Make sure, before a data set is read for them, that a planner can plan configurations of these names.

    Where the names follow from the data set, as those of a network per label do, nothing is refused here; nor are
    names of a planner of another package, which may look at anything.

    Args:
        names: as they were given.
        planner: an entry of `PLANNERS`.
        machine: to plan for.
        memory_gb: of it.

    Raises:
        PlanError: it never plans one of them; the message names those that it plans.
    """
    known = find_possible_names(planner, machine, memory_gb) if names else ()
    for name in names if known else ():
        if name not in known:
            raise PlanError(
                f"There is no configuration '{name}' in plans of planner {planner}. {did_you_mean(name, known)}"
            )


def find_possible_names(planner: str, machine: MachineProfile, memory_gb: float) -> tuple[str, ...]:
    """Return the names of all configurations that a planner can plan; none where they follow from the data set.

    Looked at are the plans of recipes for the published data sets, which differ in size, labels and channels.

    Args:
        planner: an entry of `PLANNERS`.
        machine: to plan for.
        memory_gb: of it.
    """
    if not PLANNERS.comes_with_autoseg(planner):
        return ()
    if isinstance(find_planner(planner), RulePlanner):
        return GENERAL
    request = PlanRequest(
        name=planner, planner=planner, machine=machine, memory_gb=memory_gb, seed=0, unlabelled=_UNLABELLED
    )
    found: set[tuple[str, ...]] = set()
    count = 0
    for published in list_published():
        with suppress(AutosegError):  # some recipes are for data sets of one kind
            plan = make_plan(expand(read_published(published)), request)
            found.add(tuple(one.name for one in plan.configurations))
            count += 1
    names = {name for entry in found for name in entry}
    general = names.intersection(GENERAL)
    if count < 2 or (len(found) > 1 and general != names):
        return ()
    return tuple(sorted(names.union(GENERAL) if general else names))
