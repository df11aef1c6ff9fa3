"""What of a round's options can be refused before anything is planned, so that no refused option is kept."""

from __future__ import annotations

from autoseg.labelling.state import Training
from autoseg.pipeline.folds.jobs import TrainingOptions
from autoseg.pipeline.labelling.loop_state import OpenLoop
from autoseg.pipeline.plans.reading import read_plan
from autoseg.workspace.fold import ALL, FULL
from dataset_fingerprints.errors import PlanError
from dataset_fingerprints.names import check_fold_name
from planners.editing.overrides import refuse_unknown_fields, refuse_unknown_parts
from planners.editing.scaling import check_scale
from planners.plan import FOLDS

_PLAN = "default"


def check_training(training: Training) -> None:
    """Refuse at once what would else be kept for later rounds, and be refused when all cases are preprocessed.

    Raises:
        AutosegError: an option cannot be meant; the message names it.
    """
    if training.fold != ALL:
        check_fold_name(training.fold)
    check_scale(training.scale)
    refuse_unknown_fields(training.assignments)
    refuse_unknown_parts(training.assignments)
    TrainingOptions(iterations=training.iterations, max_minutes=training.max_minutes).check()


def check_fold(found: OpenLoop, number: int, fold: str) -> None:
    """Refuse a fold that a round cannot have.

    Args:
        found: the loop.
        number: of the round, whose folds are those of the round before, as far as that has any.
        fold: a number, `full` or `all`.

    Raises:
        PlanError: there is no such fold.
    """
    if fold in (ALL, FULL):
        return
    count = _count_folds(found, number)
    if int(fold) >= count:
        numbers = ", ".join(map(str, range(count)))
        raise PlanError(
            f"There is no fold '{fold}' (--fold). Give one of {numbers}, or `{FULL}` for one model of all cases, or "
            f"`{ALL}` for all folds."
        )


def _count_folds(found: OpenLoop, number: int) -> int:
    """Return the number of folds of the round or the one before; where none is planned, the most that are made."""
    for earlier in (number, number - 1):
        workspace = found.folder.round(earlier).workspace
        if earlier > 0 and workspace.splits(_PLAN).is_file():
            folds = read_plan(workspace, _PLAN)[1].folds
            if len(folds) > 1:
                return len(folds)
    return FOLDS
