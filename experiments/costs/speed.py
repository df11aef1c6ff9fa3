"""Predicted against measured seconds of training steps, on this machine."""

from __future__ import annotations

import statistics
from collections.abc import Iterator
from dataclasses import dataclass

from autoseg.hardware import measure_speed, profile_machine
from dataset_fingerprints.publications import expand, read_published
from experiments.costs.noise_training import make_setup, train
from planners.plan import Configuration, Plan
from planners.planner import PlanRequest
from planners.presets import make_plan
from planners.time_budget import predict_step

DATA_SETS = ("msd_hippocampus", "atlas_cropped_1mm", "acdc_like")
FEW, MORE = 2, 8


@dataclass(frozen=True, kw_only=True, slots=True)
class SpeedCheck:
    """One configuration: seconds of a step, predicted from the speed measured just before, and measured, in turns."""

    data_set: str
    configuration: str
    predicted: tuple[float, ...]
    measured: tuple[float, ...]

    def row(self) -> tuple[str, ...]:
        """Return medians, and the median and range of predicted over measured."""
        ratios = [guess / true for guess, true in zip(self.predicted, self.measured, strict=True)]
        seconds = (statistics.median(self.predicted), statistics.median(self.measured))
        span = f"{statistics.median(ratios):.2f} ({min(ratios):.2f} to {max(ratios):.2f})"
        return (self.data_set, self.configuration, *(f"{value:.2f}" for value in seconds), span)


def check_speed(rounds: int) -> Iterator[SpeedCheck]:
    """Measure speed and steps in turns for the 2D and 3D configurations of some published data sets."""
    machine = profile_machine()
    for data_set in DATA_SETS:
        request = PlanRequest(machine=machine, memory_gb=machine.memory_gb)
        plan = make_plan(expand(read_published(data_set)), request)
        for configuration in plan.configurations[:2]:
            pairs = [_time(plan, configuration) for _ in range(rounds)]
            predicted, measured = zip(*pairs, strict=True)
            yield SpeedCheck(
                data_set=data_set, configuration=configuration.name, predicted=predicted, measured=measured
            )


def _time(plan: Plan, configuration: Configuration) -> tuple[float, float]:
    """Return predicted and measured seconds of a step; what starting up costs is taken off."""
    machine = measure_speed(plan.machine)
    predicted = predict_step(configuration, plan.image_channels(configuration), plan.scheme.heads().count(), machine)
    few, more = (train(make_setup(plan, configuration, steps)) for steps in (FEW, MORE))
    return predicted, (more - few) / (MORE - FEW)
