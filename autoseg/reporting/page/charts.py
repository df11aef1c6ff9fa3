"""Charts of the page: small drawings in SVG whose text stays text and whose colours follow the page's."""

from __future__ import annotations

import io
import re
from collections.abc import Callable, Sequence
from html import escape
from typing import Any, Literal

from matplotlib import rc_context
from matplotlib.axes import Axes
from matplotlib.axis import Axis
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, LogLocator, MaxNLocator, NullFormatter

from autoseg.reporting.canvas import DPI, INK, QUIET, WARNING, choose_colour, darken, make_figure

WIDTH, HEIGHT = 430, 300
GRID = "#e6e8eb"
MARK = "SIMULATED"
# Names are never formulas; text is set in the page's own letters; names of parts are the same in every run.
_STYLE: dict[Any, Any] = {
    "text.parse_math": False,
    "svg.fonttype": "none",
    "svg.hashsalt": "autoseg",
    "font.size": 10,
}
# Colours of text and lines by the page's names for them, so that they change with its background.
_NAMED = {INK: "var(--ink)", QUIET: "var(--quiet)", GRID: "var(--line)", WARNING: "var(--mark)"}
_NOTHING = {"Date": None, "Creator": None, "Format": None, "Type": None}
_BEFORE = re.compile(r"^.*?(?=<svg)", re.DOTALL)
# In a page, it would be the style of everything; the page's own does the same for charts.
_OWN_STYLE = re.compile(r"<defs>\s*<style[^>]*>.*?</style>\s*</defs>", re.DOTALL)
_SIZE = re.compile(r'\s(?:width|height)="[^"]*"')
_USE = re.compile(r"(<use [^>]*?)/>")
Paint = Callable[[Axes], None]


def draw_chart(paint: Paint, *, simulated: bool, size: tuple[int, int] = (WIDTH, HEIGHT)) -> str:
    """Return a chart as SVG.

    Args:
        paint: draws on the axes.
        simulated: write a mark into it.
        size: in pixels.
    """
    with rc_context(_STYLE):
        figure = make_figure(*size)
        figure.set_layout_engine("constrained", rect=(0, 0, 1, 0.94 if simulated else 1))
        axes = figure.add_subplot(facecolor="none")
        paint(axes)
        _finish(axes)
        if simulated:
            figure.text(0.995, 0.985, MARK, color=WARNING, fontsize=8, fontweight="bold", ha="right", va="top")
        return _to_svg(figure)


def colour_of(position: int) -> str:
    """Return the colour of a label, a fold or a site, as it can be seen on white and on dark."""
    return darken(choose_colour(position))


def show_volumes(axes: Axes, along: Literal["x", "y"], name: str) -> None:
    """Make an axis logarithmic, with plain numbers on it."""
    axis = axes.xaxis if along == "x" else axes.yaxis
    (axes.set_xscale if along == "x" else axes.set_yscale)("log")
    axis.set_major_locator(LogLocator(numticks=8))
    axis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    axis.set_minor_formatter(NullFormatter())
    (axes.set_xlabel if along == "x" else axes.set_ylabel)(name)


def show_whole_numbers(axis: Axis) -> None:
    """Make the numbers on an axis whole ones."""
    axis.set_major_locator(MaxNLocator(nbins=8, integer=True))


def draw_grid(axes: Axes, along: Literal["x", "y", "both"] = "both") -> None:
    """Draw thin lines behind everything."""
    axes.grid(visible=True, axis=along, color=GRID, linewidth=0.8)


def name_points(svg: str, key: str, names: Sequence[str]) -> str:
    """Return a chart whose points say what they are when a pointer rests on them.

    Args:
        svg: of the chart.
        key: the group's id that the points were drawn with.
        names: of the points, in their order.
    """
    before, found, rest = svg.partition(f'<g id="{key}">')
    if not found:
        return svg
    left = iter(names)

    def add(use: re.Match[str]) -> str:
        return f"{use.group(1)}><title>{escape(next(left, ''))}</title></use>"

    return f"{before}<g>{_USE.sub(add, rest, count=len(names))}"


def _finish(axes: Axes) -> None:
    axes.spines[["top", "right"]].set_visible(False)
    axes.spines[["left", "bottom"]].set_color(QUIET)
    axes.tick_params(which="both", colors=QUIET, labelsize=9)
    axes.set_axisbelow(True)
    axes.xaxis.label.set_color(QUIET)
    axes.yaxis.label.set_color(QUIET)
    legend = axes.get_legend()
    if legend is not None:
        legend.set_frame_on(False)
        for text in legend.get_texts():
            text.set_color(INK)


def _to_svg(figure: Figure) -> str:
    stream = io.StringIO()
    figure.savefig(stream, format="svg", dpi=DPI, transparent=True, bbox_inches=figure.bbox_inches, metadata=_NOTHING)
    text = _OWN_STYLE.sub("", _BEFORE.sub("", stream.getvalue()))
    for colour, name in _NAMED.items():
        text = text.replace(colour, name)
    # Its size is the page's matter: the box that it is drawn in keeps the proportions.
    head, rest = text.split(">", 1)
    return f"{_SIZE.sub('', head)}>{rest}".strip()
