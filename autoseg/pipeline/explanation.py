"""A plan with its reasons, as `explain` returns it."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from autoseg.pipeline.selection_text import describe_selection

if TYPE_CHECKING:
    from autoseg.models import Selection
    from planners.editing.brief import Known, Reason
    from planners.editing.explain import Section
    from planners.plan import Plan


@dataclass(frozen=True, kw_only=True, slots=True)
class Explanation:
    """A plan and the reasons for it.

    Attributes:
        known: its folds, and what trainings took.
        selection: what `select` chose of its trained configurations, with the evidence; None where nothing was chosen.
    """

    plan: Plan
    known: Known
    selection: Selection | None = None

    def brief(self) -> tuple[Section, ...]:
        """Return what matters first as two tables: the plan with its expected time, and its configurations."""
        from planners.editing.brief import brief_sections

        return brief_sections(self.plan, self.known)

    def reasons(self) -> tuple[Reason, ...]:
        """Return why the main values are what they are."""
        from planners.editing.brief import main_reasons

        return main_reasons(self.plan)

    def sections(self) -> tuple[Section, ...]:
        """Return the plan, its configurations side by side, and why each value is what it is, as tables of texts."""
        from planners.editing.explain import explain_plan

        return explain_plan(self.plan)

    def values(self) -> dict[str, Any]:
        """Return the plan as plain values, for other programs."""
        from dataset_fingerprints.files.jsonfiles import to_json
        from planners.editing.explain import plan_as_json

        selected = {} if self.selection is None else {"selection": json.loads(to_json(self.selection))}
        return plan_as_json(self.plan) | selected

    def __str__(self) -> str:
        """Return what matters first as text, a line per row; `sections()` has everything."""
        tables = [
            "\n".join((section.title, *(" | ".join(row) for row in (section.columns, *section.rows))))
            for section in self.brief()
        ]
        reasons = "\n".join(f"{one.what}: {one.value}. {one.why}" for one in self.reasons())
        selected = () if self.selection is None else ("\n".join(describe_selection(self.selection)),)
        return "\n\n".join((*tables, reasons, *selected))
