from __future__ import annotations

import threading
from pathlib import Path

import numpy as np
import pytest

from autoseg.pipeline.scans.ahead import Steps, is_small, run_overlapped
from autoseg.pipeline.scans.new_scans import NewScan
from tests.synthetic.scans import write_nifti


class Recorded:
    """Steps of jobs that are numbers, and the order in which they began and ended.

    Args:
        large: jobs that are not to be in memory beside others.
        broken: jobs that cannot be read.
    """

    def __init__(self, large: tuple[int, ...] = (), broken: tuple[int, ...] = ()) -> None:
        self.large, self.broken = large, broken
        self.events: list[str] = []
        self.steps = Steps(read=self.read, work=self.work, finish=self.finish, is_small=self.is_small)

    def read(self, job: int) -> int:
        self.events.append(f"read {job}")
        if job in self.broken:
            raise OSError(f"{job} is broken")
        return job

    def work(self, job: int, read) -> str:
        try:
            value = read()
        except OSError as error:
            return str(error)
        self.events.append(f"work {job}")
        return f"result {value}"

    def finish(self, job: int, made: str) -> str:
        self.events.append(f"finish {job}")
        return made

    def is_small(self, job: int) -> bool:
        return job not in self.large


def test_results_come_in_order_and_a_job_that_cannot_be_read_is_its_own_failure():
    recorded = Recorded(broken=(1,))
    assert list(run_overlapped(range(4), recorded.steps)) == ["result 0", "1 is broken", "result 2", "result 3"]
    assert [event for event in recorded.events if event.startswith("finish")] == [f"finish {job}" for job in range(4)]


def test_the_next_job_is_read_while_one_is_worked_on_and_no_more():
    recorded, read_ahead = Recorded(), threading.Event()
    counts = []

    def read(job):
        if job == 1:
            read_ahead.set()
        return recorded.read(job)

    def work(job, read):
        if job == 0:
            assert read_ahead.wait(30)
        counts.append(sum(event.startswith("read") for event in recorded.events))
        return recorded.work(job, read)

    steps = Steps(read=read, work=work, finish=recorded.finish, is_small=recorded.is_small)
    assert len(list(run_overlapped(range(5), steps))) == 5
    assert all(count <= job + 2 for job, count in enumerate(counts))


def test_a_large_job_is_alone_in_memory():
    recorded = Recorded(large=(1,))
    list(run_overlapped(range(3), recorded.steps))
    order = recorded.events.index
    assert order("finish 0") < order("read 1") < order("work 1") < order("finish 1") < order("read 2")


def test_what_lacked_memory_beside_another_job_is_read_again():
    attempts = []

    def read(job):
        attempts.append(job)
        if attempts.count(job) == 1 and job == 1:
            raise MemoryError
        return job

    steps = Steps(read=read, work=lambda job, read: read(), finish=lambda job, made: made, is_small=lambda job: True)
    assert list(run_overlapped(range(3), steps)) == [0, 1, 2]
    assert attempts.count(1) == 2


def test_what_is_being_written_is_whole_when_the_work_is_stopped(tmp_path: Path):
    begun, written = threading.Event(), tmp_path / "0"

    def work(job, read):
        if job == 1:
            assert begun.wait(30)
            raise KeyboardInterrupt
        return read()

    def finish(job, made):
        begun.set()
        threading.Event().wait(0.2)
        (tmp_path / str(job)).write_text("whole")

    steps = Steps(read=lambda job: job, work=work, finish=finish, is_small=lambda job: True)
    with pytest.raises(KeyboardInterrupt):
        list(run_overlapped(range(3), steps))
    assert written.read_text(encoding="utf-8") == "whole"
    assert [path.name for path in tmp_path.iterdir()] == ["0"]


def test_a_scan_is_small_by_its_header_and_the_memory_that_may_be_used(tmp_path: Path):
    path = write_nifti(tmp_path / "a.nii.gz", np.zeros((64, 64, 64), dtype=np.int16))
    whole = write_nifti(tmp_path / "whole.nii.gz", np.zeros((64, 64, 64, 4), dtype=np.int16))
    one, four = (NewScan(name="a", images=(path,) * count) for count in (1, 4))
    # 64 cubed voxels take 3 MiB to read, an eighth of 24.
    assert is_small(one, 1, 25 / 1024)
    assert not is_small(one, 1, 23 / 1024)
    for scan in (four, NewScan(name="whole", images=(whole,))):
        assert not is_small(scan, 4, 25 / 1024)
        assert is_small(scan, 4, 97 / 1024)
    assert is_small(NewScan(name="b", images=(tmp_path / "none.nii.gz",)), 1, 1.0)
