"""`explain`: the plan of a workspace, or one made on the spot; starts without torch and image libraries."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING

from autoseg.hardware import measure_speed, profile_machine
from autoseg.pipeline.plans.reading import REMEDY, choose_plan, read_named_plan
from autoseg.progress import SilentProgress
from autoseg.workspace.workspace import Workspace, find_workspace
from dataset_fingerprints.errors import DataError, FileFormatError, did_you_mean
from dataset_fingerprints.files.jsonfiles import read_json, read_plain_json
from dataset_fingerprints.fingerprint import DatasetFingerprint
from dataset_fingerprints.names import counted
from dataset_fingerprints.publications import expand, list_published, read_published
from dataset_fingerprints.units import find_units
from planners.editing.brief import Known
from planners.editing.option_checks import check_hours
from planners.plan import FOLDS, Plan, Splits, is_undivided
from planners.planner import PlanRequest
from planners.presets import choose_machine, make_plan

if TYPE_CHECKING:
    from autoseg.pipeline.confidence.holding import Holding
    from autoseg.pipeline.costs.costing import CostTable


@dataclass(frozen=True, kw_only=True, slots=True)
class ExplainOptions:
    """Options of explaining; all have a default.

    Attributes:
        plan_name: of the workspace's plan; None for `default`, or for the only one that there is.
        planner: plan anew by these rules; None for the plan that is there, or for the default.
        gpu_memory_gb: plan anew for a GPU with this memory; None for the plan that is there, or for this machine.
        switches: plan anew with these rules on or off.
        max_hours: plan anew for trainings of this long per fold.
    """

    plan_name: str | None = None
    planner: str | None = None
    gpu_memory_gb: float | None = None
    switches: tuple[str, ...] = ()
    max_hours: float | None = None

    def plans_anew(self) -> bool:
        """Return whether a person asked for other rules or another memory than a plan that is there was made by."""
        asked = (self.planner, self.gpu_memory_gb, self.max_hours)
        return any(value is not None for value in asked) or bool(self.switches)


def find_plan(place: Path | None, options: ExplainOptions) -> Plan:
    """Return the plan to explain.

    Args:
        place: a workspace, a fingerprint.json, or the name of a published data set; None for the current directory's
            workspace.
        options: of explaining.

    Raises:
        AutosegError: there is nothing of that name, or it cannot be read or planned for.
    """
    here = place is None or place.is_dir()
    if not here or options.plans_anew():
        return _plan(find_fingerprint(place), options)
    workspace = find_workspace(place)
    return _read_plan(workspace, choose_plan(workspace, options.plan_name, SilentProgress()))


def find_known(place: Path | None, options: ExplainOptions, plan: Plan) -> Known:
    """Return what is known beside the plan to explain: its folds, and what trainings took.

    Raises:
        AutosegError: as for `find_plan`.
    """
    here = place is None or place.is_dir()
    if not here or options.plans_anew():
        units = len(set(find_units(find_fingerprint(place).cases).values()))
        count = min(FOLDS, units) if units > 1 else 0
        return Known(folds=f"{count}, by subject" if count else "", fold_count=count)
    workspace = find_workspace(place)
    with suppress(FileFormatError):
        splits = read_json(workspace.splits(plan.name), Splits, REMEDY)
        return Known(
            folds=_describe_folds(splits),
            fold_count=0 if is_undivided(splits.folds) else len(splits.folds),
            seconds_per_step=dict(_find_paces(workspace, plan)),
        )
    return Known(seconds_per_step=dict(_find_paces(workspace, plan)))


def find_costs(place: Path | None, options: ExplainOptions, plan: Plan) -> CostTable:
    """Estimate what the data set costs with the plan to explain: a small part of the work is measured for it.

    Raises:
        AutosegError: as for `find_plan`.
    """
    # With it comes torch, which nothing else here needs.
    from autoseg.pipeline.costs.costing import make_cost_table

    return make_cost_table(plan, find_fingerprint(place), find_known(place, options, plan))


def find_selected(place: Path | None, options: ExplainOptions, plan: Plan) -> Holding | None:
    """Return what was selected and measured of the trained configurations of the plan to explain, if anything was.

    Raises:
        AutosegError: as for `find_plan`.
    """
    if not (place is None or place.is_dir()) or options.plans_anew():
        return None
    workspace = find_workspace(place)
    files = (
        workspace.selection(plan.name),
        workspace.quality(plan.name),
        workspace.predicted_dice(plan.name),
        workspace.lesion_classes(plan.name),
    )
    if not any(file.is_file() for file in files):
        return None
    # With it comes torch, which nothing else here needs.
    from autoseg.pipeline.confidence.holding import find_holding

    return find_holding(workspace, plan)


def _describe_folds(splits: Splits) -> str:
    if is_undivided(splits.folds):
        return f"none ({splits.origin}): give `autoseg train full`"
    first = splits.folds[0]
    beside = f"; {counted(len(splits.unlabelled), 'scan')} without labels beside them" if splits.unlabelled else ""
    return (
        f"{len(splits.folds)} ({splits.origin}); fold 0 trains on {counted(len(first.train), 'case')} and is judged on "
        f"{len(first.validation)}{beside}"
    )


def _find_paces(workspace: Workspace, plan: Plan) -> Iterator[tuple[str, float]]:
    """Yield the seconds per step of each configuration with trained folds, as their records say."""
    for configuration in plan.configurations:
        paces = []
        for folder in workspace.folds(plan.name, configuration.name):
            with suppress(FileFormatError, KeyError, TypeError, ZeroDivisionError):
                record = read_plain_json(folder.record)
                if record["status"] != "training":
                    paces.append(float(record["seconds"]) / int(record["iterations"]))
        if paces:
            yield configuration.name, median(paces)


def find_fingerprint(place: Path | None) -> DatasetFingerprint:
    """Return the fingerprint of a workspace, of a file, or of a published data set.

    Raises:
        AutosegError: there is nothing of that name, or it cannot be read.
    """
    if place is not None and not place.exists():
        return _find_published(str(place))
    if place is not None and place.is_file():
        return read_json(place, DatasetFingerprint, REMEDY)
    return read_json(find_workspace(place).fingerprint, DatasetFingerprint, REMEDY)


def _read_plan(workspace: Workspace, name: str) -> Plan:
    if name not in workspace.plan_names():
        known = ", ".join(workspace.plan_names()) or "none"
        raise DataError(f"{workspace.root}: has no plan '{name}' (plans: {known}). Name one with --plan.")
    return read_named_plan(workspace, name)


def _find_published(name: str) -> DatasetFingerprint:
    if name not in list_published():
        nearest, listed = did_you_mean(name, list_published()), f"Published: {', '.join(list_published())}."
        found = f"{nearest} {listed}" if nearest.startswith("Did") else listed
        raise DataError(f"{name}: is not a workspace, a fingerprint.json or a published data set. {found}")
    return expand(read_published(name))


def _plan(fingerprint: DatasetFingerprint, options: ExplainOptions) -> Plan:
    planner = options.planner or "default"
    machine, memory_gb = choose_machine(profile_machine(), planner, options.gpu_memory_gb)
    if options.max_hours is not None:
        check_hours("--max-hours", options.max_hours)
    if options.max_hours is not None and machine == profile_machine():
        machine = measure_speed(machine)
    request = PlanRequest(
        name="on-the-spot",
        planner=planner,
        machine=machine,
        memory_gb=memory_gb,
        switches=options.switches,
        max_hours=options.max_hours,
    )
    return make_plan(fingerprint, request)
