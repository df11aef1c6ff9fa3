from __future__ import annotations

from dataclasses import replace
from operator import itemgetter
from pathlib import Path

import numpy as np
import pytest
import torch

from autoseg.sampling import Batch, BatchMaker, TrainingCase, build_rules, sample_batch
from planners.choices import Choice
from planners.parts import AUGMENTATIONS
from planners.plan import Configuration
from tests.autoseg.sampling.builders import CPU, example, make_batch, make_case, store_case
from tests.synthetic.configurations import tiny_configuration

SEED = (3, 1)


@pytest.fixture(scope="module")
def cases() -> list[TrainingCase]:
    return [make_case(seed=seed) for seed in range(3)]


def configure(*augmentations: Choice, batch_size: int = 5) -> Configuration:
    tiny = tiny_configuration()
    return replace(tiny, batch_size=batch_size, sampling=replace(tiny.sampling, augmentations=augmentations))


def same(first: Batch, second: Batch) -> bool:
    return torch.equal(first.images, second.images) and torch.equal(first.labels, second.labels)


@pytest.mark.parametrize("name", AUGMENTATIONS)
def test_batches_follow_from_seed_and_iteration_in_any_order(cases: list[TrainingCase], name: str) -> None:
    configuration = configure(example(name))
    straight = BatchMaker(configuration, cases, SEED, CPU)
    batches = [straight.make(iteration) for iteration in range(4)]
    # As after a training was resumed.
    resumed = BatchMaker(configuration, cases, SEED, CPU)
    assert all(same(resumed.make(iteration), batches[iteration]) for iteration in (2, 3, 0))
    assert not same(batches[0], batches[1])
    assert not same(batches[0], BatchMaker(configuration, cases, (3, 2), CPU).make(0))


def test_a_batch_is_what_the_rules_of_the_configuration_draw(cases: list[TrainingCase]) -> None:
    configuration = configure(example("standard"))
    made = BatchMaker(configuration, cases, SEED, CPU).make(6)
    rules = build_rules(configuration, cases)
    images, labels = make_batch(sample_batch(np.random.default_rng([*SEED, 6]), cases, rules), cases, rules)
    assert torch.equal(made.images, images)
    assert torch.equal(made.labels, labels)


def test_cases_on_the_disk_are_fetched_ahead(cases: list[TrainingCase], tmp_path: Path) -> None:
    configuration = configure(example("batchgenerators"))
    stored = [store_case(case, tmp_path) for case in cases]
    held, read = (BatchMaker(configuration, some, SEED, CPU) for some in (cases, stored))
    read.fetch(0)
    assert all(same(held.make(iteration), read.make(iteration)) for iteration in range(3))
    read.close()


def test_processes_share_a_batch(cases: list[TrainingCase]) -> None:
    configuration = configure(example("batchgenerators"))
    whole = BatchMaker(configuration, cases, SEED, CPU).make(2)
    for number in (0, 1):
        part = BatchMaker(configuration, cases, SEED, CPU, itemgetter(slice(number, None, 2))).make(2)
        assert torch.equal(part.images, whole.images[number::2])
        assert torch.equal(part.labels, whole.labels[number::2])


@pytest.mark.parametrize("on_disk", [False, True])
def test_batches_of_every_size_follow_from_seed_and_iteration(
    cases: list[TrainingCase], tmp_path: Path, on_disk: bool
) -> None:
    growth = Choice(name="progressive", options={"batch": "filled"})
    configuration = replace(tiny_configuration(growth=growth), batch_size=4)
    used = [store_case(case, tmp_path) for case in cases] if on_disk else cases
    straight, resumed = (BatchMaker(configuration, used, SEED, CPU) for _ in range(2))
    # Back and forth, as before a training that is resumed.
    order = [(0, 0), (1, 0), (2, 1), (3, 2), (1, 0), (2, -1)]
    made = {}
    for iteration, size in order:
        straight.fetch(iteration, size)
        made[iteration, size] = straight.make(iteration, size)
    shapes = {size: (*batch.images.shape[:1], *batch.images.shape[2:]) for (_, size), batch in made.items()}
    assert shapes == {0: (16, 8, 4, 4), 1: (8, 8, 8, 4), 2: (4, 8, 8, 8), -1: (4, 8, 8, 8)}
    for place, batch in reversed(made.items()):
        assert same(resumed.make(*place), batch)
    # The planned size is that of a training that does not grow.
    plain = BatchMaker(replace(tiny_configuration(), batch_size=4), used, SEED, CPU)
    assert same(plain.make(3), made[3, 2])
    for maker in (straight, resumed, plain):
        maker.close()
