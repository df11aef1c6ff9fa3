"""Cases are read at the same time only as far as they fit into memory."""

from __future__ import annotations

import threading
import tracemalloc
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

from autoseg.hardware import free_memory_gb, memory_limit_gb
from dataset_fingerprints.dataset import Case
from dataset_fingerprints.layouts import read_dataset
from dataset_fingerprints.measuring.case_measurements import measure_case
from dataset_fingerprints.measuring.memory_gate import MemoryGate, estimate_bytes
from dataset_fingerprints.measuring.scans import read_case
from tests.synthetic.scans import blob, write_description, write_nifti


def test_what_is_inside_never_exceeds_the_limit_and_what_is_larger_goes_in_alone():
    gate, lock, inside, seen = MemoryGate(limit_bytes=10), threading.Lock(), [], []

    def work(size):
        with gate.hold(size):
            with lock:
                inside.append(size)
                seen.append(list(inside))
            threading.Event().wait(0.001)
            with lock:
                inside.remove(size)

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(work, [4, 4, 50, 3, 1, 10, 4, 0, 2] * 8))
    # Work of size 0 is that of cases that cannot be read.
    assert all(sum(sizes) <= 10 or sorted(sizes)[-1:] == [sum(sizes)] for sizes in seen)
    assert max(len(sizes) for sizes in seen) > 1
    assert len(seen) == 72


def test_a_failure_inside_gives_the_memory_back():
    gate = MemoryGate(limit_bytes=10)
    for _ in range(3):
        with pytest.raises(KeyError), gate.hold(10):
            raise KeyError
    with gate.hold(10):
        pass


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("look", ["ball", "speckle", "everywhere"])
def test_reading_and_measuring_a_case_needs_no_more_than_estimated(tmp_path, channels, look):
    shape = (64, 72, 48)
    rng = np.random.default_rng(0)
    for channel in range(channels):
        voxels = rng.normal(100, 10, shape).astype(np.float32)
        write_nifti(tmp_path / "imagesTr" / f"a_{channel:04d}.nii.gz", voxels)
    masks = {"ball": blob(shape, (30, 30, 24), 20), "speckle": rng.random(shape) < 0.05, "everywhere": np.ones(shape)}
    write_nifti(tmp_path / "labelsTr" / "a.nii.gz", masks[look].astype(np.uint8))
    write_description(tmp_path, {"background": 0, "lesion": 1}, ("T1w", "T2w", "FLAIR")[:channels], 1)
    dataset = read_dataset(tmp_path)
    (case,) = dataset.cases
    tracemalloc.start()
    try:
        scan, _ = read_case(case, dataset.channels, dataset.labels)
        measure_case(case, scan, dataset)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    # Far less than the worst case is guessed too much, and fewer cases would be read at once than could be.
    assert 0.4 < peak / estimate_bytes(case, channels) < 1


def test_a_case_without_a_readable_scan_needs_nothing(tmp_path):
    (tmp_path / "a.nii.gz").write_bytes(b"damaged")
    for file in ("", str(tmp_path / "none.nii.gz"), str(tmp_path / "a.nii.gz")):
        assert estimate_bytes(Case(name="a", images=(file,), label="", subject="a"), 1) == 0


@pytest.mark.skipif(not Path("/proc/meminfo").is_file(), reason="only Linux reports the free memory")
def test_the_free_memory_is_part_of_what_the_process_may_use():
    assert 0 < free_memory_gb() <= memory_limit_gb()
