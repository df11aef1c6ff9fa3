"""Lesion volumes of a set of cases as a picture: how many cases fall into each bin, and the share up to each volume."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from autoseg.reporting.canvas import COLOURS, INK, QUIET, darken, make_figure, save_png, write_text

_WIDTH, _HEIGHT = 1060, 420


def draw_volumes(volumes_ml: Sequence[float], bins: Sequence[tuple[str, int]], title: str, path: Path) -> None:
    """Write a PNG of two panels.

    Args:
        volumes_ml: of the cases with a lesion; at least one.
        bins: names of bins of volume in ml with their numbers of cases.
        title: the head of the picture.
        path: the file to write.
    """
    figure = make_figure(_WIDTH, _HEIGHT)
    write_text(figure, title, (20, 24), color=INK, size=14, weight="bold")
    left, right = figure.subplots(1, 2, gridspec_kw={"left": 0.06, "right": 0.98, "bottom": 0.16, "top": 0.84})
    colour = darken(COLOURS[1])
    names, counts = [name for name, _ in bins], [count for _, count in bins]
    bars = left.bar(range(len(names)), counts, color=colour)
    left.bar_label(bars, labels=[str(count) if count else "" for count in counts], color=INK, fontsize=10)
    left.set_xticks(range(len(names)), names, fontsize=9)
    left.set_ylabel("cases", color=QUIET)
    left.yaxis.get_major_locator().set_params(integer=True)
    left.margins(y=0.12)
    ordered = np.sort(np.asarray(volumes_ml, dtype=np.float64))
    right.step(ordered, np.arange(1, len(ordered) + 1) / len(ordered) * 100.0, where="post", color=colour)
    right.set_xscale("log")
    right.set_ylim(0, 102)
    right.axvline(float(np.median(ordered)), color=INK, linewidth=1.0, linestyle="--")
    right.set_title(f"dashed: median, {np.median(ordered):.3g} ml", fontsize=10, color=QUIET, loc="left")
    right.set_ylabel("% of cases up to this volume", color=QUIET)
    for panel in (left, right):
        panel.set_xlabel("lesion volume, ml", color=QUIET)
        panel.spines[["top", "right"]].set_visible(False)
    save_png(figure, path)
