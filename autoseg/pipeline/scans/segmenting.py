"""One scan after the other: read, segmented, and its mask written; what fails is that scan's failure."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TypeVar

from autoseg.hardware import give_freed_memory_back, ran_out_of_memory, release_memory
from autoseg.pipeline.predictions.extras import NO_EXTRAS, Extras
from autoseg.pipeline.predictions.maps import write_maps
from autoseg.pipeline.predictions.prediction_report import PredictionReport, Seen
from autoseg.pipeline.predictions.recording import Measured
from autoseg.pipeline.scans.ahead import Steps, is_small, run_overlapped
from autoseg.pipeline.scans.new_scans import NewScan
from autoseg.pipeline.scans.scan_share import ScanShare
from autoseg.prediction import Fallback, LoadedModel, Segmented, watching
from autoseg.progress import Task
from dataset_fingerprints.failures import Failure, attempt
from dataset_fingerprints.fault_log import first_line
from dataset_fingerprints.likeness import Unlikeness
from dataset_fingerprints.measuring.scans import Scan
from dataset_fingerprints.reading.images import write_label_map

T = TypeVar("T")

# Voxels of a scan that take so much are let go while a network sees a copy, and read again for the picture.
LET_GO_BYTES = 16 << 20

_log = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True, slots=True)
class Job:
    """A scan, its mask, and what is written beside that.

    Attributes:
        kept: whether the mask is there and stays.
        extras: files beside the mask; maps that are missing are made for a mask that stays, too.
    """

    scan: NewScan
    target: Path
    kept: bool
    extras: Extras = NO_EXTRAS

    def is_done(self) -> bool:
        """Return whether nothing has to be predicted."""
        return self.kept and not self.extras.maps.are_missing()


@dataclass(frozen=True, kw_only=True, slots=True)
class Outcome:
    """Remarks on a scan that was predicted.

    Attributes:
        fallbacks: where a stage found nothing to crop to.
    """

    scan: str
    fallbacks: tuple[Fallback, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class _Made:
    """A scan and what the model makes of it.

    Attributes:
        read: without its voxels where they were let go.
        unlike: in what it is unlike all that the model was trained on.
        seconds: that this took.
    """

    read: Scan
    unlike: tuple[Unlikeness, ...]
    segmented: Segmented
    seconds: float


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
        return job.is_done() or is_small(job.scan, len(self.model.channels), self.model.memory_gb)

    def _read(self, job: Job) -> list[Scan]:
        """Return a scan; nothing of one of which nothing has to be predicted."""
        return [] if job.is_done() else [self.model.read(job.scan.name, job.scan.images, self.series)]

    def _segment(self, job: Job, read: Callable[[], list[Scan]]) -> _Made | Failure | None:
        share = ScanShare(self.task)
        with watching(share.add):
            made = _try(job.scan, partial(self._segment_read, job, read))
        if not job.is_done():
            share.finish()
        self.task.advance()
        if isinstance(made, Failure):
            release_memory()
        return made

    def _segment_read(self, job: Job, read: Callable[[], list[Scan]]) -> _Made | None:
        started = time.monotonic()
        holder = read()
        if not holder:
            return None
        # Taken out, so that the scan can be freed here.
        scan = holder.pop()
        unlike = self.model.find_unlikeness(scan)
        # What follows from a mask counts in 1/255; maps do not.
        rounded = not job.extras.maps.paths()
        begun = self.model.begin(scan, rounded=rounded)
        if rounded and not begun.needs_voxels() and scan.voxels.nbytes >= LET_GO_BYTES:
            scan = scan.without_voxels()
        segmented = self.model.conclude(begun)
        return _Made(read=scan, unlike=unlike, segmented=segmented, seconds=time.monotonic() - started)

    def _finish(self, job: Job, made: _Made | Failure | None) -> Outcome | Failure | None:
        """Write a mask and take note of the scan, in the report too."""
        outcome = self._settle(job, made)
        give_freed_memory_back()
        self.report.checkpoint()
        return outcome

    def _settle(self, job: Job, made: _Made | Failure | None) -> Outcome | Failure | None:
        if made is None:
            self._complete(job)
            return None
        outcome = made if isinstance(made, Failure) else _try(job.scan, partial(self._write, job, made))
        if isinstance(outcome, Failure):
            self._note_failure(job, outcome)
        return outcome

    def _note_failure(self, job: Job, failure: Failure) -> None:
        """Take note of a scan that failed; a mask that was there stays, and only its maps are missing."""
        if job.kept:
            self.report.keep(job.scan, job.target)
        else:
            self.report.fail(job.scan, failure)

    def _complete(self, job: Job) -> None:
        """Take note of a mask that stays, and write what follows from it."""
        done = attempt(job.scan.name, "cannot be completed", partial(job.extras.complete, job.scan.name, job.target))
        if isinstance(done, Failure):
            _log.warning("%s", done.describe())
        self.report.keep(job.scan, job.target)

    def _read_again(self, job: Job, read: Scan) -> Scan:
        """Return a scan with its voxels, whether they are still there or not."""
        if read.voxels.size:
            return read
        return self.model.read_again(job.scan.name, job.scan.images, self.series)

    def _write(self, job: Job, made: _Made) -> Outcome:
        """Write the maps and then the mask, so that a mask that is there has its maps; then what follows from it."""
        started = time.monotonic()
        read, segmented = made.read, made.segmented
        write_maps(job.extras.maps, read, segmented, keep=job.kept)
        fallbacks = segmented.probabilities.fallbacks
        if job.kept:
            self._complete(job)
        else:
            job.extras.forget(job.scan.name)
            write_label_map(job.target, segmented.mask, read.source_grid, read.header)
            job.extras.complete(job.scan.name, job.target)
            expected = self.report.assess(job.scan, segmented)
            give_freed_memory_back()
            seconds = made.seconds + time.monotonic() - started
            measured = Measured(seconds=seconds, predicted_dice=expected)
            seen = Seen(
                grid=read.source_grid,
                labels=segmented.mask,
                unlike=made.unlike,
                fallbacks=fallbacks,
                measured=measured,
                read=partial(self._read_again, job, read),
            )
            self.report.look(job.scan, job.target, seen)
        return Outcome(scan=job.scan.name, fallbacks=fallbacks)


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
