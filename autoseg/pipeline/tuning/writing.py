"""What a search leaves for people: its words and tables, a table for a spreadsheet, a picture."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from autoseg.pipeline.scores.case_tables import SIMULATED, Table, write_table
from autoseg.pipeline.selection.selection_text import SCORE_WORDS
from autoseg.pipeline.tuning.records import TrialRecord, TuningRecord
from autoseg.pipeline.tuning.tuning_text import columns, describe_outcome, rows
from autoseg.reporting.tuning import Climb, ProvenGain, TuningPicture, draw_tuning
from autoseg.workspace.tuning import TuningFolder
from dataset_fingerprints.files.atomic import write_bytes
from dataset_fingerprints.names import counted
from dataset_fingerprints.simulated import mark_title

# Candidates that are drawn with their names, beside the plan as it is.
_NAMED = 3


def write_report(folder: TuningFolder, record: TuningRecord, trials: Sequence[TrialRecord]) -> None:
    """Write Markdown, CSV and the picture of a search, as far as it is."""
    write_bytes(folder.text, "\n".join(_write_markdown(record, trials)).encode())
    names, found = columns(record.schedule), rows(record, trials)
    mark = {SIMULATED: "yes"} if record.simulated else {}
    table = Table(columns=(*names, *mark), rows=tuple(dict(zip(names, row, strict=True)) | mark for row in found))
    write_table(folder.table, table)
    if any(trial.results for trial in trials):
        draw_tuning(_picture(record, trials), folder.picture)


def title_of(record: TuningRecord) -> str:
    """Return what was searched on, for a head."""
    return f"Search on fold {record.fold} of {record.configuration}, plan {record.plan}"


def _write_markdown(record: TuningRecord, trials: Sequence[TrialRecord]) -> Iterator[str]:
    yield f"# {mark_title(title_of(record), record.simulated)}"
    yield ""
    for sentence in describe_outcome(record):
        yield f"{sentence}\n"
    yield f"{record.schedule.describe()}\n"
    yield f"{describe_cases(record)}\n"
    names = columns(record.schedule)
    yield f"| {' | '.join(names)} |"
    yield "|" + "---|" * len(names)
    for row in rows(record, trials):
        yield f"| {' | '.join(cell.replace('|', '/') for cell in row)} |"
    yield ""


def describe_cases(record: TuningRecord) -> str:
    """Return in a sentence which cases a search uses for what."""
    return (
        f"Candidates are trained on {counted(len(record.inner.train), 'case')} of the fold's training cases and "
        f"compared on the other {len(record.inner.validation)}; score: {SCORE_WORDS[record.score]}. Seed {record.seed}."
    )


def _picture(record: TuningRecord, trials: Sequence[TrialRecord]) -> TuningPicture:
    scored = [trial for trial in trials if trial.results]
    # The best are those that came farthest, by their scores there.
    reached = sorted(scored, key=lambda one: (-len(one.results), -one.results[-1].score))
    named = {0, *(trial.candidate.number for trial in reached[:_NAMED])}
    climbs = tuple(
        Climb(
            name=f"{trial.candidate.number}: {trial.candidate.describe()}",
            scores=tuple(result.score for result in trial.results),
            named=trial.candidate.number in named,
        )
        for trial in scored
    )
    question = record.outcome.trial if record.outcome else None
    gain = question.change.gain if question else None
    return TuningPicture(
        title=title_of(record),
        under=next(describe_outcome(record)),
        score=SCORE_WORDS[record.score][:1].upper() + SCORE_WORDS[record.score][1:],
        rungs=tuple(rung.length.describe() for rung in record.schedule.rungs),
        climbs=climbs,
        gain=ProvenGain(mean=gain.mean, low=gain.low, high=gain.high, taken=question.taken)
        if gain and question
        else None,
        simulated=record.simulated,
    )
