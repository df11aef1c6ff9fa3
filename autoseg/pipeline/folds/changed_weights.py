"""Weights of other configurations that a begun fold has used, and that have changed since: said, for it keeps its own.

A fold starts from such weights (`initial_stage.py`), or trains on masks that they made (`pseudo_labels.py`).
"""

from __future__ import annotations

from collections.abc import Iterator

from autoseg.pipeline.folds.initial_stage import find_initial
from autoseg.pipeline.folds.jobs import Job
from autoseg.pipeline.folds.out_of_fold import identify_weights
from autoseg.pipeline.folds.pseudo_labels import find_makers, identify_makers
from autoseg.pipeline.next_steps import name_train
from autoseg.progress import Progress
from autoseg.training.record import TrainingRecord

# So much of a hash is shown.
_SHOWN = 12


def report_changed_weights(job: Job, record: TrainingRecord | None, progress: Progress) -> None:
    """Say of a begun fold that weights of other configurations that it has used have changed since, if they have.

    Args:
        job: the fold.
        record: what an earlier start left.
        progress: receiver of the messages.
    """
    if record is None or not _goes_on(job, record):
        return
    for sentence in (*_describe_initial(job, record), *_describe_makers(job, record)):
        progress.say(f"{job.folder.root}: {sentence}: {_name_restart(job, record)}.")


def _describe_initial(job: Job, record: TrainingRecord) -> Iterator[str]:
    """Yield sentences on weights that the fold started from, where they are others by now."""
    folder, then = find_initial(job), record.initial_weights
    # Weights that are not there are nothing to start from: they were removed, or are being trained anew.
    if folder is None or not then or not folder.weight_files():
        return
    now = identify_weights(folder)
    if now != then:
        yield (
            f"started from weights of {folder.title()} that have changed since ({_show(then, now)}), and keeps what it "
            "has learnt from the earlier ones. To start from those of now, begin it anew, which removes its weights "
            "and scores"
        )


def _describe_makers(job: Job, record: TrainingRecord) -> Iterator[str]:
    """Yield sentences on weights that made the fold's pseudo-labels, where they are others by now."""
    folders, used = find_makers(job), record.pseudo_labelled
    if used is None or not folders or not all(folder.weight_files() for folder in folders):
        return
    now = identify_makers(folders)
    if now != used.weights:
        makers = " and ".join(folder.title() for folder in folders)
        yield (
            f"trains on masks that were made by weights of {makers} that have changed since "
            f"({_show(used.weights, now)}), and keeps these masks. To train on masks by the weights of now, begin it "
            "anew, which removes its weights and scores"
        )


def _goes_on(job: Job, record: TrainingRecord) -> bool:
    """Return whether a fold keeps what it has learnt: without a checkpoint, a training begins from nothing."""
    if job.restart or job.folder.restart.is_file():
        return False
    return record.status != "training" or job.folder.checkpoint.is_file()


def _show(then: str, now: str) -> str:
    return f"{then[:_SHOWN]} then, {now[:_SHOWN]} now"


def _name_restart(job: Job, record: TrainingRecord) -> str:
    """Return the command that begins the fold anew, with the minutes that it had."""
    minutes = job.minutes(record)
    options = () if minutes is None else ("--max-minutes", repr(minutes))
    return name_train(job.workspace, job.plan, job.fold, "--restart", *options, configuration=job.name)
