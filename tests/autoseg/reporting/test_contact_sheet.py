from __future__ import annotations

import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from autoseg.reporting import SheetRow, Shown, cut_slice, draw_contact_sheet, is_drawn
from autoseg.reporting.canvas import choose_colour
from autoseg.reporting.contact_sheet import _lay_out, choose_layout
from autoseg.reporting.flow import width_of

SHAPE = (30, 36, 12)


def cut(image, reference, prediction):
    return cut_slice(image, reference, prediction, (1.0, 1.0, 1.0))


def arrays() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    image = np.random.default_rng(0).normal(100.0, 10.0, SHAPE).astype(np.float32)
    reference, prediction = np.zeros((2, *SHAPE), dtype=np.uint8)
    reference[5:15, 5:15, 4:8] = 1
    prediction[7:17, 5:15, 4:8] = 1
    return image, reference, prediction


def relabel(row: SheetRow, reference: np.ndarray | None, prediction: np.ndarray) -> SheetRow:
    return replace(row, plane=cut(arrays()[0], reference, prediction))


@pytest.fixture
def row() -> SheetRow:
    image, reference, prediction = arrays()
    return SheetRow(case="sub-01", plane=cut(image, reference, prediction), caption="Dice 0.80 · 0.4 ml")


def draw(
    tmp_path: Path, *rows: SheetRow, shown: tuple[Shown, ...] = (Shown(name="lesion", values=(1,)),)
) -> np.ndarray:
    path = tmp_path / "sheets" / "sheet.png"
    draw_contact_sheet(rows, path, "Worst cases", shown)
    with Image.open(path) as picture:
        assert picture.format == "PNG"
        picture.load()
        pixels = np.asarray(picture.convert("RGB")).astype(int)
    layout = choose_layout(rows)
    assert pixels.shape == (layout.height(len(shown)), layout.width(), 3)
    return pixels


def panels(pixels: np.ndarray) -> tuple[np.ndarray, ...]:
    """Return the lower parts of the three panels of a sheet with one row."""
    stop = len(pixels) - 70
    return tuple(pixels[stop - 200 : stop, left : left + 300] for left in (20, 328, 636))


def coloured(pixels: np.ndarray) -> int:
    return int(((pixels.max(axis=-1) - pixels.min(axis=-1)) > 60).sum())


def test_sheet_has_the_stated_size_and_shows_labels_only_where_they_belong(tmp_path, row):
    scan, reference, prediction = panels(draw(tmp_path, row))
    assert scan.std() > 10
    assert coloured(scan) == 0
    assert coloured(reference) > 100
    assert coloured(prediction) > 100


def test_few_cases_are_drawn_large_and_many_in_two_columns(row):
    few, many = choose_layout([row] * 6), choose_layout([row] * 7)
    assert (few.beside, many.beside) == (1, 2)
    assert many.panel < few.panel
    assert len(few.strips) == 6
    assert choose_layout([row] * 8).height(1) == many.height(1)
    odd = choose_layout([replace(row, warning="Odd."), row])
    assert odd.strips[0] > odd.strips[1] == few.strips[0]


def test_scans_without_any_reference_have_two_panels(tmp_path, row):
    image, _, prediction = arrays()
    alone = replace(row, plane=cut(image, None, prediction))
    assert choose_layout([alone]).heads == ("Scan", "Prediction")
    assert coloured(draw(tmp_path, alone)) > 100


def test_empty_masks_and_a_missing_reference_are_drawn(tmp_path, row):
    _, _, prediction = arrays()
    nothing = np.zeros(SHAPE, dtype=np.uint8)
    _, reference, predicted = panels(draw(tmp_path, relabel(row, nothing, nothing)))
    assert coloured(reference) == coloured(predicted) == 0
    _, reference, predicted = panels(draw(tmp_path, row, relabel(row, None, prediction)))
    assert coloured(reference) == 0
    assert coloured(predicted) > 100


def near(pixels: np.ndarray, position: int) -> int:
    """Return how many pixels have nearly the colour of a label."""
    code = choose_colour(position)
    wanted = [int(code[at : at + 2], 16) for at in (1, 3, 5)]
    return int((np.abs(pixels - wanted).max(axis=-1) < 40).sum())


def test_labels_and_regions_have_their_own_colours_and_names(tmp_path, row):
    _, _, two = arrays()
    two[:, 10:] *= 2
    double = relabel(row, two, two)
    labels = (Shown(name="dark", values=(1,)), Shown(name="bright", values=(2,)))
    regions = (Shown(name="whole", values=(1, 2)), Shown(name="core", values=(2,)))
    for shown in (labels, regions, ()):
        pixels = draw(tmp_path, double, shown=shown) if shown else None
        if pixels is None:
            draw_contact_sheet([double], tmp_path / "plain.png", "A")
            with Image.open(tmp_path / "plain.png") as picture:
                pixels = np.asarray(picture.convert("RGB")).astype(int)
        assert near(pixels, 0) > 50
        assert near(pixels, 1) > 50
    assert near(draw(tmp_path, row, shown=labels[:1]), 1) == 0


def test_any_number_of_labels_has_different_colours(tmp_path, row):
    assert len({choose_colour(position) for position in range(60)}) == 60
    draw(tmp_path, row, shown=tuple(Shown(name=f"organ {value}", values=(value,)) for value in range(1, 21)))


def test_label_that_fills_the_slice_and_one_of_a_single_voxel_are_drawn(tmp_path, row):
    full, single = np.ones(SHAPE, dtype=np.uint8), np.zeros(SHAPE, dtype=np.uint8)
    single[3, 3, 3] = 1
    _, reference, _ = panels(draw(tmp_path, relabel(row, full, single)))
    assert coloured(reference) > 100
    assert coloured(draw(tmp_path, relabel(row, None, single))) > 10


def test_our_pictures_are_told_from_others(tmp_path, row):
    draw_contact_sheet([row], tmp_path / "ours.png", "A")
    Image.new("RGB", (8, 8)).save(tmp_path / "theirs.png")
    (tmp_path / "text.png").write_text("Software autoseg", encoding="utf-8")
    assert [is_drawn(tmp_path / f"{name}.png") for name in ("ours", "theirs", "text")] == [True, False, False]


def test_names_are_drawn_as_they_are(tmp_path, row):
    named = (Shown(name="a$b_\\frac$", values=(1,)),)
    draw(tmp_path, replace(row, case="a$b$\\frac_" + "long" * 40, caption="50 % · $x^2"), shown=named)


def test_same_rows_give_the_same_bytes(tmp_path, row):
    draw_contact_sheet([row], tmp_path / "first.png", "A")
    draw_contact_sheet([row], tmp_path / "second.png", "A")
    assert (tmp_path / "first.png").read_bytes() == (tmp_path / "second.png").read_bytes()


def test_sheet_without_rows_is_refused(tmp_path):
    with pytest.raises(ValueError, match="at least one row"):
        draw_contact_sheet([], tmp_path / "sheet.png", "A")


def test_drawing_leaves_the_global_plotting_state_alone():
    code = "import sys, autoseg.reporting; assert not {'torch', 'matplotlib.pyplot'} & set(sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True, cwd=Path(__file__).parents[3])


@pytest.mark.parametrize("large", [True, False])
@pytest.mark.parametrize("case", ["sub-01", "x" * 50, "sub 01 " * 30])
@pytest.mark.parametrize("warning", ["", "The voxels are 5 mm, those of the training scans 1 mm. " * 4])
def test_nothing_of_a_cases_text_is_cut_or_overlaps(row, large, case, warning):
    odd = replace(
        row, case=case, caption="Dice 0.71 · 12.3 ml, predicted 10.1 ml", detail="core 0.1 " * 20, warning=warning
    )
    width, panel = (916, 300) if large else (448, 220)
    lines = _lay_out(odd, width, panel, large=large)
    written = "".join(piece.text for line in lines for piece in line).replace(" ", "")
    for text in (odd.case, odd.caption, odd.detail, odd.warning):
        assert not set(text.split()) - {""} or all(
            word in written.replace(odd.plane.place.replace(" ", ""), "") for word in text.split()
        )
    for line in lines:
        left = sum(width_of(piece.text, piece.style["size"], bold="weight" in piece.style) for piece in line)
        assert left <= width
