"""A plan with its reasons, as `explain` returns it."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from autoseg.pipeline.selection.selection_text import describe_selection

if TYPE_CHECKING:
    from autoseg.models import Selection
    from autoseg.models.lesion_classifier import LesionClasses
    from autoseg.models.predicted_dice import DiceCalibration
    from autoseg.models.quality import MeasuredEfforts
    from autoseg.pipeline.confidence.holding import Holding
    from autoseg.pipeline.costs.costing import CostTable
    from planners.editing.brief import Known, Reason
    from planners.editing.explain import Section
    from planners.plan import Plan


@dataclass(frozen=True, kw_only=True, slots=True)
class Explanation:
    """A plan and the reasons for it.

    Attributes:
        known: its folds, and what trainings took.
        holding: what was selected and measured of its trained configurations; None where nothing was.
        costs: in hours and gigabytes, here and elsewhere; None where they were not asked for.
    """

    plan: Plan
    known: Known
    holding: Holding | None = None
    costs: CostTable | None = None

    @property
    def selection(self) -> Selection | None:
        """What `select` chose of the trained configurations, with the evidence; None where nothing is used."""
        return None if self.holding is None else self.holding.selection

    @property
    def efforts(self) -> tuple[MeasuredEfforts, ...]:
        """What flips and overlaps bring, of the configurations of which that was measured."""
        return () if self.holding is None else self.holding.efforts

    @property
    def predicted_dice(self) -> tuple[DiceCalibration, ...]:
        """How well the Dice of masks is predicted."""
        return () if self.holding is None else self.holding.predicted_dice

    @property
    def lesion_classes(self) -> LesionClasses | None:
        """The classifier that gives lesions their classes; None where they get none."""
        return None if self.holding is None else self.holding.lesion_classes

    @property
    def unused(self) -> tuple[str, ...]:
        """In sentences, what was selected or measured, but with other weights than those of today."""
        return () if self.holding is None else self.holding.unused

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

        found: dict[str, Any] = {"selection": self.selection, "quality": self.efforts}
        found |= {"predicted_dice": self.predicted_dice, "lesion_classes": self.lesion_classes}
        found |= {"unused": list(self.unused), "costs": None if self.costs is None else self.costs.costs}
        return plan_as_json(self.plan) | {name: json.loads(to_json(value)) for name, value in found.items() if value}

    def __str__(self) -> str:
        """Return what matters first as text, a line per row; `sections()` has everything."""
        tables = [
            "\n".join((section.title, *(" | ".join(row) for row in (section.columns, *section.rows))))
            for section in (*self.brief(), *(() if self.costs is None else (self.costs.section(),)))
        ]
        notes = () if self.costs is None else ("\n".join(self.costs.notes()),)
        reasons = "\n".join(f"{one.what}: {one.value}. {one.why}" for one in self.reasons())
        selected = () if self.selection is None else ("\n".join(describe_selection(self.selection)),)
        measured = "\n".join(self.describe_measured())
        return "\n\n".join((*tables, *notes, reasons, *selected, *([measured] if measured else [])))

    def describe_measured(self) -> tuple[str, ...]:
        """Return what was measured of the trained models beside their scores, and what is not used, in sentences."""
        classes = () if self.lesion_classes is None else (self.lesion_classes.describe(),)
        if not self.efforts and not self.predicted_dice:
            return (*classes, *self.unused)
        from autoseg.pipeline.confidence.texts import describe_measured

        return (*describe_measured(self.efforts, self.predicted_dice), *classes, *self.unused)
