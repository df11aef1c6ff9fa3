"""The report of a workspace: its parts in their order, as one page."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path

from autoseg.pipeline.folds.runs import name_folds
from autoseg.pipeline.page.attention_part import describe_doubts
from autoseg.pipeline.page.benchmark_part import describe_benchmark
from autoseg.pipeline.page.cases_part import describe_cases
from autoseg.pipeline.page.dataset_part import describe_dataset
from autoseg.pipeline.page.gathering import Gathered
from autoseg.pipeline.page.plan_part import describe_plan
from autoseg.pipeline.page.scores_part import describe_scores
from autoseg.pipeline.page.selection_part import describe_choice
from autoseg.pipeline.page.training_part import describe_trainings
from autoseg.progress import Progress
from autoseg.reporting.page import Page, Section
from dataset_fingerprints.installed import find_version
from dataset_fingerprints.sizes import show_bytes

_PARTS = 8


@dataclass(frozen=True, kw_only=True, slots=True)
class Beside:
    """Files from elsewhere that the page has a part about.

    Attributes:
        benchmark: a page that `autoseg benchmark` wrote; None for the workspace's own.
        predictions: a folder of masks that `predict` wrote; None for none.
    """

    benchmark: Path | None = None
    predictions: Path | None = None


def make_page(found: Gathered, beside: Beside, progress: Progress) -> Page:
    """Return the page about a workspace, with the parts that there is something for.

    Raises:
        AutosegError: a file is damaged, or one from elsewhere is not what it is taken for.
    """
    with progress.task("Drawing", _PARTS) as task:
        sections = []
        for section in _make_sections(found, beside):
            if section is not None:
                sections.append(section)
            task.advance()
    return Page(
        title=f"{found.dataset.name}: report of autoseg",
        facts=tuple(_state_facts(found)),
        sections=sections,
        made=_state_origin(),
        simulated=found.simulated,
    )


def state_size(page: Page, size: int) -> Page:
    """Return the page with its size at its end."""
    return replace(page, made=f"{page.made} It is {show_bytes(size)} large and loads nothing from anywhere.")


def _make_sections(found: Gathered, beside: Beside) -> Iterator[Section | None]:
    scored = found.evaluation is not None
    yield describe_doubts(found, beside.predictions)
    yield describe_scores(found) if scored else None
    yield describe_cases(found) if scored else None
    yield describe_choice(found)
    yield describe_benchmark(found, beside.benchmark)
    yield describe_dataset(found)
    yield describe_plan(found)
    yield describe_trainings(found) if found.folds else None


def _state_origin() -> str:
    return f"Made by autoseg {find_version() or '(not installed)'} on {datetime.now().astimezone():%Y-%m-%d %H:%M %Z}."


def _state_facts(found: Gathered) -> Iterator[tuple[str, str]]:
    yield "Cases", str(len(found.dataset.cases))
    named = [channel for channel in found.plan.channels if not channel.isdigit()]
    yield "Channels", ", ".join(named) or f"{len(found.plan.channels)}, without a name"
    yield "Regions" if found.plan.scheme.regions else "Labels", ", ".join(found.showing().names)
    yield "Configuration", found.configuration
    total, done = len(name_folds(found.splits)), len(found.validated())
    scored = f"{done} of {total}" if total else "none: the cases cannot be divided"
    yield "Folds scored", scored if found.folds else "none trained yet"
    if found.evaluation is not None:
        dice = found.evaluation.foreground_mean_dice
        yield "Mean Dice", f"{dice:.3f}{_show_interval(found)}"


def _show_interval(found: Gathered) -> str:
    """Return the interval of the Dice of a single label; the mean over several has none."""
    assert found.evaluation is not None
    if len(found.evaluation.summary) > 1:
        return " (mean over labels)"
    interval = found.evaluation.summary[0].statistics("dice").ci95
    return "" if interval is None else f" ({interval[0]:.3f} to {interval[1]:.3f})"
