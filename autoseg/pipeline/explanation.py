"""A plan with its reasons, as `explain` returns it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from planners.editing.brief import Known, Reason
    from planners.editing.explain import Section
    from planners.plan import Plan


@dataclass(frozen=True, kw_only=True, slots=True)
class Explanation:
    """A plan and the reasons for it.

    Attributes:
        known: its folds, and what trainings took.
    """

    plan: Plan
    known: Known

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
        from planners.editing.explain import plan_as_json

        return plan_as_json(self.plan)

    def __str__(self) -> str:
        """Return what matters first as text, a line per row; `sections()` has everything."""
        tables = [
            "\n".join((section.title, *(" | ".join(row) for row in (section.columns, *section.rows))))
            for section in self.brief()
        ]
        return "\n\n".join((*tables, "\n".join(f"{one.what}: {one.value}. {one.why}" for one in self.reasons())))
