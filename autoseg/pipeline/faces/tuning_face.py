"""The public function of `tune`, as `import autoseg` offers it and the command line calls it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from autoseg.hardware import calm_threads
from autoseg.pipeline.faces.arguments import as_number, as_several, as_whole_number, check_arguments
from autoseg.pipeline.faces.located import Location, find_located
from autoseg.pipeline.selection.selecting_call import SCORES
from autoseg.progress import Progress, SilentProgress
from dataset_fingerprints.errors import ArgumentError, did_you_mean

if TYPE_CHECKING:
    from autoseg.models.selection import ScoreName
    from autoseg.pipeline.tuning.records import TuningRecord
    from autoseg.workspace.workspace import Workspace


def tune(
    workspace: Workspace | Location | None = None,
    fold: int | str = 0,
    *,
    hours: float | None = None,
    iterations: int | None = None,
    configuration: str | None = None,
    plan_name: str | None = None,
    over: Sequence[str] = (),
    candidates: int | None = None,
    score: ScoreName = "mean",
    seed: int = 0,
    restart: bool = False,
    progress: Progress | None = None,
) -> TuningRecord:
    """Search for better values of a plan, and write a plan with them where they are proven to be better.

    Candidates are trained and chosen on the fold's training cases; the best is trained beside the plan as it is, and
    both are compared on the fold's validation cases. Called again, it goes on with what is missing.

    Args:
        workspace: with a plan and preprocessed cases; None for the current directory's.
        fold: whose cases are used.
        hours: for the search and the proof together; needed unless `iterations` is given.
        iterations: steps of the longest trainings, in place of a share of the time.
        configuration: None for the plan's default.
        plan_name: of the workspace's plan; None for `default`, or for the only one that there is.
        over: what is varied, some of rate, loss, augmentation, features and patch; empty for all.
        candidates: that the search begins with; None for a number by the time.
        score: `mean` of Dice and lesion F1, `dice` or `lesion_f1`.
        seed: of the division of the training cases and of what is drawn.
        restart: begin anew, and remove what was searched before.
        progress: receiver of progress reports; None for none.

    Raises:
        AutosegError: something is missing, or the search was begun with other options or cases.
    """
    check_arguments(locals())
    if score not in SCORES:
        raise ArgumentError(f"score is {score!r}. {did_you_mean(str(score), SCORES)}")
    calm_threads()
    from autoseg.pipeline.plans.reading import choose_plan
    from autoseg.pipeline.tuning.options import TuningOptions
    from autoseg.pipeline.tuning.tuning import tune as run

    found, receiver = find_located(workspace), progress or SilentProgress()
    options = TuningOptions(
        plan_name=choose_plan(found, plan_name, receiver),
        configuration=configuration,
        hours=as_number(hours),
        iterations=as_whole_number(iterations),
        candidates=as_whole_number(candidates),
        over=as_several(over),
        score=score,
        seed=int(seed),
        restart=restart,
    )
    return run(found, str(fold), options, receiver)
