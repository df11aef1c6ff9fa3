"""Tables on terminals of any width: nothing that belongs together is broken."""

from __future__ import annotations

import io
from collections.abc import Sequence

import pytest

from autoseg.cli.terminal import tables
from autoseg.cli.terminal.consoles import WordConsole
from autoseg.pipeline.statistics.levels import COLUMNS as LEVELS

WIDTHS = (60, 80, 120)
LEVEL_ROWS = [
    (name, "12", "3", "0.812", "0.933", "0.868", *[f"0.{digit}12\n±0.31" for digit in range(1, 6)])
    for name in ("ischaemia", "haemorrhage", "tumour", "white matter lesion")
]
SCORES = ("label", "metric", "mean", "median", "95 % interval", "cases", "missed")
SCORE_ROWS = [
    ("white matter lesion", f"{name} of the whole mask", "0.512", "0.630", "0.412 to 0.731", "655", "12")
    for name in ("Dice", "HD95, mm", "lesion F1", "volume difference, ml")
]
FINDINGS = ("grade", "case", "what was found")
FINDING_ROWS = [("warning", f"sub-{number:04}", "has voxels of 3x3x3 mm, " * 8) for number in range(3)]


def show(monkeypatch: pytest.MonkeyPatch, width: int, columns: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    stream = io.StringIO()
    console = WordConsole(file=stream, width=width, markup=False, emoji=False, highlight=False)
    monkeypatch.setattr(tables, "console", console)
    tables.show_table("A title", columns, rows)
    return stream.getvalue()


def words_of(text: str) -> set[str]:
    return set(text.replace("│", " ").replace("┃", " ").split())


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize(("columns", "rows"), [(LEVELS, LEVEL_ROWS), (SCORES, SCORE_ROWS), (FINDINGS, FINDING_ROWS)])
def test_no_word_and_no_figure_is_broken_and_no_line_too_long(
    monkeypatch: pytest.MonkeyPatch, width: int, columns: Sequence[str], rows: Sequence[Sequence[str]]
) -> None:
    shown = show(monkeypatch, width, columns, rows)
    assert max(map(len, shown.splitlines())) <= width
    wanted = {word for line in (columns, *rows) for cell in line for word in cell.split()}
    assert wanted <= words_of(shown)


@pytest.mark.parametrize("width", WIDTHS)
def test_every_figure_stands_under_its_head_and_beside_what_it_is_of(
    monkeypatch: pytest.MonkeyPatch, width: int
) -> None:
    columns = ("class", *(f"figure {number}" for number in range(12)))
    rows = [(name, *(f"{name[0]}{number:02}" for number in range(12))) for name in ("ischaemia", "tumour")]
    found: dict[tuple[str, str], str] = {}
    heads: list[str] = []
    for line in show(monkeypatch, width, columns, rows).splitlines():
        if line.startswith("┏"):
            heads = [""] * (line.count("┳") + 1)
        elif line.startswith("┃"):
            cells = line.strip("┃").split("┃")
            heads = [f"{head} {cell.strip()}".strip() for head, cell in zip(heads, cells, strict=True)]
        elif line.startswith("│"):
            name, *values = (cell.strip() for cell in line.strip("│").split("│"))
            found |= {(name, head): value for head, value in zip(heads[1:], values, strict=True)}
    expected = {(row[0], head): value for row in rows for head, value in zip(columns[1:], row[1:], strict=True)}
    assert found == expected


def test_label_and_metric_stay_beside_all_figures(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where only the first were repeated, nobody could tell of which metric a figure is."""
    rows = [("lesion", f"metric-{number}", *["0.123 to 0.456"] * 6) for number in range(3)]
    shown = show(monkeypatch, 60, ("label", "metric", *[f"interval {number}" for number in range(6)]), rows)
    blocks = shown.split("continued")
    assert len(blocks) > 1
    assert all(f"metric-{number}" in block for block in blocks for number in range(3))


def test_a_table_with_room_is_one_whose_lines_are_not_wrapped(monkeypatch: pytest.MonkeyPatch) -> None:
    shown = show(monkeypatch, 120, SCORES, SCORE_ROWS)
    assert shown.count("A title") == 1
    assert "continued" not in shown
    assert len(shown.splitlines()) == len(SCORE_ROWS) + 5


@pytest.mark.parametrize("width", WIDTHS)
def test_a_path_that_is_longer_than_a_line_is_shown_in_full(monkeypatch: pytest.MonkeyPatch, width: int) -> None:
    path = "/data/" + "/".join(f"folder-{number:02}" for number in range(20))
    shown = show(monkeypatch, width, ("case", "file"), [("sub-1", path)])
    assert max(map(len, shown.splitlines())) <= width
    pieces = [line.strip("│").split("│")[1].strip() for line in shown.splitlines() if line.startswith("│")]
    assert "".join(pieces) == path


def test_an_empty_table_has_its_heads(monkeypatch: pytest.MonkeyPatch) -> None:
    assert {"case", "file"} <= words_of(show(monkeypatch, 80, ("case", "file"), []))
