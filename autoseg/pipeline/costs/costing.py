"""`explain --cost`: what a data set costs, in hours and gigabytes, here and on larger machines."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

from autoseg.hardware import measure_speed, profile_machine, ran_out_of_memory, release_memory
from autoseg.pipeline.costs.estimating import Costs, Place, estimate_costs
from autoseg.pipeline.costs.sites import SITES, Site
from autoseg.pipeline.costs.small_part import ReadingRate, measure_pace, measure_reading
from autoseg.pipeline.folds.slots import find_gpus
from autoseg.training.pace import Pace
from dataset_fingerprints.durations import show_duration
from dataset_fingerprints.fingerprint import DatasetFingerprint
from dataset_fingerprints.geometry import show_lengths
from dataset_fingerprints.names import counted
from dataset_fingerprints.simulated import mark_title
from dataset_fingerprints.sizes import GIB, show_gib
from planners.editing.brief import Known
from planners.editing.explain import Section
from planners.machine import MachineProfile
from planners.networks.memory_decisions import predict_configuration
from planners.order import find_configuration, order_by_need
from planners.plan import Configuration, Plan
from planners.planner import PlanRequest
from planners.presets import choose_machine, make_plan
from planners.time_budget import predict_plan_step

# Steps are measured where three of them are expected to take no longer than this; else they are predicted.
MOST_STEP_SECONDS = 20.0
# Of the memory of this machine, what a measured step may take.
_MEASURED_SHARE = 0.7
HERE = "this machine"


@dataclass(frozen=True, kw_only=True, slots=True)
class CostTable:
    """Costs of a data set on several machines.

    Attributes:
        cases: of the data set.
        costs: the machine at hand first.
        measured: whether the steps of the plan for the machine at hand were timed, not predicted.
        simulated: whether the scans are.
    """

    cases: int
    costs: tuple[Costs, ...]
    measured: bool
    simulated: bool = False

    def section(self) -> Section:
        """Return the costs as a table of texts: a row per stage, a column per machine."""
        rows = [(name, *(show(one) for one in self.costs)) for name, show in _ROWS.items()]
        title = mark_title(f"Expected costs of {counted(self.cases, 'case')}", self.simulated)
        return Section(title=title, columns=("what", *(one.name for one in self.costs)), rows=tuple(rows))

    def notes(self) -> tuple[str, ...]:
        """Return, in sentences, where the figures come from."""
        how = "a few steps on noise" if self.measured else "a small network's steps"
        return (
            f"Measured here: scans of noise read and preprocessed, and {how}. Cores elsewhere count as these.",
            "Not measured: the cards. Their speed is that of nnU-Net's published trainings: an A100 as of its default "
            "network (9 h for 1,000 epochs), a card of 24 GiB 2.2 times slower, as a Titan RTX. Weigh them by yours.",
            "Every machine has a plan of its own by the same planner: a larger one trains a larger network for longer.",
        )


def make_cost_table(plan: Plan, fingerprint: DatasetFingerprint, known: Known) -> CostTable:
    """Measure a small part of the work on this machine, and estimate all of it here and elsewhere.

    Args:
        plan: to be explained.
        fingerprint: of its data set.
        known: its folds, and what trainings took.

    Raises:
        PlanError: the planner makes no plan for another machine.
    """
    machine = measure_speed(profile_machine())
    reading = measure_reading(plan, fingerprint)
    paces = _measure_paces(plan, machine)
    cards = max(1, len(find_gpus())) if machine.device == "cuda" else 1
    here = Place(
        name=HERE,
        device=describe_machine(machine, cards),
        devices=cards,
        cores=machine.cores,
        plan=_train_here(plan, machine),
        reading=reading,
        paces=paces,
        seconds_per_step=known.seconds_per_step if is_planned_here(plan, machine) else {},
    )
    elsewhere = (_place(site, plan, fingerprint, reading) for site in SITES)
    costs = tuple(estimate_costs(place, fingerprint, known.fold_count) for place in (here, *elsewhere))
    measured = plan.default_configuration in paces
    return CostTable(cases=len(fingerprint.cases), costs=costs, measured=measured, simulated=plan.simulated)


def is_planned_here(plan: Plan, machine: MachineProfile) -> bool:
    """Return whether a plan was made for a machine: only then do its trained folds say how long steps take there."""
    return replace(plan.machine, multiplications_per_second=machine.multiplications_per_second) == machine


def _train_here(plan: Plan, machine: MachineProfile) -> Plan:
    """Return a plan for the speed and the number types of this machine, whatever machine it was made for."""
    return replace(plan, machine=machine)


def _measure_paces(plan: Plan, machine: MachineProfile) -> Mapping[str, Pace]:
    """Return the measured pace of each configuration of which that takes seconds and fits into memory."""
    here, found = _train_here(plan, machine), dict[str, Pace]()
    for configuration in order_by_need(plan.configurations, plan.predicting(), f"plan {plan.name}"):
        quick = predict_plan_step(here, configuration) <= MOST_STEP_SECONDS
        fits = predict_configuration(here, configuration).total() <= _MEASURED_SHARE * machine.memory_gb * GIB
        # A network that sees masks of others is not trained on noise alone.
        pace = _try_pace(here, configuration) if quick and fits and not configuration.masks() else None
        if pace is not None:
            found[configuration.name] = pace
    return found


def _try_pace(plan: Plan, configuration: Configuration) -> Pace | None:
    """Return the measured pace of a configuration; None where other programs hold the memory for it."""
    try:
        return measure_pace(plan, configuration)
    except (RuntimeError, MemoryError) as error:
        if not ran_out_of_memory(error):
            raise
    release_memory()
    return None


def _place(site: Site, plan: Plan, fingerprint: DatasetFingerprint, reading: ReadingRate) -> Place:
    """Return a machine elsewhere with the plan that the same planner makes for it, of the same rules and halves."""
    default = find_configuration(plan.configurations, plan.default_configuration, f"plan {plan.name}")
    memory_gb = choose_machine(site.machine(), plan.planner, None)[1]
    request = PlanRequest(
        name=plan.name,
        planner=plan.planner,
        machine=site.machine(),
        memory_gb=memory_gb,
        seed=plan.seed,
        switches=tuple(f"{name}=on" for name in plan.rules),
        max_hours=plan.max_hours,
        halves=default.halves,
    )
    made = make_plan(fingerprint, request)
    return Place(
        name=site.name, device=site.describe(), devices=site.cards, cores=site.cores, plan=made, reading=reading
    )


def describe_machine(machine: MachineProfile, cards: int) -> str:
    """Return in words what trains on a machine, how many cores it has, and the memory that plans are made for."""
    device = "CPU" if machine.device == "cpu" else machine.name
    several = f"{cards} x " if cards > 1 else ""
    return f"{several}{device}, {counted(machine.cores, 'core')}, {show_gib(machine.memory_gb)}"


def _show_hours(hours: float) -> str:
    return show_duration(3600 * hours) if hours < float("inf") else "not known"


_ROWS: dict[str, Callable[[Costs], str]] = {
    "trains on": lambda one: one.device,
    "network": lambda one: f"{one.configuration}, {one.batch_size} of {show_lengths(one.patch_shape)} voxels",
    "read, check, preprocess": lambda one: _show_hours(one.planning_hours),
    "train and validate a fold": lambda one: _show_hours(one.fold_hours),
    "train and validate all folds": lambda one: f"{_show_hours(one.all_folds_hours)} for {one.folds}",
    "predict a scan, one fold": lambda one: _show_hours(one.scan_hours),
    "predict a scan, all folds": lambda one: _show_hours(one.ensemble_hours),
    "memory of the device": lambda one: show_gib(one.device_gb),
    "memory for training cases": lambda one: show_gib(one.cases_gb),
    "preprocessed files, at most": lambda one: show_gib(one.preprocessed_gb),
    "models of all folds": lambda one: show_gib(one.models_gb),
}
