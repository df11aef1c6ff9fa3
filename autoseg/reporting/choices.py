"""The evidence behind a selection as a picture: scores by threshold and by smallest volume, and what was gained."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from matplotlib.axes import Axes

from autoseg.reporting.canvas import INK, QUIET, make_figure, save_png
from autoseg.reporting.flow import fit
from dataset_fingerprints.names import counted
from dataset_fingerprints.simulated import mark_title

if TYPE_CHECKING:  # drawing needs no torch
    from autoseg.models.selection import Selection, Trial, Tried

# A row of panels per label or region; of very many only the first.
MOST_ROWS = 6
_WIDTH, _ROW, _HEAD, _FOOT = 1200, 330, 92, 110
_USUAL = 0.5
_TAKEN, _LEFT = "#1f9d76", "#8a939c"
_LINES = (("score", "#1b1f24", 2.2), ("dice", "#2a7fb8", 1.4), ("lesion_f1", "#d1495b", 1.4))
_NAMES = {"score": "score", "dice": "Dice", "lesion_f1": "lesion F1"}
_SCORES = {"mean": "mean of Dice and lesion F1", "dice": "Dice", "lesion_f1": "lesion F1"}


def draw_selection(selection: Selection, path: Path) -> None:
    """Write a PNG with a row per label or region: score by threshold, by smallest volume, and the gain of the best.

    Args:
        selection: with its evidence.
        path: the file to write.
    """
    evidence = selection.evidence
    trials = [trial for trial in evidence.trials if trial.subject][:MOST_ROWS]
    height = _HEAD + _ROW * max(1, len(trials)) + _FOOT
    figure = make_figure(_WIDTH, height)
    figure.subplots_adjust(
        left=0.05, right=0.985, wspace=0.34, hspace=0.5, top=1 - _HEAD / height, bottom=_FOOT / height
    )
    title = mark_title("Selection on the cases that no fold has trained on", selection.simulated)
    figure.suptitle(title, fontsize=13, fontweight="bold", color=INK, y=1 - 14 / height, va="top")
    under = (
        f"{' and '.join(selection.configurations)}; {counted(evidence.cases, 'case')} of "
        f"{counted(evidence.subjects, 'subject')}; score: {_SCORES[evidence.score]}"
    )
    figure.text(0.5, 1 - 48 / height, fit(under, _WIDTH - 80, 10), ha="center", color=QUIET, fontsize=10)
    panels = figure.subplots(max(1, len(trials)), 3, squeeze=False)
    for row, trial in zip(panels, trials, strict=False):
        _draw_thresholds(row[0], trial)
        _draw_volumes(row[1], trial)
        _draw_gain(row[2], trial, evidence.level)
    note = (
        "Curves show fixed rules on all cases: the highest point looks better than it is. The gain on the right was "
        "measured on cases without a part in the choice."
    )
    figure.text(0.05, 18 / height, note, color=QUIET, fontsize=9)
    handles, names = panels[0, 0].get_legend_handles_labels()
    place: dict[str, Any] = {"loc": "center left", "bbox_to_anchor": (0.045, 50 / height), "ncols": 4, "borderpad": 0.0}
    figure.legend(handles, names, fontsize=9, frameon=False, labelcolor=INK, **place)
    save_png(figure, path)


def _draw_thresholds(axes: Axes, trial: Trial) -> None:
    """Draw the scores of thresholds without post-processing."""
    plain = [one for one in trial.tried if one.volume_mm3 == 0 and not one.filled]
    _start(axes, f"{trial.subject}: threshold, no post-processing", "probability from which a voxel is marked")
    _draw_lines(axes, plain, _threshold)
    best = trial.tried[trial.place] if trial.tried else None
    _mark_best(axes, trial, _threshold if best in plain else None)


def _draw_volumes(axes: Axes, trial: Trial) -> None:
    """Draw the scores of smallest volumes, at the threshold and with the filling of the best rule."""
    best = trial.tried[trial.place] if trial.tried else None
    if best is None:
        return
    others = [] if best.threshold is None else [f"threshold {best.threshold:g}"]
    others += ["filled holes"] if best.filled else []
    _start(axes, ", ".join((f"{trial.subject}: smallest volume", *others)), "mm3 of a component that stays")
    same = [
        one
        for one in trial.tried
        if one.volume_mm3 is not None and (one.threshold, one.filled) == (best.threshold, best.filled)
    ]
    _draw_lines(axes, same, _volume)
    _mark_best(axes, trial, _volume if best in same else None)


def _threshold(one: Tried) -> float:
    return _USUAL if one.threshold is None else one.threshold


def _volume(one: Tried) -> float:
    return one.volume_mm3 or 0.0


def _draw_lines(axes: Axes, tried: Sequence[Tried], place: Callable[[Tried], float]) -> None:
    ordered = sorted(tried, key=place)
    for name, colour, width in _LINES:
        values = [getattr(one, name) for one in ordered]
        axes.plot(
            [place(one) for one in ordered], values, color=colour, linewidth=width, marker=".", label=_NAMES[name]
        )


def _mark_best(axes: Axes, trial: Trial, place: Callable[[Tried], float] | None) -> None:
    """Mark the best rule: as a point of the curve, or as a line where it is of another kind."""
    if not trial.tried:
        return
    best = trial.tried[trial.place]
    colour = _TAKEN if trial.taken else _LEFT
    what = "taken" if trial.taken else "best, not taken"
    if place is None:
        axes.axhline(best.score, color=colour, linewidth=1.4, linestyle="--", label=f"score, {what}")
    else:
        face = colour if trial.taken else "white"
        style: dict[str, Any] = {
            "markersize": 11,
            "markerfacecolor": face,
            "markeredgecolor": colour,
            "markeredgewidth": 2.0,
        }
        axes.plot([place(best)], [best.score], "o", zorder=5, label=what, **style)


def _draw_gain(axes: Axes, trial: Trial, level: float) -> None:
    """Draw the cross-fitted gain with its interval, and changes of Dice and recall."""
    change = trial.change
    _start(
        axes,
        f"{'Taken' if trial.taken else 'Not taken'}: {trial.best}",
        f"change, with the {100 * level:g} % interval of the score's",
    )
    rows: list[tuple[str, float | None]] = [
        ("score", change.gain.mean),
        ("Dice", change.dice),
        ("recall, large", change.large_recall),
        ("recall, small", change.small_recall),
    ]
    colour = _TAKEN if trial.taken else _LEFT
    axes.axvline(0, color=INK, linewidth=1.0)
    for place, (_, value) in enumerate(rows):
        if value is not None:
            axes.plot([value], [-place], "o", color=colour, markersize=8)
            axes.annotate(f"{value:+.3f}", (value, -place), (0, 8), textcoords="offset points", ha="center", fontsize=8)
    axes.plot([change.gain.low, change.gain.high], [0, 0], color=colour, linewidth=2.5)
    axes.set_yticks([-place for place in range(len(rows))], [name for name, _ in rows], color=INK, fontsize=9)
    axes.set_ylim(-len(rows) + 0.4, 0.8)
    axes.margins(x=0.15)


def _start(axes: Axes, head: str, below: str) -> None:
    axes.set_title(fit(head, 300, 10), fontsize=10, color=INK, loc="left", parse_math=False)
    axes.set_xlabel(below, color=QUIET, fontsize=9)
    axes.grid(visible=True, color="#e6e8eb", linewidth=0.8)
    axes.spines[["top", "right"]].set_visible(False)
    axes.tick_params(labelsize=8)
