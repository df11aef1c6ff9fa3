from __future__ import annotations

import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from autoseg.report import SheetRow, draw_contact_sheet
from autoseg.report.contact_sheet import WIDTH, sheet_height

SHAPE = (30, 36, 12)


@pytest.fixture
def row() -> SheetRow:
    image = np.random.default_rng(0).normal(100.0, 10.0, SHAPE).astype(np.float32)
    reference, prediction = np.zeros((2, *SHAPE), dtype=np.uint8)
    reference[5:15, 5:15, 4:8] = 1
    prediction[7:17, 5:15, 4:8] = 1
    return SheetRow(
        case="sub-01", image=image, reference=reference, prediction=prediction, caption="Dice 0.80 · 0.4 ml"
    )


def draw(tmp_path: Path, *rows: SheetRow) -> np.ndarray:
    path = tmp_path / "sheets" / "sheet.png"
    draw_contact_sheet(rows, path, "Worst cases")
    with Image.open(path) as picture:
        assert picture.format == "PNG"
        picture.load()
        pixels = np.asarray(picture.convert("RGB")).astype(int)
    assert pixels.shape == (sheet_height(len(rows)), WIDTH, 3)
    return pixels


def panels(pixels: np.ndarray) -> tuple[np.ndarray, ...]:
    """Return the lower parts of the three panels of a sheet with one row."""
    stop = sheet_height(1) - 60
    return tuple(pixels[stop - 200 : stop, left : left + 300] for left in (20, 328, 636))


def coloured(pixels: np.ndarray) -> int:
    return int(((pixels.max(axis=-1) - pixels.min(axis=-1)) > 60).sum())


def test_sheet_has_the_stated_size_and_shows_labels_only_where_they_belong(tmp_path, row):
    scan, reference, prediction = panels(draw(tmp_path, row))
    assert scan.std() > 10
    assert coloured(scan) == 0
    assert coloured(reference) > 100
    assert coloured(prediction) > 100


def test_sheet_grows_by_the_row(tmp_path, row):
    draw(tmp_path, row, replace(row, case="sub-02"), replace(row, case="sub-03"))
    assert sheet_height(3) - sheet_height(2) == sheet_height(2) - sheet_height(1)


def test_empty_masks_and_a_missing_reference_are_drawn(tmp_path, row):
    nothing = np.zeros(SHAPE, dtype=np.uint8)
    _, reference, prediction = panels(draw(tmp_path, replace(row, reference=nothing, prediction=nothing)))
    assert coloured(reference) == coloured(prediction) == 0
    _, reference, prediction = panels(draw(tmp_path, replace(row, reference=None)))
    assert coloured(reference) == 0
    assert coloured(prediction) > 100


def test_each_label_has_its_own_colour(tmp_path, row):
    two = row.prediction.copy()
    two[:, 10:] *= 2
    single = draw(tmp_path, replace(row, prediction=row.prediction))
    double = draw(tmp_path, replace(row, reference=two, prediction=two))
    blue = [int((pixels[..., 2] - pixels[..., 0] > 60).sum()) for pixels in (single, double)]
    assert blue[0] == 0
    assert blue[1] > 100


def test_label_that_fills_the_slice_and_one_of_a_single_voxel_are_drawn(tmp_path, row):
    full, single = np.ones(SHAPE, dtype=np.uint8), np.zeros(SHAPE, dtype=np.uint8)
    single[3, 3, 3] = 1
    _, reference, _ = panels(draw(tmp_path, replace(row, reference=full, prediction=single)))
    assert coloured(reference) > 100
    assert coloured(draw(tmp_path, replace(row, reference=None, prediction=single))) > 10


def test_names_are_drawn_as_they_are(tmp_path, row):
    draw(tmp_path, replace(row, case="a$b$\\frac_" + "long" * 40, caption="50 % · $x^2"))


def test_same_rows_give_the_same_bytes(tmp_path, row):
    draw_contact_sheet([row], tmp_path / "first.png", "A")
    draw_contact_sheet([row], tmp_path / "second.png", "A")
    assert (tmp_path / "first.png").read_bytes() == (tmp_path / "second.png").read_bytes()


def test_sheet_without_rows_is_refused(tmp_path):
    with pytest.raises(ValueError, match="at least one row"):
        draw_contact_sheet([], tmp_path / "sheet.png", "A")


def test_drawing_leaves_the_global_plotting_state_alone():
    code = "import sys, autoseg.report; assert not {'torch', 'matplotlib.pyplot'} & set(sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True, cwd=Path(__file__).parents[3])
