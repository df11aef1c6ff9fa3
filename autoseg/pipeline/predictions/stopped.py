"""A prediction that is stopped: what is done by then is recorded, and it is said how to go on."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

from autoseg.pipeline.predictions.prediction_report import PredictionReport, Written
from autoseg.pipeline.predictions.targets import Targets
from autoseg.pipeline.scans.segmenting import Job
from autoseg.pipeline.stopping import StopSignal
from autoseg.training.interruption import name_signal, number_of
from dataset_fingerprints.errors import AutosegError, StoppedError
from dataset_fingerprints.names import counted


@contextmanager
def recorded_if_stopped(
    report: PredictionReport, jobs: Sequence[Job], targets: Targets, *, overwrite: bool
) -> Iterator[None]:
    """Write the report on what is done where the block is stopped in the middle, by whatever it is.

    Args:
        report: on the scans of the block.
        jobs: all scans.
        targets: places of their masks.
        overwrite: whether masks that were there are made again.

    Raises:
        StoppedError: a signal stopped it; the message says how many masks are there.
    """
    before = {job.target: _identify(job.target) for job in jobs}
    try:
        yield
    except StopSignal as stop:
        written = _write(report)
        done = _count_done(jobs, before)
        have = _describe_done(done, len(jobs), overwrite=overwrite)
        where = "" if written.record is None else f", recorded in {written.record}"
        raise StoppedError(
            f"{targets.folder}: stopped by {name_signal(number_of(stop.exit_code))}: {have}{where}. "
            f"Give the same command again: {_describe_rest(done, len(jobs), overwrite=overwrite)}.",
            stop.exit_code,
        ) from stop
    except BaseException:
        _write(report)
        raise


def _write(report: PredictionReport) -> Written:
    with suppress(AutosegError, OSError):  # of a full disk, for one, which is what is said
        return report.write()
    return Written()


def _identify(mask: Path) -> tuple[int, int] | None:
    """Return what tells a file from one that takes its place; None where there is none."""
    try:
        status = mask.stat()
    except OSError:
        return None
    return status.st_ino, status.st_mtime_ns


def _count_done(jobs: Sequence[Job], before: Mapping[Path, tuple[int, int] | None]) -> int:
    """Return how many masks stay or were made; one that was there and is still to be replaced does not count."""
    return sum(job.kept or _identify(job.target) not in (None, before[job.target]) for job in jobs)


def _describe_done(done: int, total: int, *, overwrite: bool) -> str:
    have, mask = ("has its", "mask") if done == 1 else ("have their", "masks")
    return f"{done} of {counted(total, 'scan')} {have} {'new ' if overwrite else ''}{mask}"


def _describe_rest(done: int, total: int, *, overwrite: bool) -> str:
    if overwrite:
        return "with --overwrite it predicts all of them again"
    left = total - done
    return f"it goes on with {'the other ' if done else ''}{left}" if left else "it finishes the report"
