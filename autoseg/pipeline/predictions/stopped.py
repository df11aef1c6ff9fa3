"""A prediction that is stopped: what is done by then is recorded, and it is said how to go on."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress

from autoseg.pipeline.predictions.prediction_report import PredictionReport, Written
from autoseg.pipeline.predictions.targets import Targets
from autoseg.pipeline.scans.segmenting import Job
from autoseg.pipeline.stopping import StopSignal
from autoseg.training.interruption import name_signal, number_of
from dataset_fingerprints.errors import AutosegError, StoppedError
from dataset_fingerprints.names import counted


@contextmanager
def recorded_if_stopped(report: PredictionReport, jobs: Sequence[Job], targets: Targets) -> Iterator[None]:
    """Write the report on what is done where the block is stopped in the middle, by whatever it is.

    Args:
        report: on the scans of the block.
        jobs: all scans.
        targets: places of their masks.

    Raises:
        StoppedError: a signal stopped it; the message says how many masks are there.
    """
    try:
        yield
    except StopSignal as stop:
        written = _write(report, targets)
        raise StoppedError(_describe(stop, jobs, targets, written), stop.exit_code) from stop
    except BaseException:
        _write(report, targets)
        raise


def _write(report: PredictionReport, targets: Targets) -> Written:
    with suppress(AutosegError, OSError):  # of a full disk, for one, which is what is said
        return Written() if targets.named else report.write()
    return Written()


def _describe(stop: StopSignal, jobs: Sequence[Job], targets: Targets, written: Written) -> str:
    done = sum(job.target.is_file() for job in jobs)
    scans = counted(len(jobs), "scan")
    have = f"{done} of {scans} {'has its mask' if done == 1 else 'have their masks'}"
    where = "" if written.record is None else f", recorded in {written.record}"
    left = len(jobs) - done
    rest = f"it goes on with {'the other ' if done else ''}{left}" if left else "it finishes the report"
    name = name_signal(number_of(stop.exit_code))
    return f"{targets.folder}: stopped by {name}: {have}{where}. Give the same command again: {rest}."
