"""The record of a search: begun, gone on with, or begun anew so that a killed process leaves the old or the new one."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from autoseg.pipeline.folds.restarting import remove
from autoseg.pipeline.tuning.records import REMEDY, TuningRecord
from autoseg.workspace.tuning import TuningFolder
from dataset_fingerprints.durations import HOUR, show_duration
from dataset_fingerprints.errors import AutosegError, FileFormatError, WorkspaceError
from dataset_fingerprints.files.jsonfiles import read_json, refuse_newer, write_json


def open_search(folder: TuningFolder, begun: TuningRecord, *, restart: bool) -> TuningRecord:
    """Return the record of an earlier start with the same options and cases, or the new one, written down.

    Args:
        folder: of the search, which this process holds.
        begun: what it is begun with today.
        restart: begin anew, whatever is there; comparisons that were made on the same cases stay counted.

    Raises:
        WorkspaceError: the earlier start was with others.
        FileFormatError: its record is missing or damaged, or was written by a newer version.
    """
    _finish_restart(folder)
    refuse_newer(folder.record, TuningRecord)
    if restart:
        write_json(folder.restart, replace(begun, earlier=_count_earlier(folder)))
        _finish_restart(folder)
        return read_json(folder.record, TuningRecord, REMEDY)
    if folder.record.is_file():
        earlier = read_json(folder.record, TuningRecord, REMEDY)
        for difference in _find_differences(earlier, begun):
            raise WorkspaceError(
                f"{folder.record}: {difference}. Give the same options to go on, or begin anew with --restart."
            )
        return earlier
    if folder.trials.exists():
        raise FileFormatError(f"{folder.record}: is missing, though trials are there. {REMEDY}")
    write_json(folder.record, begun)
    return begun


def _finish_restart(folder: TuningFolder) -> None:
    """Remove what is left of the search before the new start, if one was written down."""
    if not folder.restart.is_file():
        return
    for path in folder.search_files():
        remove(path)
    folder.restart.replace(folder.record)


def _count_earlier(folder: TuningFolder) -> int:
    """Return how many comparisons an earlier search made; of one whose record is lost, one if its proof was begun."""
    try:
        return read_json(folder.record, TuningRecord).count_comparisons()
    except AutosegError:
        return int(folder.proofs.exists())


def _find_differences(earlier: TuningRecord, now: TuningRecord) -> Iterator[str]:
    """Yield in what two starts of a search differ, in words."""
    if earlier.cases != now.cases:
        yield "the search was begun with other cases of the fold than the plan gives it now"
    if earlier.inner != now.inner:
        yield "the search's cases are divided otherwise than its seed divides them"
    if earlier.contents not in ("", now.contents):
        yield "scans or label maps of the fold's cases were replaced since the search was begun"
    if earlier.values != now.values:
        yield f"plan {now.plan} has other values than when the search was begun"
    if earlier.hours != now.hours:
        then, today = _show_times(earlier.hours, now.hours)
        yield f"the search was begun with {then} for everything, now it is {today} (--hours or --max-minutes)"
    for name, before, wanted in (
        *((name, getattr(earlier, name), getattr(now, name)) for name in ("iterations", "seed", "score")),
        ("over", " --over ".join(earlier.over), " --over ".join(now.over)),
        ("candidates", earlier.schedule.rungs[0].candidates, now.schedule.rungs[0].candidates),
    ):
        if before != wanted:
            yield f"the search was begun {_show(name, before)}, now {_show(name, wanted)}"


def _show(name: str, value: object) -> str:
    return f"without --{name}" if value is None else f"with --{name} {value}"


def _show_times(earlier: float | None, now: float | None) -> tuple[str, str]:
    """Return the hours of two starts in words, in numbers where the words are the same."""
    before, today = ("no time" if hours is None else show_duration(hours * HOUR) for hours in (earlier, now))
    return (before, today) if before != today else (f"{earlier:g} h", f"{now:g} h")
