"""Where folds train at the same time: on which GPU, with what share of its memory, on which cores."""

from __future__ import annotations

import math
import multiprocessing
import os
from collections.abc import Sequence
from dataclasses import dataclass, replace

from autoseg.hardware import SHARERS, may_have_gpu
from autoseg.pipeline.folds.children import Place
from autoseg.pipeline.folds.jobs import Job
from planners.networks.memory_decisions import predict_configuration
from planners.networks.training_memory import CONTEXT_BYTES, resident_bytes
from planners.sizing.budgets import PLANNED_SHARE

VISIBLE = "CUDA_VISIBLE_DEVICES"


@dataclass(frozen=True, kw_only=True, slots=True)
class Card:
    """A CUDA GPU.

    Attributes:
        name: what CUDA_VISIBLE_DEVICES calls it.
        free_bytes: that no process holds.
    """

    name: str
    free_bytes: int
    total_bytes: int


def find_places(jobs: Sequence[Job], most: int | None) -> tuple[Place, ...]:
    """Return where folds of one configuration can train at the same time on this machine.

    Args:
        jobs: the folds; there is at least one.
        most: folds at once: on GPUs at most, on a CPU so many; None for as many as the GPUs hold, or one on a CPU.
    """
    cards = find_cards()
    if not cards:
        return share_machine([Place()] * min(most or 1, len(jobs)))
    need = max(training_bytes(job) for job in jobs)
    return share_machine(place_on_cards(cards, need, min(most or len(jobs), len(jobs))))


def training_bytes(job: Job) -> int:
    """Return the memory that a fold's training is predicted to take of a GPU, with all its cases on it."""
    tensors = predict_configuration(job.plan, job.configuration).tensors() / PLANNED_SHARE
    voxels = (math.prod(job.inputs.store.read_record(case).shape) for case in job.cases.train)
    channels, masks = len(job.plan.channels), len(job.configuration.masks())
    cases = sum(resident_bytes(count, channels, masks) for count in voxels)
    return round(tensors + CONTEXT_BYTES["cuda"] + cases)


def place_on_cards(cards: Sequence[Card], need: int, most: int) -> list[Place]:
    """Return at most `most` places: one on every GPU, then a second one wherever another `need` bytes fit, and so on.

    A fold that is alone on its GPU may have all of it; several get equal shares of what is free, less what CUDA itself
    takes for each of them. Beyond its share torch lets none grow.
    """
    room = [max(1, card.free_bytes // need) for card in cards]
    levels = [card for level in range(max(room)) for card, fits in zip(cards, room, strict=True) if level < fits]
    chosen = levels[:most]
    places = []
    for card in chosen:
        sharing = chosen.count(card)
        share = (card.free_bytes / sharing - CONTEXT_BYTES["cuda"]) / card.total_bytes
        arguments = () if sharing == 1 else ("--memory-share", f"{share:.3f}")
        places.append(Place(environment={VISIBLE: card.name}, arguments=arguments))
    return places


def share_machine(places: Sequence[Place]) -> tuple[Place, ...]:
    """Return the places with cores and memory of the machine shared among them; one place keeps them all."""
    if len(places) == 1:
        return tuple(places)
    sharers = {SHARERS: str(len(places))}
    return tuple(replace(place, environment={**place.environment, **sharers}) for place in places)


def find_cards() -> tuple[Card, ...]:
    """Return the CUDA GPUs that this process may use, with what is free on them; empty without any.

    Another process asks them: whoever does so takes some of their memory until it ends.
    """
    if not may_have_gpu():
        return ()
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        memory = pool.apply(measure_cards)
    visible = os.environ.get(VISIBLE, "")
    names = visible.split(",") if visible else [str(number) for number in range(len(memory))]
    return tuple(
        Card(name=name.strip(), free_bytes=free, total_bytes=total)
        for name, (free, total) in zip(names, memory, strict=False)
    )


def measure_cards() -> list[tuple[int, int]]:
    """Return the free and the whole memory in bytes of every CUDA GPU, in torch's order."""
    import torch

    return [torch.cuda.mem_get_info(number) for number in range(torch.cuda.device_count())]
