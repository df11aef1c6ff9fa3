"""A search as a picture: every candidate's score after each rung, and what the best one gained in the proof."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from matplotlib.axes import Axes

from autoseg.reporting.canvas import INK, QUIET, choose_colour, darken, make_figure, save_png
from autoseg.reporting.flow import fit
from dataset_fingerprints.simulated import mark_title

_WIDTH, _HEIGHT = 1200, 560
_NAME_WIDTH = 300
_OTHERS = "#b9c0c7"
_TAKEN, _LEFT = "#1f9d76", "#8a939c"


@dataclass(frozen=True, kw_only=True, slots=True)
class Climb:
    """Scores of one candidate.

    Attributes:
        name: in words.
        scores: by rung, as far as it came.
        named: whether it is drawn in a colour, with its name.
    """

    name: str
    scores: tuple[float, ...]
    named: bool


@dataclass(frozen=True, kw_only=True, slots=True)
class ProvenGain:
    """A gain on cases that the search did not see, and its interval."""

    mean: float
    low: float
    high: float
    taken: bool


@dataclass(frozen=True, kw_only=True, slots=True)
class TuningPicture:
    """Content of the picture.

    Attributes:
        title: its head.
        under: a line below.
        score: that counts, in words.
        rungs: their lengths, in words.
        climbs: of all candidates that have a score.
        gain: of the best one; None without a proof.
        simulated: whether the scans are.
    """

    title: str
    under: str
    score: str
    rungs: tuple[str, ...]
    climbs: tuple[Climb, ...]
    gain: ProvenGain | None
    simulated: bool = False


def draw_tuning(content: TuningPicture, path: Path) -> None:
    """Write a PNG of two panels: scores of candidates by rung, and the proven gain."""
    figure = make_figure(_WIDTH, _HEIGHT)
    figure.subplots_adjust(left=0.06, right=0.985, top=0.8, bottom=0.2, wspace=0.16)
    title = mark_title(content.title, content.simulated)
    figure.suptitle(title, fontsize=13, fontweight="bold", color=INK, y=0.975, va="top", parse_math=False)
    under = fit(content.under, _WIDTH - 80, 10)
    figure.text(0.5, 0.885, under, ha="center", color=QUIET, fontsize=10, parse_math=False)
    panels = figure.subplots(1, 2, width_ratios=(3, 1))
    _draw_climbs(panels[0], content)
    _draw_gain(panels[1], content.gain)
    note = (
        "Left: on the inner validation cases, which the search chooses by: the highest point looks better than it is. "
        "Right: on cases that the search never saw."
    )
    figure.text(0.06, 0.03, note, color=QUIET, fontsize=9)
    save_png(figure, path)


def _draw_climbs(axes: Axes, content: TuningPicture) -> None:
    """Draw a line per candidate, the named ones in front."""
    axes.set_title(f"{content.score} after each round", fontsize=10, color=INK, loc="left")
    position = 0
    for climb in sorted(content.climbs, key=lambda one: one.named):
        colour = darken(choose_colour(position)) if climb.named else _OTHERS
        position += climb.named
        label = fit(climb.name, _NAME_WIDTH, 9).replace("$", r"\$") if climb.named else None
        places, width = range(len(climb.scores)), 2.0 if climb.named else 1.0
        axes.plot(places, climb.scores, marker="o", markersize=5, linewidth=width, color=colour, label=label)
    axes.set_xticks(range(len(content.rungs)), content.rungs)
    axes.set_xlim(-0.3, len(content.rungs) - 0.7)
    axes.grid(axis="y", color="#e6e9ec")
    axes.spines[["top", "right"]].set_visible(False)
    if any(climb.named for climb in content.climbs):
        axes.legend(fontsize=9, frameon=False, labelcolor=INK, loc="best")


def _draw_gain(axes: Axes, gain: ProvenGain | None) -> None:
    """Draw the gain with its interval beside 0; nothing but a word without a proof."""
    axes.set_title("Proof: gain of the best candidate", fontsize=10, color=INK, loc="left")
    axes.spines[["top", "right", "bottom"]].set_visible(False)
    axes.set_xticks([])
    axes.axhline(0, color=INK, linewidth=1)
    axes.set_xlim(-1, 1)
    if gain is None:
        axes.set_yticks([])
        axes.text(0, 0, "no proof", ha="center", va="bottom", color=QUIET, fontsize=10)
        return
    colour = _TAKEN if gain.taken else _LEFT
    errors = [[gain.mean - gain.low], [gain.high - gain.mean]]
    axes.errorbar([0], [gain.mean], yerr=errors, fmt="o", color=colour, capsize=8, linewidth=2)
    axes.text(0.15, gain.mean, f"{gain.mean:+.3f}", va="center", color=colour, fontsize=10)
    axes.set_xlabel("taken" if gain.taken else "not taken", color=colour)
