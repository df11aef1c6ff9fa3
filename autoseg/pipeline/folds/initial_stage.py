"""The fold of another configuration whose weights a fold starts from, and a hash of them.

A plan says it (`Configuration.initial`); of a model that a person names, `starting.py` knows.
"""

from __future__ import annotations

from autoseg.models import load_weights
from autoseg.pipeline.folds.jobs import Job
from autoseg.pipeline.folds.out_of_fold import identify_weights
from autoseg.training.initial import InitialWeights
from autoseg.training.record import TrainingRecord
from autoseg.workspace.fold import FoldFolder


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
