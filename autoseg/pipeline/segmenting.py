"""One scan after the other: read, segmented, and its mask written; what fails is that scan's failure."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TypeVar

from autoseg.hardware import ran_out_of_memory, release_memory
from autoseg.pipeline.ahead import Steps, is_small, run_overlapped
from autoseg.pipeline.new_scans import NewScan
from autoseg.pipeline.prediction_report import PredictionReport
from autoseg.pipeline.scan_share import ScanShare
from autoseg.prediction import Fallback, LoadedModel, Segmented, watching
from autoseg.progress import Task
from dataset_fingerprints.failures import Failure, attempt
from dataset_fingerprints.fault_log import first_line
from dataset_fingerprints.measuring.scans import Scan
from dataset_fingerprints.reading.images import write_label_map

T = TypeVar("T")


@dataclass(frozen=True, kw_only=True, slots=True)
class Job:
    """A scan and its mask.

    Attributes:
        kept: whether the mask is there and stays.
    """

    scan: NewScan
    target: Path
    kept: bool


@dataclass(frozen=True, kw_only=True, slots=True)
class Outcome:
    """Remarks on a scan that was predicted.

    Attributes:
        fallbacks: where a stage found nothing to crop to.
        blank: whether the scan holds one value everywhere, so that its mask was left empty.
    """

    scan: str
    fallbacks: tuple[Fallback, ...]
    blank: bool


@dataclass(frozen=True, kw_only=True, slots=True)
class _Made:
    """A scan and what the model makes of it."""

    read: Scan
    segmented: Segmented


@dataclass(frozen=True, kw_only=True, slots=True)
class Segmenting:
    """A model at work on scans.

    Attributes:
        series: which DICOM series to take where there are several.
        report: takes note of each scan.
        task: advances by scans.
    """

    model: LoadedModel
    series: str
    report: PredictionReport
    task: Task

    def run(self, jobs: Sequence[Job]) -> Iterator[Outcome | Failure | None]:
        """Write the masks that are missing, and yield what came of each scan in order; nothing of masks that stay."""
        steps = Steps(read=self._read, work=self._segment, finish=self._finish, is_small=self._is_small)
        return run_overlapped(jobs, steps)

    def _is_small(self, job: Job) -> bool:
        return job.kept or is_small(job.scan, self.model.memory_gb)

    def _read(self, job: Job) -> Scan | None:
        return None if job.kept else self.model.read(job.scan.name, job.scan.images, self.series)

    def _segment(self, job: Job, read: Callable[[], Scan | None]) -> _Made | Failure | None:
        share = ScanShare(self.task)
        with watching(share.add):
            made = _try(job.scan, partial(self._segment_read, read))
        if not job.kept:
            share.finish()
        self.task.advance()
        if isinstance(made, Failure):
            release_memory()
        return made

    def _segment_read(self, read: Callable[[], Scan | None]) -> _Made | None:
        scan = read()
        return None if scan is None else _Made(read=scan, segmented=self.model.segment(scan))

    def _finish(self, job: Job, made: _Made | Failure | None) -> Outcome | Failure | None:
        """Write a mask and take note of the scan."""
        if made is None:
            self.report.keep(job.scan, job.target)
            return None
        outcome = made if isinstance(made, Failure) else _try(job.scan, partial(self._write, job, made))
        if isinstance(outcome, Failure):
            self.report.fail(job.scan, outcome)
        return outcome

    def _write(self, job: Job, made: _Made) -> Outcome:
        read, labels = made.read, made.segmented.labels
        write_label_map(job.target, labels, read.source_grid, read.header)
        fallbacks = made.segmented.probabilities.fallbacks
        self.report.look(job.scan, job.target, read, labels, fallbacks)
        return Outcome(scan=job.scan.name, fallbacks=fallbacks, blank=read.blank)


def _try(scan: NewScan, work: Callable[[], T]) -> T | Failure:
    """Return what came of one scan, or its failure."""
    return attempt(scan.name, "cannot be predicted", partial(_name_lack_of_memory, work))


def _name_lack_of_memory(work: Callable[[], T]) -> T:
    try:
        return work()
    except RuntimeError as error:  # as torch reports a device without any memory left
        if ran_out_of_memory(error):
            raise MemoryError(first_line(error)) from error
        raise
