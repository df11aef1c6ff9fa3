"""The batches of a training in their order; what has to be fetched for them is fetched ahead of the step."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from queue import SimpleQueue

import torch

from autoseg.sampling.batch import BatchParameters, SampleParameters, cut_sample
from autoseg.sampling.cases.training_case import TrainingCase
from autoseg.sampling.cases.voxels import Cutout
from autoseg.sampling.patches.geometry import PatchGeometry
from dataset_fingerprints.errors import WorkspaceError

# Batches that are fetched before they are needed, and threads that do so: blosc2 keeps the interpreter's lock while it
# decompresses, so that more threads would not read faster.
AHEAD = 2
READERS = 2
# A disk that has not answered for so long is reported.
PATIENCE_SECONDS = 300.0


@dataclass(frozen=True, kw_only=True, slots=True)
class _Order:
    """A batch that is being fetched."""

    parameters: BatchParameters
    cutouts: tuple[Future[Cutout], ...]


class Feed:
    """Source of each iteration's batch: the parameters that were drawn, and the voxels that it is made from.

    Batches follow from their iteration alone, so that those to come are known. Where all cases are on the training
    device nothing is fetched: a cutout is a view. Otherwise threads cut the boxes of the next batches, from memory into
    page-locked memory where a GPU trains, or from the disk. Iterations may be asked for in any order.
    """

    def __init__(
        self,
        cases: Sequence[TrainingCase],
        geometry: PatchGeometry,
        device: torch.device,
        draw: Callable[[int], BatchParameters],
    ) -> None:
        self._cases, self._geometry, self._draw = cases, geometry, draw
        self._pin = device.type == "cuda"
        held = [case.voxels.device for case in cases]
        at_hand = all(place is not None and place.type == device.type for place in held)
        self._readers = None if at_hand else _Readers(READERS)
        self._orders: dict[int, _Order] = {}

    def fetch(self, iteration: int) -> None:
        """Wait until the batch is there, with those behind it on the way.

        Raises:
            WorkspaceError: a case cannot be read, or its disk does not answer; named in the message.
        """
        if self._readers is None:
            return
        wanted = range(iteration, iteration + AHEAD + 1)
        self._orders = {
            number: self._orders[number] if number in self._orders else self._order(self._readers, number)
            for number in wanted
        }
        order = self._orders[iteration]
        for sample, cutout in zip(order.parameters.samples, order.cutouts, strict=True):
            try:
                cutout.result(PATIENCE_SECONDS)
            except TimeoutError:
                raise WorkspaceError(
                    f"case {self._cases[sample.patch.case].name}: a patch could not be read within "
                    f"{PATIENCE_SECONDS:g} seconds. Look whether the workspace's disk answers, then give the same "
                    "command again: the training goes on from its last checkpoint."
                ) from None

    def take(self, iteration: int) -> tuple[BatchParameters, tuple[Cutout, ...]]:
        """Return how the batch was drawn, and one cutout per sample; waits as `fetch` does."""
        if self._readers is None:
            parameters = self._draw(iteration)
            return parameters, tuple(cut_sample(sample, self._cases, self._geometry) for sample in parameters.samples)
        self.fetch(iteration)
        order = self._orders.pop(iteration)
        return order.parameters, tuple(cutout.result() for cutout in order.cutouts)

    def close(self) -> None:
        """Let the threads end once they have done what they were asked for."""
        self._orders.clear()
        if self._readers is not None:
            self._readers.close()

    def _order(self, readers: _Readers, iteration: int) -> _Order:
        parameters = self._draw(iteration)
        return _Order(
            parameters=parameters, cutouts=tuple(readers.submit(self._cut, sample) for sample in parameters.samples)
        )

    def _cut(self, sample: SampleParameters) -> Cutout:
        try:
            cutout = cut_sample(sample, self._cases, self._geometry)
        except Exception as error:
            error.add_note(f"While a patch of case {self._cases[sample.patch.case].name} was read.")
            raise
        return cutout.pin() if self._pin and cutout.image.device.type == "cpu" else cutout


class _Readers:
    """Threads that cut samples.

    Those of an executor would be waited for when the process ends, and one that waits for a disk would keep it alive.
    """

    def __init__(self, count: int) -> None:
        self._work: SimpleQueue[Callable[[], None] | None] = SimpleQueue()
        self._threads = [threading.Thread(target=self._run, daemon=True) for _ in range(count)]
        for thread in self._threads:
            thread.start()

    def submit(self, cut: Callable[[SampleParameters], Cutout], sample: SampleParameters) -> Future[Cutout]:
        """Have a sample cut, in turn."""
        future: Future[Cutout] = Future()

        def work() -> None:
            try:
                future.set_result(cut(sample))
            except BaseException as error:  # it arrives where the batch is waited for
                future.set_exception(error)

        self._work.put(work)
        return future

    def close(self) -> None:
        """Let every thread end behind the work that is queued."""
        for _ in self._threads:
            self._work.put(None)

    def _run(self) -> None:
        while (work := self._work.get()) is not None:
            work()
