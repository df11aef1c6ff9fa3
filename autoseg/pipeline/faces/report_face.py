"""The public function of `report`, as `import autoseg` offers it and the command line calls it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from autoseg.hardware import calm_threads
from autoseg.pipeline.faces.arguments import check_arguments
from autoseg.pipeline.faces.located import Location, find_located
from autoseg.progress import Progress, SilentProgress

if TYPE_CHECKING:
    from autoseg.workspace.workspace import Workspace


def report(
    workspace: Workspace | Location | None = None,
    *,
    plan_name: str | None = None,
    configuration: str | None = None,
    benchmark: Location | None = None,
    predictions: Location | None = None,
    out: Location | None = None,
    progress: Progress | None = None,
) -> Path:
    """Write all that a workspace holds as one page for a browser, and return its path.

    The page needs no network and no other file. It has what is there: the data and the plan before anything is trained,
    curves and scores of the folds that are.

    Args:
        workspace: that was planned in; None for the current directory's.
        plan_name: of the workspace's plan; None for `default`, or for the only one that there is.
        configuration: whose scores, curves and cases are shown; None for the plan's default, or the first trained one.
        benchmark: a page (.html) of `autoseg benchmark` whose tables are shown; None for benchmark.html in the
            workspace, where it is there.
        predictions: a folder of masks that `predict` wrote: its scans with a low predicted Dice are listed.
        out: a file, or a folder for it; None for the workspace's own place.
        progress: receiver of progress reports; None for none.

    Raises:
        AutosegError: there is no such plan or configuration, a file is damaged, or the page cannot be written there.
    """
    check_arguments(locals())
    calm_threads()
    from autoseg.pipeline.page.gathering import gather
    from autoseg.pipeline.page.making import Beside, make_page, state_size
    from autoseg.pipeline.page.writing import choose_place, write_page
    from autoseg.pipeline.plans.reading import choose_plan
    from autoseg.reporting.page import render_page

    found, receiver = find_located(workspace), progress or SilentProgress()
    place = choose_place(found, None if out is None else Path(out).absolute())
    beside = Beside(
        benchmark=None if benchmark is None else Path(benchmark).absolute(),
        predictions=None if predictions is None else Path(predictions).absolute(),
    )
    gathered = gather(found, choose_plan(found, plan_name, receiver), configuration)
    page = make_page(gathered, beside, receiver)
    write_page(place, render_page(state_size(page, len(render_page(page)))))
    return place
