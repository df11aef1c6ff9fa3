"""Conventions: sets of metrics with their options, by name."""

from __future__ import annotations

from autoseg.evaluation.conventions.convention import (
    Convention,
    NamedMetric,
    add_figures,
    add_metrics,
    choose_metrics,
    name_metric,
)
from autoseg.evaluation.conventions.own import AUTOSEG, DICE_ONLY
from autoseg.evaluation.conventions.published import PUBLISHED
from dataset_fingerprints.errors import PlanError, did_you_mean

CONVENTIONS: dict[str, Convention] = {convention.name: convention for convention in (AUTOSEG, *PUBLISHED)}
DEFAULT_CONVENTION = AUTOSEG

__all__ = [
    "CONVENTIONS",
    "DEFAULT_CONVENTION",
    "DICE_ONLY",
    "Convention",
    "NamedMetric",
    "add_figures",
    "add_metrics",
    "choose_convention",
    "choose_metrics",
    "name_metric",
]


def choose_convention(name: str) -> Convention:
    """Return a convention by its name.

    Raises:
        PlanError: there is none of that name.
    """
    if name not in CONVENTIONS:
        raise PlanError(f"there is no convention '{name}'. {did_you_mean(name, CONVENTIONS)}")
    return CONVENTIONS[name]
