"""The fold of another configuration whose weights a fold starts from: which they were, and whether they have changed.

A plan says it (`Configuration.initial`); of a model that a person names, `starting.py` knows.
"""

from __future__ import annotations

from autoseg.models import load_weights
from autoseg.pipeline.folds.jobs import Job
from autoseg.pipeline.folds.out_of_fold import identify_weights
from autoseg.pipeline.next_steps import name_train
from autoseg.progress import Progress
from autoseg.training.initial import InitialWeights
from autoseg.training.record import TrainingRecord
from autoseg.workspace.fold import FoldFolder

# So much of a hash is shown.
_SHOWN = 12


def find_initial(job: Job) -> FoldFolder | None:
    """Return the folder of the fold whose weights a fold starts from, or None where its plan names none."""
    initial = job.configuration.initial
    return None if initial is None else job.workspace.fold(job.plan.name, initial.configuration, job.fold)


def read_initial(job: Job) -> InitialWeights | None:
    """Return the weights that a training starts from as its plan says, or None where it names none."""
    initial, folder = job.configuration.initial, find_initial(job)
    if initial is None or folder is None:
        return None
    # Of several snapshots the last one has been trained longest.
    return InitialWeights(tensors=load_weights(folder.weight_files()[-1]), layers=initial.layers)


def identify_initial(job: Job, earlier: TrainingRecord | None) -> str:
    """Return a hash of the weights that a training starts from, or has started from.

    Args:
        job: the fold.
        earlier: the record of a start before this one; a training that goes on from its checkpoint started then.

    Returns:
        The hash; empty where the plan names no other configuration, or where it was not written down at the start.
    """
    folder = find_initial(job)
    if folder is None:
        return ""
    if job.folder.checkpoint.is_file():
        return earlier.initial_weights if earlier is not None else ""
    return identify_weights(folder)


def report_changed_initial(job: Job, record: TrainingRecord | None, progress: Progress) -> None:
    """Say of a begun fold that the weights that it started from have changed since, if they have.

    Args:
        job: the fold.
        record: what an earlier start left.
        progress: receiver of the message.
    """
    folder = find_initial(job)
    if folder is None or record is None or not record.initial_weights or not _goes_on(job, record):
        return
    # Weights that are not there are nothing to start from: they were removed, or are being trained anew.
    now = identify_weights(folder) if folder.weight_files() else record.initial_weights
    if now == record.initial_weights:
        return
    minutes = job.minutes(record)
    options = () if minutes is None else ("--max-minutes", repr(minutes))
    command = name_train(job.workspace, job.plan, job.fold, "--restart", *options, configuration=job.name)
    progress.say(
        f"{job.folder.root}: started from weights of {folder.title()} that have changed since "
        f"({record.initial_weights[:_SHOWN]} then, {now[:_SHOWN]} now), and keeps what it has learnt from the earlier "
        f"ones. To start from those of now, begin it anew, which removes its weights and scores: {command}."
    )


def _goes_on(job: Job, record: TrainingRecord) -> bool:
    """Return whether a fold keeps what it has learnt: without a checkpoint, a training begins from nothing."""
    if job.restart or job.folder.restart.is_file():
        return False
    return record.status != "training" or job.folder.checkpoint.is_file()
