"""Builders of the entries of `planners.parts.OPTIMIZERS`.

All are torch's fused ones. On a CPU these read raw memory: a parameter, its gradient and its states must lie in memory
in the same order, which torch does not check (2.13). Parameters here are contiguous; autograd and checkpoints follow.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import torch
from torch import nn

from planners.builders import BuilderTable
from planners.choices import Choice
from planners.parts import OPTIMIZERS
from planners.parts.optimizers import AdamOptions, AdamWOptions, SgdOptions

Parameters = Iterable[nn.Parameter]
OptimizerBuilder = Callable[[Any, Parameters], torch.optim.Optimizer]


def build_sgd(options: SgdOptions, parameters: Parameters) -> torch.optim.Optimizer:
    """Return the optimiser over these parameters."""
    return torch.optim.SGD(
        parameters,
        options.lr,
        options.momentum,
        nesterov=options.nesterov,
        weight_decay=options.weight_decay,
        fused=True,
    )


def build_adamw(options: AdamWOptions, parameters: Parameters) -> torch.optim.Optimizer:
    """Return the optimiser over these parameters."""
    return torch.optim.AdamW(parameters, options.lr, weight_decay=options.weight_decay, fused=True)


def build_adam(options: AdamOptions, parameters: Parameters) -> torch.optim.Optimizer:
    """Return the optimiser over these parameters."""
    return torch.optim.Adam(parameters, options.lr, weight_decay=options.weight_decay, fused=True)


BUILDERS: BuilderTable[OptimizerBuilder] = BuilderTable(
    OPTIMIZERS, {AdamOptions: build_adam, AdamWOptions: build_adamw, SgdOptions: build_sgd}
)


def build_optimizer(choice: Choice, parameters: Parameters) -> tuple[torch.optim.Optimizer, float]:
    """Build the optimiser that a plan names, and return it with the learning rate that the schedule scales.

    Raises:
        PlanError: there is no such optimiser.
    """
    options, build = BUILDERS.find(choice)
    return build(options, parameters), float(options.lr)
