"""`explain`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from autoseg.cli.commands.comparing import show_comparison
from autoseg.cli.options.data_options import choose_target
from autoseg.cli.options.exclusive import refuse_unused, was_given
from autoseg.cli.options.model_options import PlanOption, WorkspaceOption
from autoseg.cli.options.plan_options import PlanHoursOption, PlanMinutesOption, RuleOption, as_hours
from autoseg.cli.results.deciding import show_costs, show_explanation
from autoseg.cli.results.written import show_start
from autoseg.cli.terminal.display import show_plain
from autoseg.pipeline.faces import face
from dataset_fingerprints.publications import list_published

# With any of these, the plan of a workspace is not looked at.
_PLANS_ANEW = ("planner", "gpu_memory_gb", "rules", "max_hours", "max_minutes")


def explain(
    context: typer.Context,
    target: Annotated[
        str | None,
        typer.Argument(help="A workspace, a fingerprint.json, or a published data set such as atlas_r2_mni."),
    ] = None,
    workspace: WorkspaceOption = None,
    plan: PlanOption = None,
    planner: Annotated[str | None, typer.Option(help="Plan on the spot with this planner.")] = None,
    gpu_memory_gb: Annotated[float | None, typer.Option(help="Plan on the spot for a GPU with so many GiB.")] = None,
    rules: RuleOption = None,
    max_hours: PlanHoursOption = None,
    max_minutes: PlanMinutesOption = None,
    compare: Annotated[
        Path | None, typer.Option(help="Compare with another data set, named in the same ways as TARGET.")
    ] = None,
    everything: Annotated[
        bool, typer.Option("--all", help="Show every value and every decision, not only the main ones.")
    ] = False,
    cost: Annotated[
        bool,
        typer.Option(
            "--cost", help="Measure a small part of the work, and show only hours and gigabytes, here and elsewhere."
        ),
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
    place, hours = choose_target(target, workspace), as_hours(context, max_minutes, max_hours)
    refuse_unused(context, _find_unused(context, place, cost=cost))
    if cost and not as_json:
        show_start()
    found = face.explain(
        place,
        plan_name=plan,
        planner=planner,
        gpu_memory_gb=gpu_memory_gb,
        rules=rules or (),
        max_hours=hours,
        cost=cost,
    )
    if as_json:
        show_plain(json.dumps(found.values(), indent=1))
        return
    if found.costs is not None:
        show_costs(found.costs)
        return
    show_explanation(found, everything=everything)


def _find_unused(context: typer.Context, place: Path | None, *, cost: bool) -> dict[str, str]:
    """Return the options that would have no effect, each with the reason."""
    unused = {"everything": "shows decisions, and --cost shows costs: give one of the two"} if cost else {}
    anew = any(was_given(context, name) for name in _PLANS_ANEW)
    if anew or (place is not None and (place.is_file() or str(place) in list_published())):
        unused["plan"] = "names a plan of a workspace, but a plan is made on the spot here: leave it out"
    return unused
