"""Sentence on a search that an earlier start began: what of it is done."""

from __future__ import annotations

from autoseg.pipeline.tuning.proving import PLANNED, TUNED
from autoseg.pipeline.tuning.records import TuningRecord
from autoseg.pipeline.tuning.searching import rank, read_trials
from autoseg.training.record import read_record
from autoseg.workspace.tuning import TuningFolder


def describe_done(folder: TuningFolder, record: TuningRecord) -> str:
    """Return in a sentence what an earlier start has done; nothing where there was none.

    Args:
        folder: of the search, which has no outcome yet.
        record: what it was begun with.
    """
    trials = read_trials(folder)
    if not trials:
        return ""
    first, *others = record.schedule.rungs
    done = [f"{len(rank(trials, 0))} of {first.candidates} candidates are done"]
    done += [
        f"{count} of {rung.candidates} were trained for {rung.length.describe()}"
        for number, rung in enumerate(others, start=1)
        if (count := len(rank(trials, number)))
    ]
    pairs = record.schedule.pairs
    records = [read_record(folder.proof(side, number)) for side in (PLANNED, TUNED) for number in range(pairs)]
    if any(records):
        finished = sum(one is not None and one.status == "finished" for one in records)
        done.append(f"{finished} of {2 * pairs} trainings of the proof are done")
    return f"Going on: {', '.join(done)}."
