"""`explain`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from autoseg.cli.commands.comparing import show_comparison
from autoseg.cli.options.data_options import choose_target
from autoseg.cli.options.exclusive import refuse_unused
from autoseg.cli.options.model_options import PlanOption, WorkspaceOption
from autoseg.cli.options.plan_options import PlanHoursOption, PlanMinutesOption, RuleOption, as_hours
from autoseg.cli.results.deciding import show_costs, show_explanation
from autoseg.cli.terminal.display import show_plain
from autoseg.pipeline.faces import face


def explain(
    context: typer.Context,
    target: Annotated[
        str | None,
        typer.Argument(help="A workspace, a fingerprint.json, or a published data set such as atlas_r2_mni."),
    ] = None,
    workspace: WorkspaceOption = None,
    plan: PlanOption = "default",
    planner: Annotated[str | None, typer.Option(help="Plan on the spot by these rules.")] = None,
    gpu_memory_gb: Annotated[float | None, typer.Option(help="Plan on the spot for a GPU with this memory.")] = None,
    rules: RuleOption = None,
    max_hours: PlanHoursOption = None,
    max_minutes: PlanMinutesOption = None,
    compare: Annotated[
        Path | None, typer.Option(help="Compare with another data set, named in any of these ways.")
    ] = None,
    everything: Annotated[
        bool, typer.Option("--all", help="Show every value and every decision, not only the main ones.")
    ] = False,
    cost: Annotated[
        bool, typer.Option(help="Measure a small part of the work, and show hours and gigabytes here and elsewhere.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON, for other programs.")] = False,
) -> None:
    """Show the decisions for a data set and their reasons, also before any scan is read; or compare two data sets."""
    if compare is not None:
        alone = "is about a plan, and --compare compares data sets: leave it out"
        unused = ("plan", "planner", "gpu_memory_gb", "rules", "max_hours", "max_minutes", "everything", "cost")
        refuse_unused(context, dict.fromkeys(unused, alone))
        show_comparison(target, workspace, compare, as_json=as_json)
        return
    found = face.explain(
        choose_target(target, workspace),
        plan_name=plan,
        planner=planner,
        gpu_memory_gb=gpu_memory_gb,
        rules=rules or (),
        max_hours=as_hours(context, max_minutes, max_hours),
        cost=cost,
    )
    if as_json:
        show_plain(json.dumps(found.values(), indent=1))
        return
    if found.costs is not None:
        show_costs(found.costs)
        return
    show_explanation(found, everything=everything)
