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

from autoseg.pipeline.folds.residency import StoredVoxels
from autoseg.preprocessing import Store, pack_array, write_array
from autoseg.sampling import (
    AUGMENTATIONS,
    AugmentationOptions,
    BatchParameters,
    Box,
    Cutout,
    Feed,
    PatchGeometry,
    TrainingCase,
    apply_batch,
    sample_batch,
)
from autoseg.sampling import feed as feed_module
from autoseg.workspace.store import StoreFolder
from dataset_fingerprints.errors import WorkspaceError
from tests.autoseg.sampling.builders import CPU, make_case, make_geometry, with_previous
from tests.synthetic.heads import plain_heads

GEOMETRIES = {
    "3d": make_geometry(batch_size=6),
    "larger than the case": make_geometry(patch_shape=(24, 50, 20)),
    "2d": make_geometry(patch_shape=(12, 1, 14), slice_axis=1, batch_size=6),
}


def draw_from(
    cases: list[TrainingCase], geometry: PatchGeometry, augmentation: AugmentationOptions
) -> Callable[[int], BatchParameters]:
    return lambda number: sample_batch(np.random.default_rng([5, number]), cases, geometry, augmentation)


def resident(cascade: bool, count: int = 3) -> list[TrainingCase]:
    """Cases larger than a block of the store along one axis."""
    cases = [make_case(shape=(20, 45, 18), channels=2, seed=seed) for seed in range(count)]
    return [with_previous(case, case.voxels.maps[0].numpy(), plain_heads(3)) for case in cases] if cascade else cases


def stored(case: TrainingCase, folder: Path) -> TrainingCase:
    """The same case with its arrays on the disk."""
    label, *parts = (values.numpy() for values in case.voxels.maps)
    files = StoreFolder(root=folder)
    write_array(files.image(case.name), case.voxels.image.numpy())
    write_array(files.labels(case.name), label)
    voxels = StoredVoxels(
        store=Store(folder=files),
        case=case.name,
        shape=case.voxels.shape,
        channels=case.voxels.channels,
        parts=pack_array(parts[0]) if parts else None,
    )
    return replace(case, voxels=voxels)


def same(first: tuple[Cutout, ...], second: tuple[Cutout, ...]) -> bool:
    pairs = zip(first, second, strict=True)
    return all(
        torch.equal(a.image, b.image) and all(map(torch.equal, a.maps, b.maps)) and a.start == b.start for a, b in pairs
    )


@pytest.mark.parametrize("augmentation", [kind() for kind in AUGMENTATIONS.values()], ids=AUGMENTATIONS.keys())
@pytest.mark.parametrize("geometry", GEOMETRIES.values(), ids=GEOMETRIES.keys())
@pytest.mark.parametrize("cascade", [False, True])
def test_batches_read_from_the_disk_equal_those_of_memory_bit_for_bit(tmp_path, augmentation, geometry, cascade):
    held = resident(cascade)
    cases = [held[0], *(stored(case, tmp_path) for case in held[1:])]
    feeds = [Feed(some, geometry, CPU, draw_from(some, geometry, augmentation)) for some in (held, cases)]
    for iteration in (0, 1, 2, 7):
        (one, first), (other, second) = (feed.take(iteration) for feed in feeds)
        assert one == other
        assert same(first, second)
        batches = [apply_batch(one, cutouts, geometry, CPU) for cutouts in (first, second)]
        made = [(batch.images, batch.labels) for batch in batches]
        assert all(map(torch.equal, *made))
    feeds[1].close()


def test_a_store_written_in_slabs_is_read_like_one_in_cubes(tmp_path):
    case = resident(cascade=False)[0]
    cubes = stored(case, tmp_path)
    boxes = [(slice(2, 9), slice(30, 45), slice(0, 18)), (slice(0, 20), slice(0, 45), slice(7, 8))]
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


def slow_feed(voxels: Slow, case: TrainingCase, geometry: PatchGeometry, name: str = "standard") -> Feed:
    cases = [replace(case, voxels=voxels)]
    return Feed(cases, geometry, CPU, draw_from(cases, geometry, AUGMENTATIONS[name]()))


def test_the_next_batches_are_read_ahead_and_only_what_their_patches_need() -> None:
    case, geometry = make_case(shape=(60, 60, 60)), make_geometry(batch_size=3)
    voxels = Slow(case)
    voxels.gate.set()
    feed = slow_feed(voxels, case, geometry, "none")
    feed.take(0)
    feed.take(1)
    feed.close()
    for thread in feed._readers._threads:  # type: ignore[union-attr]
        thread.join()
    # Two batches that were taken, and two ahead of the second.
    assert len(voxels.boxes) == 3 * 4
    assert {tuple(axis.stop - axis.start for axis in box) for box in voxels.boxes} == {geometry.patch_shape}


def test_iterations_may_be_asked_for_in_any_order() -> None:
    case, geometry = make_case(), make_geometry()
    voxels = Slow(case)
    voxels.gate.set()
    feed = slow_feed(voxels, case, geometry)
    straight = [feed.take(number) for number in range(4)]
    for number in (2, 3, 0, 1, 3):
        parameters, cutouts = feed.take(number)
        assert parameters == straight[number][0]
        assert same(cutouts, straight[number][1])
    feed.close()


def test_a_case_that_cannot_be_read_is_named_where_the_batch_is_waited_for(tmp_path: Path) -> None:
    case = make_case(seed=4)
    cases = [stored(case, tmp_path)]
    (tmp_path / "case4.image.b2nd").write_bytes(b"nothing")
    feed = Feed(cases, make_geometry(), CPU, draw_from(cases, make_geometry(), AUGMENTATIONS["none"]()))
    with pytest.raises(WorkspaceError, match=r"the preprocessed case case4 cannot be read.*plan_and_preprocess"):
        feed.fetch(0)
    feed.close()


def test_any_other_error_of_a_reader_arrives_with_the_name_of_the_case() -> None:
    case, failure = make_case(seed=5), MemoryError("no room")
    voxels = Slow(case, failure)
    voxels.gate.set()
    feed = slow_feed(voxels, case, make_geometry())
    with pytest.raises(MemoryError, match="no room") as caught:
        feed.take(0)
    assert "case5" in caught.value.__notes__[0]
    feed.close()


def test_a_disk_that_does_not_answer_is_an_error_and_no_wait_for_ever(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(feed_module, "PATIENCE_SECONDS", 0.01)
    case = make_case(seed=6)
    voxels = Slow(case)
    feed = slow_feed(voxels, case, make_geometry())
    with pytest.raises(WorkspaceError, match=re.escape("case case6: a patch could not be read within 0.01 seconds")):
        feed.fetch(0)
    voxels.gate.set()
    feed.close()


def test_cases_at_hand_are_cut_without_threads_or_copies() -> None:
    cases, geometry = resident(cascade=False), make_geometry(batch_size=2)
    before = threading.active_count()
    feed = Feed(cases, geometry, CPU, draw_from(cases, geometry, AUGMENTATIONS["none"]()))
    _, cutouts = feed.take(0)
    assert threading.active_count() == before
    storages = {case.voxels.read_box((slice(0, 1),) * 3)[0].untyped_storage().data_ptr() for case in cases}
    assert {cutout.image.untyped_storage().data_ptr() for cutout in cutouts} <= storages
