"""The batches of a training, by the number of the iteration."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np
import torch

from autoseg.sampling.batch import Batch, BatchParameters, SampleParameters, apply_batch, build_rules, sample_batch
from autoseg.sampling.cases.training_case import TrainingCase
from autoseg.sampling.feed import Feed
from planners.plan import Configuration


class BatchMaker:
    """Maker of the batches of a training; each follows from the seed and the number of its iteration alone.

    Args:
        configuration: what its plan says about patches and augmentation.
        cases: all training cases.
        seed: the plan's and the fold's.
        device: where the batches are made.
        part_of: what is made of a batch, where several processes share it.

    Raises:
        PlanError: the plan names a part that does not exist, or one that these cases cannot be drawn by.
    """

    def __init__(
        self,
        configuration: Configuration,
        cases: Sequence[TrainingCase],
        seed: Sequence[int],
        device: torch.device,
        part_of: Callable[[Sequence[SampleParameters]], Sequence[SampleParameters]] = tuple,
    ) -> None:
        self._cases, self._seed, self._device, self._part_of = cases, tuple(seed), device, part_of
        self._rules = build_rules(configuration, cases, self._seed)
        self._feed = Feed(cases, self._rules.geometry, device, self._draw)

    def fetch(self, iteration: int) -> None:
        """Wait for what the batch of an iteration is made from, with those behind it on the way.

        Raises:
            WorkspaceError: a case cannot be read, or its disk does not answer.
        """
        self._feed.fetch(iteration)

    def make(self, iteration: int) -> Batch:
        """Return the batch of an iteration; waits as `fetch` does. Call it outside of autocast."""
        parameters, cutouts = self._feed.take(iteration)
        return apply_batch(parameters, cutouts, self._rules, self._device)

    def close(self) -> None:
        """End the threads that read ahead."""
        self._feed.close()

    def _draw(self, iteration: int) -> BatchParameters:
        drawn = sample_batch(np.random.default_rng([*self._seed, iteration]), self._cases, self._rules)
        return replace(drawn, samples=tuple(self._part_of(drawn.samples)))
