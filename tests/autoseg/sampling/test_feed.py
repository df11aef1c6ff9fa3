from __future__ import annotations

import re
import threading
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import blosc2
import numpy as np
import pytest
import torch

from autoseg.sampling import BatchParameters, BatchRules, Cutout, Feed, TrainingCase, apply_batch, sample_batch
from autoseg.sampling import feed as feed_module
from dataset_fingerprints.errors import WorkspaceError
from dataset_fingerprints.geometry import Box
from planners.choices import Choice
from planners.parts import AUGMENTATIONS
from tests.autoseg.sampling.builders import (
    CPU,
    GEOMETRIES,
    example,
    make_case,
    make_geometry,
    make_rules,
    store_case,
    with_masks,
)
from tests.synthetic.heads import plain_heads

STANDARD = Choice(name="standard")


def draw_from(cases: list[TrainingCase], rules: BatchRules) -> Callable[[int], BatchParameters]:
    return lambda number: sample_batch(np.random.default_rng([5, number]), cases, rules)


def make_feed(cases: list[TrainingCase], rules: BatchRules) -> Feed:
    return Feed(cases, rules.geometry, CPU, draw_from(cases, rules))


def resident(masks: int = 0, count: int = 3) -> list[TrainingCase]:
    """Cases larger than a block of the store along one axis."""
    cases = [make_case(shape=(20, 45, 18), channels=2, seed=seed) for seed in range(count)]
    return [
        with_masks(case, plain_heads(3), *(np.roll(case.voxels.maps[0].numpy(), shift) for shift in range(masks)))
        for case in cases
    ]


def same(first: tuple[Cutout, ...], second: tuple[Cutout, ...]) -> bool:
    pairs = zip(first, second, strict=True)
    return all(
        torch.equal(a.image, b.image) and all(map(torch.equal, a.maps, b.maps)) and a.start == b.start for a, b in pairs
    )


@pytest.mark.parametrize("name", AUGMENTATIONS)
@pytest.mark.parametrize("geometry", GEOMETRIES.values(), ids=GEOMETRIES.keys())
@pytest.mark.parametrize("masks", [0, 1, 2])
def test_batches_read_from_the_disk_equal_those_of_memory_bit_for_bit(tmp_path, name, geometry, masks):
    held, rules = resident(masks), make_rules(geometry, example(name))
    cases = [held[0], *(store_case(case, tmp_path) for case in held[1:])]
    feeds = [make_feed(some, rules) for some in (held, cases)]
    for iteration in (0, 1, 2, 7):
        (one, first), (other, second) = (feed.take(iteration) for feed in feeds)
        assert one == other
        assert same(first, second)
        batches = [apply_batch(one, cutouts, rules, CPU) for cutouts in (first, second)]
        made = [(batch.images, batch.labels) for batch in batches]
        assert all(map(torch.equal, *made))
    feeds[1].close()


def test_a_store_written_in_slabs_is_read_like_one_in_cubes(tmp_path):
    case = resident()[0]
    cubes = store_case(case, tmp_path)
    boxes = [Box(start=(2, 30, 0), stop=(9, 45, 18)), Box(start=(0, 0, 7), stop=(20, 45, 8))]
    expected = [cubes.voxels.read_box(box) for box in boxes]
    for kind, values in (("image", case.voxels.image), ("labels", case.voxels.maps[0])):
        frame = blosc2.asarray(values.numpy(), contiguous=True)
        (tmp_path / f"{case.name}.{kind}.b2nd").write_bytes(frame.to_cframe())
    for box, (image, maps) in zip(boxes, expected, strict=True):
        again, labels = cubes.voxels.read_box(box)
        assert torch.equal(again, image)
        assert torch.equal(labels[0], maps[0])


class Slow:
    """Voxels somewhere slow: what is read is remembered, and nothing comes before the gate is opened."""

    device = None

    def __init__(self, case: TrainingCase, failure: Exception | None = None) -> None:
        self.voxels, self.failure = case.voxels, failure
        self.shape, self.channels = case.voxels.shape, case.voxels.channels
        self.boxes: list[Box] = []
        self.gate = threading.Event()

    def read_box(self, box: Box) -> tuple[torch.Tensor, tuple[torch.Tensor, ...]]:
        self.gate.wait()
        if self.failure is not None:
            raise self.failure
        self.boxes.append(box)
        return self.voxels.read_box(box)


def slow_feed(voxels: Slow, case: TrainingCase, rules: BatchRules) -> Feed:
    return make_feed([replace(case, voxels=voxels)], rules)


def test_the_next_batches_are_read_ahead_and_only_what_their_patches_need() -> None:
    case, geometry = make_case(shape=(60, 60, 60)), make_geometry(batch_size=3)
    voxels = Slow(case)
    voxels.gate.set()
    feed = slow_feed(voxels, case, make_rules(geometry))
    feed.take(0)
    feed.take(1)
    feed.close()
    for thread in feed._readers._threads:  # type: ignore[union-attr]
        thread.join()
    # Two batches that were taken, and two ahead of the second.
    assert len(voxels.boxes) == 3 * 4
    assert {box.shape() for box in voxels.boxes} == {geometry.patch_shape}


def test_iterations_may_be_asked_for_in_any_order() -> None:
    case = make_case()
    voxels = Slow(case)
    voxels.gate.set()
    feed = slow_feed(voxels, case, make_rules(make_geometry(), STANDARD))
    straight = [feed.take(number) for number in range(4)]
    for number in (2, 3, 0, 1, 3):
        parameters, cutouts = feed.take(number)
        assert parameters == straight[number][0]
        assert same(cutouts, straight[number][1])
    feed.close()


def test_a_case_that_cannot_be_read_is_named_where_the_batch_is_waited_for(tmp_path: Path) -> None:
    case = make_case(seed=4)
    cases = [store_case(case, tmp_path)]
    (tmp_path / "case4.image.b2nd").write_bytes(b"nothing")
    feed = make_feed(cases, make_rules(make_geometry()))
    with pytest.raises(WorkspaceError, match=r"the preprocessed case case4 cannot be read.*plan_and_preprocess"):
        feed.fetch(0)
    feed.close()


def test_any_other_error_of_a_reader_arrives_with_the_name_of_the_case() -> None:
    case, failure = make_case(seed=5), MemoryError("no memory")
    voxels = Slow(case, failure)
    voxels.gate.set()
    feed = slow_feed(voxels, case, make_rules(make_geometry(), STANDARD))
    with pytest.raises(MemoryError, match="no memory") as caught:
        feed.take(0)
    assert "case5" in caught.value.__notes__[0]
    feed.close()


def test_a_disk_that_does_not_answer_is_an_error_and_no_wait_for_ever(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(feed_module, "PATIENCE_SECONDS", 0.01)
    case = make_case(seed=6)
    voxels = Slow(case)
    feed = slow_feed(voxels, case, make_rules(make_geometry(), STANDARD))
    with pytest.raises(WorkspaceError, match=re.escape("case case6: a patch could not be read within 0.01 seconds")):
        feed.fetch(0)
    voxels.gate.set()
    feed.close()


def test_cases_at_hand_are_cut_without_threads_or_copies() -> None:
    cases = resident()
    before = threading.active_count()
    feed = make_feed(cases, make_rules(make_geometry(batch_size=2)))
    _, cutouts = feed.take(0)
    assert threading.active_count() == before
    storages = {case.voxels.image.untyped_storage().data_ptr() for case in cases}
    assert {cutout.image.untyped_storage().data_ptr() for cutout in cutouts} <= storages
