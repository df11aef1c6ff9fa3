"""Decisions of a plan and their reasons as text."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from rich.markup import escape
from rich.padding import Padding

from autoseg.cli.terminal.consoles import console
from autoseg.cli.terminal.tables import show_table
from dataset_fingerprints.simulated import mark_title

if TYPE_CHECKING:
    from autoseg.models import Selection
    from autoseg.pipeline.costs.costing import CostTable
    from autoseg.pipeline.plans.explanation import Explanation
    from planners.editing.brief import Reason

_INDENT = (0, 0, 0, 4)


def show_explanation(found: Explanation, *, everything: bool) -> None:
    """Show a plan: a page of what matters first, or every value and every decision."""
    sections = found.sections() if everything else found.brief()
    for section in sections[:2]:
        show_table(section.title, section.columns, section.rows)
    if everything:
        _show_reasons(sections[-1].title, sections[-1].rows)
    else:
        _show_main_reasons(found.reasons())
    if found.selection is not None:
        show_selection(found.selection)
    for line in found.describe_measured():
        console.print(line, soft_wrap=True)


def show_costs(costs: CostTable) -> None:
    """Show hours and gigabytes, a column per machine, and where the figures come from."""
    section = costs.section()
    show_table(section.title, section.columns, section.rows)
    for note in costs.notes():
        console.print(note, soft_wrap=True)


def show_selection(selection: Selection) -> None:
    """Show what was selected on the cross-validation, and why."""
    from autoseg.pipeline.selection.selection_text import COLUMNS, describe_rows, describe_selection

    title = mark_title("Selection on the cross-validation", selection.simulated)
    show_table(title, COLUMNS, describe_rows(selection.evidence))
    for line in describe_selection(selection):
        console.print(line, soft_wrap=True)


def _show_main_reasons(reasons: Sequence[Reason]) -> None:
    """Show the main decisions, each with the rule behind it."""
    for reason in reasons:
        console.print(f"[bold]{escape(reason.what)}: {escape(reason.value)}[/]", markup=True)
        console.print(Padding(escape(reason.why), _INDENT), markup=True)
    console.print("Everything else, and what would change it: `autoseg explain --all`.", soft_wrap=True)


def _show_reasons(title: str, rows: Sequence[Sequence[str]]) -> None:
    """Show decisions: subject, field and value, the rule, the evidence, and what would change it."""
    console.print(f"\n{title}", style="bold")
    for what, field_name, value, rule, evidence, change in rows:
        console.print(f"\n[bold]{escape(what)}: {escape(value)}[/] [dim]{escape(field_name)}[/]", markup=True)
        for name, text in (("why", rule), ("found", evidence), ("would change with", change)):
            console.print(Padding(f"[dim]{name}:[/] {escape(text)}", _INDENT), markup=True)
