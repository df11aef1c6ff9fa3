"""The public function of `lesion_classes`, as `import autoseg` offers it and the command line calls it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from autoseg.hardware import calm_threads
from autoseg.pipeline.faces.arguments import as_several, check_arguments
from autoseg.pipeline.faces.located import Location, find_located
from autoseg.progress import Progress, SilentProgress

if TYPE_CHECKING:
    from autoseg.pipeline.lesion_classes.learning import LearntClasses
    from autoseg.workspace.workspace import Workspace


def lesion_classes(
    workspace: Workspace | Location | None = None,
    *,
    configurations: Sequence[str] = (),
    plan_name: str | None = None,
    progress: Progress | None = None,
) -> LearntClasses:
    """Learn to give every lesion of a mask a class, such as its pathology, from its shape and place.

    The class of a training case's lesions is the case's task, or the label that the reference gives them where the
    model finds several labels as one. A classifier is trained on the components of all out-of-fold masks, and written
    into the workspace: from then on `predict` gives every component its class. Its scores are of classifiers that were
    trained without the fold that they judge.

    Args:
        workspace: with two trained folds or more, of a model of one label or region; None for the current directory's.
        configurations: that predict together; empty for those that are selected, or that the plan predicts with.
        plan_name: of the workspace's plan; None for `default`, or for the only one that there is; its `lesion_classes`
            names the classifier.
        progress: receiver of progress reports; None for none.

    Raises:
        WorkspaceError: nothing is trained, or lesions have no classes.
        DataError: fewer than two folds are trained, or their masks hold no lesion of some class.
    """
    check_arguments(locals())
    calm_threads()
    from autoseg.pipeline.lesion_classes.learning import learn_lesion_classes
    from autoseg.pipeline.plans.reading import choose_plan

    found, receiver = find_located(workspace), progress or SilentProgress()
    plan = choose_plan(found, plan_name, receiver)
    return learn_lesion_classes(found, plan, as_several(configurations), receiver)
