"""Pictures of volumes beside files of scores and of agreement."""

from __future__ import annotations

from pathlib import Path

from autoseg.evaluation import Evaluation
from autoseg.evaluation.analysis.readers import ReaderAgreement
from autoseg.evaluation.analysis.volumes import SizeSummary, VolumeAgreement, summarise_sizes
from autoseg.pipeline.scores.case_tables import choose_name
from autoseg.reporting.canvas import is_drawn
from autoseg.reporting.volumes import Differences, Sizes, draw_volumes
from dataset_fingerprints.simulated import mark_title

# Panels of one picture, of labels or of pairs of readers.
_MOST = 12


def place_picture(path: Path) -> Path:
    """Return where a picture can be written: nobody else's file is replaced by it."""
    return choose_name(path, is_drawn)


def draw_sizes(path: Path, evaluation: Evaluation) -> bool:
    """Draw for each label differences of volumes, and Dice over the volume; return whether there is anything."""
    panels: list[Differences | Sizes] = []
    sizes = summarise_sizes(evaluation)
    for one in sizes[: _MOST // 2]:
        of = f"{evaluation.name_of(one.label)}: " if len(sizes) > 1 else ""
        titles = (f"{of}predicted minus reference volume", f"{of}Dice over volume")
        first, second = (mark_title(title[:1].upper() + title[1:], evaluation.simulated) for title in titles)
        differences = _differences(one.agreement, first)
        if differences is not None:
            panels += [differences, _sizes(one, second)]
    if panels:
        draw_volumes(panels, path)
    return bool(panels)


def draw_readers(path: Path, agreement: ReaderAgreement) -> bool:
    """Draw the differences of volumes of every pair of raters; return whether there is anything."""
    several = len(agreement.names) > 1
    panels = []
    for one in agreement.volumes[:_MOST]:
        of = f"{agreement.names[one.label]}: " if several else ""
        panel = _differences(one, mark_title(f"{of}{one.second} minus {one.first}", agreement.simulated))
        panels += [panel] if panel is not None else []
    if panels:
        draw_volumes(panels, path)
    return bool(panels)


def _differences(one: VolumeAgreement, title: str) -> Differences | None:
    if one.limits is None:
        return None
    limits = one.limits
    return Differences(
        title=title,
        first=one.first_ml,
        second=one.second_ml,
        bias=limits.bias,
        lower=limits.lower,
        upper=limits.upper,
    )


def _sizes(one: SizeSummary, title: str) -> Sizes:
    trend = one.trend
    note = "" if trend is None else f"{trend.slope:+.3f} where ten times as large"
    note += f", R² = {trend.r2:.2f}" if trend is not None and trend.r2 is not None else ""
    return Sizes(
        title=title,
        volumes=one.agreement.first_ml,
        dice=one.dice,
        slope=None if trend is None else trend.slope,
        intercept=0.0 if trend is None else trend.intercept,
        note=note,
    )
