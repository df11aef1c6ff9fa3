"""Files that a search has no use for any more: a disk holds dozens of trainings only as long as they may go on."""

from __future__ import annotations

from autoseg.pipeline.folds.restarting import remove
from autoseg.pipeline.tuning.proving import PLANNED, TUNED
from autoseg.pipeline.tuning.records import TuningRecord
from autoseg.pipeline.tuning.searching import read_trials
from autoseg.workspace.tuning import TuningFolder


def remove_weights(folder: TuningFolder, record: TuningRecord) -> None:
    """Remove the weights of all candidates, and what the trainings of the proof would go on from.

    Records, curves and scores stay, and so do weights and masks of the proof.

    Args:
        folder: of a search that has ended.
        record: of it.
    """
    tried = [folder.trial(trial.candidate.number) for trial in read_trials(folder)]
    proven = [folder.proof(side, number) for side in (PLANNED, TUNED) for number in range(record.schedule.pairs)]
    for one in tried:
        for path in (*one.weight_files(), one.validation.root):
            remove(path)
    for one in (*tried, *proven):
        remove(one.checkpoint)
