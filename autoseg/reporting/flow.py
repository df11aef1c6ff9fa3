"""Text of pictures in lines of so many pixels: wrapped between words, never cut without a sign of it."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

from matplotlib.backends.backend_agg import RendererAgg
from matplotlib.font_manager import FontProperties

from autoseg.reporting.canvas import DPI

_MORE = " … (more in the table)"
_RENDERER: Any = RendererAgg(8, 8, DPI)  # type: ignore[no-untyped-call]


@lru_cache(maxsize=4096)
def width_of(text: str, size: float, *, bold: bool = False) -> int:
    """Return how many pixels a line of text takes."""
    font = FontProperties(size=size, weight="bold" if bold else "normal")
    return int(_RENDERER.get_text_width_height_descent(text, font, False)[0]) + 2


def wrap(text: str, width: int, size: float, *, bold: bool = False, most: int = 100) -> list[str]:
    """Return a text in lines of at most `width` pixels; what `most` lines do not hold is said to be left out.

    Words that are longer than a line, as names of cases are, go on in the next one.
    """
    lines: list[str] = []
    current = ""
    for word in text.split():
        longer = f"{current} {word}" if current else word
        if width_of(longer, size, bold=bold) <= width:
            current = longer
            continue
        if current:
            lines.append(current)
        *whole, current = _break_word(word, width, size, bold=bold)
        lines += whole
    lines += [current] if current else []
    if len(lines) <= most:
        return lines
    last = lines[most - 1]
    while last and width_of(last + _MORE, size, bold=bold) > width:
        last = last[:-1]
    return [*lines[: most - 1], last.rstrip() + _MORE]


def _break_word(word: str, width: int, size: float, *, bold: bool) -> list[str]:
    pieces, current = [], ""
    for letter in word:
        if current and width_of(current + letter, size, bold=bold) > width:
            pieces.append(current)
            current = ""
        current += letter
    return [*pieces, current]


def fit(text: str, width: int, size: float) -> str:
    """Return a text in one line; of a longer one, the middle is replaced by dots: names differ mostly at their ends."""
    if width_of(text, size) <= width:
        return text
    for kept in range(len(text) - 1, 1, -1):
        end = kept // 2
        shown = f"{text[: kept - end]}…{text[-end:]}"
        if width_of(shown, size) <= width:
            return shown
    return "…"
