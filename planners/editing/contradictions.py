"""Choices of a plan that are possible one by one and have no sense together."""

from __future__ import annotations

from collections.abc import Iterator

from dataset_fingerprints.errors import PlanError
from planners.parts.weights import WEIGHTS, BestOptions
from planners.plan import Configuration, Plan


def refuse_contradictions(plan: Plan) -> None:
    """Make sure that no choice of a plan makes another one meaningless.

    Args:
        plan: whose parts exist.

    Raises:
        PlanError: one does; the message lists all of them.
    """
    problems = [problem for configuration in plan.configurations for problem in _find_problems(configuration)]
    if problems:
        raise PlanError("The plan does not fit together: " + " ".join(problems))


def _find_problems(configuration: Configuration) -> Iterator[str]:
    training = configuration.training
    if WEIGHTS[training.weights.name] is BestOptions and not (training.validation_rounds and training.validation_cases):
        field = "validation_cases" if training.validation_rounds else "validation_rounds"
        yield (
            f"{configuration.name}.training.weights is {training.weights.name}, which validation chooses, but "
            f"training.{field} is 0. Expected 1 or more, or other weights."
        )
    masks = [entry.configuration for entry in configuration.masks()]
    for name in sorted({name for name in masks if masks.count(name) > 1}):
        yield (
            f"{configuration.name}.inputs holds the masks of {name} {masks.count(name)} times. Expected each "
            "configuration's masks once."
        )
