"""Rounds whose model was trained for few steps: it ranks scans hardly better than chance."""

from __future__ import annotations

from autoseg.pipeline.labelling.loop_state import OpenLoop
from autoseg.pipeline.labelling.training import choose_models
from autoseg.pipeline.models.short_trainings import measure_short
from autoseg.pipeline.models.trained_folds import find_trained
from autoseg.pipeline.plans.reading import read_plan
from dataset_fingerprints.names import counted


def describe_short_round(opened: OpenLoop) -> str:
    """Return sentences about the last round's model where it was trained for few steps; else nothing.

    Raises:
        AutosegError: the round has no trained model.
    """
    own, workspace = opened.loop.current(), opened.now().workspace
    choice = choose_models(own)
    plan, _ = read_plan(workspace, choice.plan_name)
    short = measure_short(find_trained(workspace, plan, choice.configurations, choice.folds).folders())
    if short is None:
        return ""
    steps, minutes = short
    return (
        f"The model of round {own.number} was trained for {counted(steps, 'step')} only: what it is unsure of says "
        f"little, and its masks are poor. Give the next round more time: `autoseg label train --max-minutes {minutes}`."
    )
