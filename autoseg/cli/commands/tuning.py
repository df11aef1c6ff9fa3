"""`tune`: better values of a plan in a given time, proven or not taken."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path
from typing import Annotated, Literal

import typer

from autoseg.cli.options.exclusive import refuse_unused
from autoseg.cli.options.model_options import PlanOption, WorkspaceOption
from autoseg.cli.results.written import show_start, show_written
from autoseg.cli.terminal.display import TerminalProgress, console, show_table
from dataset_fingerprints.errors import AutosegError


def _has_searched(workspace: Path | None) -> bool:
    """Return whether a search was begun in a workspace, as far as there is one; others are judged where they are."""
    from autoseg.workspace.workspace import find_workspace

    with suppress(AutosegError):
        return bool(find_workspace(workspace).tunings())
    return False


def tune(
    context: typer.Context,
    fold: Annotated[
        str, typer.Argument(help="0 to 4: searched on its training cases, proven on its validation cases.")
    ] = "0",
    workspace: WorkspaceOption = None,
    hours: Annotated[float | None, typer.Option(help="For search and proof together; needed, or --iterations.")] = None,
    max_minutes: Annotated[float | None, typer.Option(help="The same in minutes.")] = None,
    iterations: Annotated[
        int | None, typer.Option(help="Steps of the longest trainings, in place of a share of the time.")
    ] = None,
    configuration: Annotated[
        str | None, typer.Option("--configuration", "-c", help="One of the plan's, such as 2d; else its default.")
    ] = None,
    plan: PlanOption = None,
    over: Annotated[
        list[str] | None,
        typer.Option(help="What is varied: rate, loss, augmentation, features, patch; repeatable. Default: all."),
    ] = None,
    candidates: Annotated[
        int | None, typer.Option(help="That the search begins with, the plan as it is among them; else by the time.")
    ] = None,
    score: Annotated[
        Literal["mean", "dice", "lesion_f1"],
        typer.Option(help="What counts: Dice, lesion F1, or the mean of both."),
    ] = "mean",
    seed: Annotated[int, typer.Option(help="Seed of the division of cases and of what is drawn.")] = 0,
    restart: Annotated[bool, typer.Option("--restart", help="Begin anew: removes what was searched before.")] = False,
) -> None:
    """Search for better values of a plan in a given time, and take them only if they are proven to be better.

    What is taken becomes a plan of its own, called like the plan with -tuned behind. Ctrl-C keeps what is done: the
    same command goes on.
    """
    from autoseg.pipeline.tuning.options import TuningOptions
    from planners.editing.option_checks import MOST_HOURS, check_amount

    if max_minutes is not None:
        refuse_unused(context, {"hours": "is given beside --max-minutes: give one of the two"})
        check_amount("--max-minutes", max_minutes, 60 * MOST_HOURS, "more than 0")
    options = TuningOptions(
        hours=hours if max_minutes is None else max_minutes / 60,
        iterations=iterations,
        candidates=candidates,
        over=tuple(over or ()),
        seed=seed,
    )
    options.check()
    if restart or not _has_searched(workspace):
        options.refuse_short()
    show_start()
    from autoseg.pipeline.faces.located import find_located
    from autoseg.pipeline.faces.tuning_face import tune as run
    from autoseg.pipeline.tuning.searching import read_trials
    from autoseg.pipeline.tuning.tuning_text import columns, describe_outcome, rows
    from autoseg.pipeline.tuning.writing import title_of
    from dataset_fingerprints.simulated import mark_title

    found = find_located(workspace)
    record = run(
        found,
        fold,
        hours=options.hours,
        iterations=iterations,
        configuration=configuration,
        plan_name=plan,
        over=over or (),
        candidates=candidates,
        score=score,
        seed=seed,
        restart=restart,
        progress=TerminalProgress(),
    )
    folder = found.tuning(record.plan, record.configuration, record.fold)
    title = mark_title(title_of(record), record.simulated)
    show_table(title, columns(record.schedule), rows(record, read_trials(folder)))
    for line in describe_outcome(record):
        console.print(line, soft_wrap=True)
    written = record.outcome.plan if record.outcome else ""
    show_written(
        (
            ("Plan", found.plan(written) if written else None),
            ("Report", folder.text),
            ("Table", folder.table),
            ("Picture", folder.picture),
        )
    )
