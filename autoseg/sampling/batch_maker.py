"""The batches of a training, by the number of the iteration."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np
import torch

from autoseg.sampling.batch import (
    Batch,
    BatchParameters,
    SampleParameters,
    apply_batch,
    build_rules,
    make_geometry,
    sample_batch,
)
from autoseg.sampling.cases.training_case import TrainingCase
from autoseg.sampling.feed import Feed
from planners.plan import Configuration
from planners.sizing.growth import list_sizes


class BatchMaker:
    """Maker of the batches of a training; each follows from the seed, its iteration's number and its size alone.

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
        # In a tuple, which cannot change, labelled cases and groups are looked for once, not at each batch.
        self._cases, self._seed, self._device, self._part_of = tuple(cases), tuple(seed), device, part_of
        rules = build_rules(configuration, cases, self._seed)
        self._rules = [replace(rules, geometry=make_geometry(size)) for size in list_sizes(configuration)]
        # The feed that is open, and the size of its batches.
        self._size = len(self._rules) - 1
        self._feed = self._open(self._size)

    def fetch(self, iteration: int, size: int = -1) -> None:
        """Wait for what the batch of an iteration is made from, with those behind it on the way.

        Args:
            iteration: number of the step.
            size: place of the batch's size among `planners.sizing.growth.list_sizes`; the planned one is the last.

        Raises:
            WorkspaceError: a case cannot be read, or its disk does not answer.
        """
        self._resize(size)
        self._feed.fetch(iteration)

    def make(self, iteration: int, size: int = -1) -> Batch:
        """Return the batch of an iteration; waits as `fetch` does. Call it outside of autocast."""
        self._resize(size)
        parameters, cutouts = self._feed.take(iteration)
        return apply_batch(parameters, cutouts, self._rules[self._size], self._device)

    def close(self) -> None:
        """End the threads that read ahead."""
        self._feed.close()

    def _resize(self, size: int) -> None:
        """Read ahead for batches of another size from now on."""
        size %= len(self._rules)
        if size != self._size:
            self._feed.close()
            self._size, self._feed = size, self._open(size)

    def _open(self, size: int) -> Feed:
        rules = self._rules[size]

        def draw(iteration: int) -> BatchParameters:
            drawn = sample_batch(np.random.default_rng([*self._seed, iteration]), self._cases, rules)
            return replace(drawn, samples=tuple(self._part_of(drawn.samples)))

        return Feed(self._cases, rules.geometry, self._device, draw)
