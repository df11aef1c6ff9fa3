"""Objective of a training step: a function of all outputs of the network and of the whole batch."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Protocol

from torch import Tensor, nn

from dataset_fingerprints.dataset import Heads


class TrainingBatch(Protocol):
    """Training batch as an objective sees it."""

    @property
    def images(self) -> Tensor:
        """Images that the network saw: (batch, channel, *space).

        Where the strides of the network do not divide the patch, these, and all outputs but the finest, reach behind
        the labels' ends.
        """
        ...

    @property
    def labels(self) -> Tensor:
        """Label indices (batch, *space)."""
        ...

    @property
    def targets(self) -> Mapping[str, Tensor]:
        """Whatever else the batch holds to compare with, by name; each has the batch as its first axis."""
        ...


# From options and heads to an objective: a module that takes the network's outputs, finest first, and the batch, and
# returns a scalar in float32 or better.
LossBuilder = Callable[[Any, Heads], nn.Module]
