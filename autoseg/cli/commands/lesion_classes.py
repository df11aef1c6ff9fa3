"""The command `lesion_classes`: a classifier that gives every lesion its class."""

from __future__ import annotations

from autoseg.cli.options.model_options import ModelsOption, PlanOption, WorkspaceOption
from autoseg.cli.results.levels import show_levels
from autoseg.cli.results.written import show_start, show_written
from autoseg.cli.terminal.display import TerminalProgress, console, show_table

_NAMES = ("Classifier", "Weights", "Scores", "Levels")


def lesion_classes(
    workspace: WorkspaceOption = None,
    plan: PlanOption = None,
    configurations: ModelsOption = None,
) -> None:
    """Learn the classes of lesions from their shape and place, on masks of cases that the folds did not train on.

    Classes are the tasks of the cases, or the labels that the model finds as one. `predict` writes them from then on.
    """
    show_start()
    from autoseg.pipeline.faces.lesion_face import lesion_classes as learn

    learnt = learn(workspace, configurations=configurations or (), plan_name=plan, progress=TerminalProgress())
    about = learnt.classes
    rows = [
        (one.name, str(one.components), str(one.cases), "-" if one.found is None else str(one.found))
        for one in about.counts
    ]
    show_table("Components of out-of-fold masks", ("class", "components", "cases", "given their class"), rows)
    console.print(
        "Given their class: by classifiers without the fold of the component. "
        f"{about.untouched} more components touch no lesion of the reference.",
        soft_wrap=True,
    )
    show_levels(learnt.evaluation)
    for line in (about.describe(), *about.left_out):
        console.print(line, soft_wrap=True)
    show_written(zip(_NAMES, learnt.written, strict=True))
