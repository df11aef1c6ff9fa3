"""Inputs of one training."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import torch

from autoseg.sampling import TrainingCase
from autoseg.training.initial import InitialWeights
from autoseg.training.policy import Policy
from dataset_fingerprints.dataset import Heads
from planners.plan import Configuration


@dataclass(frozen=True, kw_only=True, slots=True)
class Setup:
    """Inputs of one training.

    Attributes:
        heads: what the network's output channels stand for.
        validation_cases: that validation during training takes turns over; may be empty.
        validated: whether all of these are validated at the end as well, for which time is kept.
        seed: the plan's seed and the fold's number; with the iteration they give every batch.
        max_minutes: time to train for, or None for the plan's number of iterations.
        planned_minutes: time that the plan was made for, or None where it was made for none.
        shortens: whether the plan's planner plans smaller steps for a short time.
        patience: rounds of validation without a new best after which the training winds down; 0 for never.
        autocast: the number type of the network's convolutions.
        initial: weights that a training starts from, or None for random ones; one that goes on has its own.
        policy: how it uses its time.
        clock: returns seconds that never go back.
    """

    configuration: Configuration
    channels: int
    heads: Heads
    cases: Sequence[TrainingCase]
    validation_cases: Sequence[str]
    validated: bool = True
    seed: tuple[int, int]
    max_minutes: float | None
    planned_minutes: float | None = None
    shortens: bool = True
    patience: int = 0
    device: torch.device
    autocast: torch.dtype
    initial: InitialWeights | None = None
    policy: Policy = field(default_factory=Policy)
    clock: Callable[[], float] = time.perf_counter

    def final_cases(self) -> Sequence[str]:
        """Return the cases that are validated at the end."""
        return self.validation_cases if self.validated else ()
