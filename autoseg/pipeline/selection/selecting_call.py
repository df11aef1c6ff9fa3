"""The public function of `select`, as `import autoseg` offers it and the command line calls it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from autoseg.hardware import calm_threads
from autoseg.pipeline.faces.arguments import as_several, check_arguments
from autoseg.pipeline.faces.located import Location, find_located
from autoseg.progress import Progress, SilentProgress
from dataset_fingerprints.errors import ArgumentError, did_you_mean

if TYPE_CHECKING:
    from autoseg.models import Selection
    from autoseg.models.selection import ScoreName
    from autoseg.workspace.workspace import Workspace

SCORES: tuple[ScoreName, ...] = ("mean", "dice", "lesion_f1")


def select(
    workspace: Workspace | Location | None = None,
    *,
    configurations: Sequence[str] = (),
    plan_name: str | None = None,
    score: ScoreName = "mean",
    progress: Progress | None = None,
) -> Selection:
    """Choose what predicts new scans best, on the cross-validation, and write it into the workspace.

    Tried are configurations and averages of them, thresholds, and post-processing; each is taken only where its gain on
    cases that had no part in the choice is more than chance.

    Args:
        workspace: with trained folds; None for the current directory's.
        configurations: to choose from; empty for all that are trained.
        plan_name: of the workspace's plan; None for `default`, or for the only one that there is.
        score: `mean` of Dice and lesion F1, `dice` or `lesion_f1`.
        progress: receiver of progress reports; None for none.

    Raises:
        WorkspaceError: fewer than two folds are trained and validated, or their files are damaged.
        PlanError: there is no such configuration.
    """
    check_arguments(locals())
    if score not in SCORES:
        raise ArgumentError(f"score is {score!r}. {did_you_mean(str(score), SCORES)}")
    calm_threads()
    from autoseg.pipeline.confidence.measuring import measure_selected
    from autoseg.pipeline.lesion_classes.learning import learn_if_planned
    from autoseg.pipeline.plans.reading import choose_plan
    from autoseg.pipeline.selection.selecting import SelectionOptions
    from autoseg.pipeline.selection.selecting import select as run

    place, receiver = find_located(workspace), progress or SilentProgress()
    plan = choose_plan(place, plan_name, receiver)
    options = SelectionOptions(plan_name=plan, configurations=as_several(configurations), score=score)
    selection = run(place, options, receiver)
    measure_selected(place, plan, receiver)
    learn_if_planned(place, plan, receiver)
    return selection
