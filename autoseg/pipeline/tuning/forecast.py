"""Sentences on a search before it takes any time: what judges it, what it can prove, what scoring takes."""

from __future__ import annotations

import math
from collections.abc import Iterator

from scipy import special

from autoseg.pipeline.folds.validation_time import ValidationTime
from autoseg.pipeline.tuning.records import TuningRecord
from autoseg.pipeline.tuning.schedule import KEPT, Schedule
from autoseg.pipeline.tuning.trainings import Bench
from autoseg.pipeline.tuning.writing import describe_cases
from autoseg.selection.intervals import LEVEL
from dataset_fingerprints.durations import MINUTE, show_duration
from dataset_fingerprints.names import counted

# Standard deviation of subjects' gains, means over the trainings of either side: 0.024 to 0.056 in searches on
# simulated scans (experiments/LOG.md, "Searches with a planted rate").
USUAL_SPREAD = 0.05
# Of a first training's time; where scoring takes more, it is said.
_MOST_SCORING = 0.5


def forecast(bench: Bench, record: TuningRecord, comparisons: int) -> Iterator[str]:
    """Yield what is known of a search before its first training.

    Args:
        bench: of the search.
        record: what it was begun with.
        comparisons: that will have been made on the fold's validation cases, this one with them.
    """
    yield describe_cases(record)
    subjects = len({bench.units.get(case, case) for case in record.cases.validation})
    cases = counted(len(record.cases.validation), "case")
    power = describe_power(subjects, comparisons)
    yield f"Proof on the {cases} of {counted(subjects, 'subject')} of fold {record.fold}. {power}"
    together = bench.plan.ensemble
    if together[1:]:
        yield (
            f"Plan {bench.plan.name} predicts with {', '.join(together)} together. The search compares "
            f"{bench.job.name} alone, and says nothing of all together."
        )
    configuration = bench.job.configuration
    time = ValidationTime(inputs=bench.job.inputs, configuration=configuration)
    seconds = time.predict_final(record.inner.validation, 0.0, configuration.prediction)
    yield from describe_scoring(record.schedule, len(record.inner.validation), seconds)


def find_least_gain(subjects: int, comparisons: int = 1) -> float:
    """Return the gain from which on the interval of a proof lies above 0, if luck of trainings were nothing.

    Args:
        subjects: that a proof is judged on, at least 2.
        comparisons: made on them, for all of which the interval holds.
    """
    width = float(special.stdtrit(subjects - 1, 1 - (1 - LEVEL) / comparisons / 2))
    return width * USUAL_SPREAD / math.sqrt(subjects)


def describe_power(subjects: int, comparisons: int) -> str:
    """Return in sentences which gains so many subjects cannot prove."""
    several = f", the {comparisons} comparisons on these cases allowed for" if comparisons > 1 else ""
    return (
        f"A gain below about {find_least_gain(subjects, comparisons):.3f} cannot be proven on them{several}: so it is "
        f"where gains of single subjects have a standard deviation of {USUAL_SPREAD:g}, and luck of trainings makes it "
        "larger."
    )


def describe_scoring(schedule: Schedule, cases: int, seconds: float) -> Iterator[str]:
    """Yield a warning where scoring takes most of the first trainings.

    Args:
        schedule: of the search.
        cases: that candidates are compared on.
        seconds: that scoring them takes beside the network.
    """
    first = schedule.rungs[0]
    if first.length.minutes is None or seconds <= _MOST_SCORING * MINUTE * first.length.minutes:
        return
    fewer = max(2, first.candidates // KEPT)
    yield (
        f"Scoring {counted(cases, 'case')} takes about {show_duration(seconds)} beside the network, and a first "
        f"training has {first.length.describe()} for everything: few steps are left. Give more --hours, or fewer "
        f"candidates (--candidates {fewer})."
    )
