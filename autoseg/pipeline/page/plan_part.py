"""The part of the page about the plan: what was decided, and why."""

from __future__ import annotations

from autoseg.pipeline.page.gathering import Gathered
from autoseg.reporting.page import Section, Table


def describe_plan(found: Gathered) -> Section:
    """Return the plan with its reasons."""
    explanation = found.explanation
    tables = [Table(title=one.title, columns=one.columns, rows=one.rows) for one in explanation.brief()]
    main = [(reason.what, reason.value, reason.why) for reason in explanation.reasons()]
    decisions = explanation.sections()[-1]
    blocks = [
        *tables,
        Table(title="Main decisions", columns=("what", "value", "why"), rows=main),
        Table(
            title=f"All {len(decisions.rows)} decisions, with their evidence",
            columns=decisions.columns,
            rows=decisions.rows,
            folded=True,
        ),
    ]
    lead = "What was decided for these data, and why. `autoseg explain` says the same."
    return Section(key="plan", title="The plan", lead=lead, blocks=blocks)
