"""Measurement of a small part of the work: a few scans of noise read and preprocessed, a few steps trained on noise."""

from __future__ import annotations

import math
import tempfile
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from autoseg.hardware import autocast_type, choose_device, count_cores
from autoseg.pipeline.plans.inspecting import WaitingScans, inspect_dataset
from autoseg.preprocessing import Store, prepare
from autoseg.progress import SilentProgress
from autoseg.sampling import TrainingCase, make_resident_case
from autoseg.training.pace import Pace
from autoseg.training.setting import Setup
from autoseg.training.step import Stepper
from autoseg.workspace.fold import FoldFolder
from autoseg.workspace.store import StoreFolder
from autoseg.workspace.workspace import Workspace
from dataset_fingerprints.dataset import Case, Dataset
from dataset_fingerprints.files.jsonfiles import write_json
from dataset_fingerprints.fingerprint import DatasetFingerprint
from dataset_fingerprints.geometry import Triple, make_grid
from dataset_fingerprints.layouts import read_dataset
from dataset_fingerprints.reading.images import write_label_map
from planners.choices import resolve
from planners.order import find_configuration
from planners.parts import PATCHES
from planners.plan import Configuration, Plan

# Longer edges are cut to this: time per voxel is what is measured, and it stays seconds.
LONGEST_EDGE = 96
# Steps are measured for so long: a processor is slower under a load that lasts.
_STEPPING_SECONDS = 10.0
# The first scans of a process wait for what is imported and made once.
_UNMEASURED = 2
# Around a patch, so that its place can vary.
_MARGIN = 8
_LEAST_EDGE = 8


@dataclass(frozen=True, kw_only=True, slots=True)
class ReadingRate:
    """Speed of reading, checking, measuring and preprocessing on all cores of this machine.

    Attributes:
        seconds_per_voxel: of a scan's voxels, channels counted.
        cores: that it was measured with.
    """

    seconds_per_voxel: float
    cores: int

    def seconds(self, voxels: float, cores: int) -> float:
        """Return the time for so many voxels on so many cores of this speed."""
        return self.seconds_per_voxel * voxels * self.cores / cores


def measure_reading(plan: Plan, fingerprint: DatasetFingerprint) -> ReadingRate:
    """Measure on scans of noise, made for it, how fast scans like those of a data set become preprocessed arrays.

    Args:
        plan: whose default configuration they are preprocessed for.
        fingerprint: of the data set; the scans have its median shape and voxel size, cut where that is large.
    """
    cores, shape = count_cores(), _choose_shape(fingerprint)
    with tempfile.TemporaryDirectory(prefix="autoseg-") as folder:
        raw = Path(folder) / "raw"
        _write_scans(raw, plan, fingerprint, shape, _UNMEASURED + 2 * cores)
        dataset = read_dataset(raw)
        first = replace(dataset, cases=dataset.cases[:_UNMEASURED])
        others = replace(dataset, cases=dataset.cases[_UNMEASURED:])
        _read_and_prepare(first, plan, Path(folder) / "first")
        seconds = _read_and_prepare(others, plan, Path(folder) / "others")
    voxels = len(others.cases) * len(plan.channels) * int(np.prod(shape))
    return ReadingRate(seconds_per_voxel=seconds / voxels, cores=cores)


def _choose_shape(fingerprint: DatasetFingerprint) -> Triple:
    lengths = (round(axis.p50 or LONGEST_EDGE) for axis in fingerprint.shape)
    x, y, z = (min(length, LONGEST_EDGE) for length in lengths)
    return (x, y, z)


def _write_scans(raw: Path, plan: Plan, fingerprint: DatasetFingerprint, shape: Triple, count: int) -> None:
    """Write a data set of scans that are noise inside an ellipsoid, each with a block of every label."""
    spacing = [axis.p50 or 1.0 for axis in fingerprint.spacing_mm]
    grid = make_grid(shape, np.diag([*spacing, 1.0]))
    values = [label.value for label in plan.scheme.labels]
    body = _make_ellipsoid(shape)
    rng = np.random.default_rng(0)
    for number in range(count):
        for channel in range(len(plan.channels)):
            noise = (100 * rng.standard_normal(shape, dtype=np.float32) + 1000).clip(1).astype(np.int16)
            path = raw / "imagesTr" / f"scan_{number:02d}_{channel:04d}.nii.gz"
            write_label_map(path, np.where(body, noise, 0).astype(np.int16), grid)
        write_label_map(raw / "labelsTr" / f"scan_{number:02d}.nii.gz", _mark_blocks(shape, values), grid)
    description = {
        "channel_names": {str(place): name for place, name in enumerate(plan.channels)},
        "labels": {"background": 0, **{label.name: label.value for label in plan.scheme.labels}},
        "file_ending": ".nii.gz",
    }
    write_json(raw / "dataset.json", description)


def _make_ellipsoid(shape: Triple) -> NDArray[np.bool_]:
    # Of the middle of every voxel: also two slices lie inside.
    x, y, z = np.ix_(*((2 * np.arange(length) + 1) / length - 1 for length in shape))
    inside: NDArray[np.bool_] = x**2 + y**2 + z**2 < 1
    return inside


def _mark_blocks(shape: Triple, values: list[int]) -> NDArray[np.int32]:
    """Return a label map in which every label has a block of its own, along the longest axis, about its middle."""
    labels = np.zeros(shape, dtype=np.int32)
    longest = int(np.argmax(shape))
    places = [slice(length // 3, max(length // 3 + 1, length // 2)) for length in shape]
    borders = np.linspace(shape[longest] // 4, shape[longest] - shape[longest] // 4, len(values) + 1).round()
    for value, start, stop in zip(values, borders[:-1], borders[1:], strict=True):
        places[longest] = slice(int(start), max(int(stop), int(start) + 1))
        labels[tuple(places)] = value
    return labels


def _read_and_prepare(dataset: Dataset, plan: Plan, folder: Path) -> float:
    """Do with the scans what planning does, and return the seconds that it took."""
    configuration = find_configuration(plan.configurations, plan.default_configuration, f"plan {plan.name}")
    store, waiting = Store(folder=StoreFolder(root=folder / "store")), WaitingScans(limit_bytes=math.inf)
    begun = time.perf_counter()
    inspect_dataset(dataset, Workspace(root=folder), waiting, SilentProgress())

    def prepare_one(case: Case) -> None:
        scan = waiting.take(case.name)
        assert scan is not None
        store.write(case.name, prepare(scan, configuration.preprocessing, dataset.labels.index_count()), ())

    with ThreadPoolExecutor(count_cores()) as pool:
        list(pool.map(prepare_one, dataset.cases))
    return time.perf_counter() - begun


@contextmanager
def make_stepper(plan: Plan, configuration: Configuration) -> Iterator[Stepper]:
    """Make what trains a configuration on noise, on the device of this machine."""
    device, training = choose_device(), configuration.training
    setup = Setup(
        configuration=configuration,
        channels=plan.input_channels(configuration),
        heads=plan.scheme_of(configuration).heads(),
        cases=make_noise_cases(plan, configuration, device),
        validation_cases=(),
        seed=(0, 0),
        max_minutes=None,
        device=device,
        autocast=autocast_type(device) if training.mixed_precision else torch.float32,
    )
    with tempfile.TemporaryDirectory(prefix="autoseg-") as folder:
        stepper = Stepper(setup, FoldFolder(root=Path(folder)))
        try:
            yield stepper
        finally:
            stepper.close()


def measure_pace(plan: Plan, configuration: Configuration) -> Pace:
    """Measure how long steps of a configuration take on this machine, with batches of noise; none uses masks of others.

    Args:
        plan: that it is of.
        configuration: that sees scans alone.
    """
    with make_stepper(plan, configuration) as stepper:
        return stepper.measure_pace(0, _STEPPING_SECONDS)


def make_noise_cases(plan: Plan, configuration: Configuration, device: torch.device) -> list[TrainingCase]:
    """Return two training cases of noise, a little larger than a patch, with a block of every label."""
    rng, heads = np.random.default_rng(0), plan.scheme_of(configuration).heads()
    count = len(plan.scheme_of(configuration).labels)
    balanced = resolve(configuration.sampling.patches, PATCHES, "patches").needs_lesions()
    x, y, z = (max(length + _MARGIN, _LEAST_EDGE) for length in configuration.patch_shape)
    shape = (x, y, max(z, 2 * count + 2))
    cases = []
    for name in ("first", "second"):
        image = rng.normal(size=(plan.image_channels(configuration), *shape)).astype(np.float16)
        label = np.zeros(shape, dtype=np.uint8)
        for index in range(1, count + 1):
            label[:2, :2, 2 * index : 2 * index + 2] = index
        cases.append(make_resident_case(name, image, label, heads, device, find_lesions=balanced))
    return cases
