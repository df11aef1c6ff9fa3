"""A few steps of a planned training on noise, for experiments that measure what steps cost."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import torch
from torch import nn

from autoseg.hardware import autocast_type, choose_device
from autoseg.pipeline.costs.small_part import make_noise_cases
from autoseg.progress import SilentProgress
from autoseg.training.setting import Setup
from autoseg.training.trainer import Trainer
from autoseg.training.watch import Outcomes
from autoseg.workspace.fold import FoldFolder
from planners.plan import Configuration, Plan


class _NobodyValidates:
    def validate(self, network: nn.Module, cases: Sequence[str]) -> Outcomes:
        return {}

    def predict_seconds(self, cases: Sequence[str], tile_seconds: float) -> float:
        return 0.0

    def predict_final_seconds(self, cases: Sequence[str], tile_seconds: float, allowed: float | None) -> float:
        return 0.0


def make_setup(plan: Plan, configuration: Configuration, steps: int) -> Setup:
    """Return a training of a few steps on the device of this machine."""
    device = choose_device()
    training = replace(configuration.training, iterations=steps)
    return Setup(
        configuration=replace(configuration, training=training),
        channels=plan.image_channels(configuration),
        heads=plan.scheme.heads(),
        cases=make_noise_cases(plan, configuration, device),
        validation_cases=(),
        seed=(0, 0),
        max_minutes=None,
        device=device,
        autocast=autocast_type(device) if training.mixed_precision else torch.float32,
    )


def train(setup: Setup) -> float:
    """Train, and return the seconds it took."""
    with tempfile.TemporaryDirectory() as folder:
        trainer = Trainer(setup, FoldFolder(root=Path(folder)), _NobodyValidates(), SilentProgress())
        start = time.perf_counter()
        trainer.run()
        return time.perf_counter() - start
