from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from autoseg.reporting import Outline, Overlay, Placed, draw_overlay
from autoseg.reporting.canvas import COLOURS
from autoseg.reporting.overlay import WIDTH

SHAPE = (40, 50, 30)
PANELS = [(20 + number * 328, 70) for number in range(3)]


def ball(centre, radius, shape=SHAPE):
    return sum((axis - at) ** 2 for axis, at in zip(np.indices(shape), centre, strict=True)) <= radius**2


def placed(voxels, shift_mm=(0.0, 0.0, 0.0), shear=0.0):
    affine = np.eye(4)
    affine[0, 2] = shear
    affine[:3, 3] = shift_mm
    return Placed(voxels=voxels, affine=affine)


@pytest.fixture
def overlay() -> Overlay:
    scan = np.where(ball((20, 25, 15), 13), 100.0, 0.0).astype(np.float32)
    outline = Outline(name="label map", mask=placed(ball((20, 25, 15), 6)))
    return Overlay(title="sub-01: affine", notes=("error: something.",), scan=placed(scan), outlines=(outline,))


def draw(tmp_path: Path, overlay: Overlay) -> np.ndarray:
    path = tmp_path / "pictures" / "a.png"
    draw_overlay(overlay, path)
    with Image.open(path) as picture:
        picture.load()
        pixels = np.asarray(picture.convert("RGB")).astype(int)
    assert pixels.shape[1] == WIDTH
    return pixels


def near(pixels: np.ndarray, colour: str) -> np.ndarray:
    """Return where the pixels are of a colour, its edges left out."""
    wanted = [int(colour[at : at + 2], 16) for at in (1, 3, 5)]
    return np.abs(pixels - wanted).max(axis=-1) < 40


def middle_of(pixels: np.ndarray, panel: int, colour: str) -> np.ndarray:
    """Return the middle of the thick lines of a colour in a panel, in pixels from its upper left corner."""
    left, top = PANELS[panel]
    found = np.argwhere(near(pixels[top : top + 320, left : left + 320], colour))
    assert len(found) > 20
    return (found.min(axis=0) + found.max(axis=0)) / 2


def test_an_outline_lies_around_its_mask_in_all_planes(tmp_path, overlay):
    alone = replace(overlay, outlines=(replace(overlay.outlines[0], mask=placed(ball((20, 25, 15), 6))),))
    pixels = draw(tmp_path, alone)
    for panel in range(3):
        # The scan's frame has the same colour and the same middle.
        assert np.abs(middle_of(pixels, panel, COLOURS[0]) - 160).max() < 6


def test_a_mask_that_lies_elsewhere_in_space_is_drawn_there(tmp_path, overlay):
    other = Outline(name="by its qform", mask=placed(ball((20, 25, 15), 6), (8.0, 0.0, 0.0)))
    pixels = draw(tmp_path, replace(overlay, outlines=(overlay.outlines[0], other)))
    # Towards the patient's left, which is on the right of the picture.
    assert middle_of(pixels, 0, COLOURS[1])[1] < middle_of(pixels, 0, COLOURS[0])[1] - 15
    assert abs(middle_of(pixels, 0, COLOURS[1])[0] - middle_of(pixels, 0, COLOURS[0])[0]) < 4


def test_a_grid_beside_the_scan_is_shown_where_it_is(tmp_path, overlay):
    far = Outline(name="channel FLAIR", mask=placed(ball((20, 25, 15), 6), (0.0, 0.0, 100.0)))
    pixels = draw(tmp_path, replace(overlay, outlines=(overlay.outlines[0], far)))
    # In the axial plane only its edge is dashed, in the coronal one it lies above the scan.
    assert middle_of(pixels, 0, COLOURS[1]) is not None
    assert middle_of(pixels, 1, COLOURS[1])[0] < middle_of(pixels, 1, COLOURS[0])[0] - 100


def test_skewed_axes_are_seen_as_a_slanted_edge(tmp_path, overlay):
    def dark(shear):
        scan = placed(overlay.scan.voxels, shear=shear)
        mask = placed(overlay.outlines[0].mask.voxels, shear=shear)
        pixels = draw(tmp_path, replace(overlay, scan=scan, outlines=(Outline(name="label", mask=mask),)))
        left, top = PANELS[1]
        inside = pixels[top : top + 320, left : left + 320].max(axis=-1) < 20
        rows = np.flatnonzero(inside.sum(axis=1) > 20)
        return [int(np.flatnonzero(inside[row]).min()) for row in (rows[5], rows[-5])]

    first, last = dark(0.0)
    assert abs(first - last) <= 2
    first, last = dark(0.5)
    assert abs(first - last) > 20


def test_an_empty_mask_and_no_outline_at_all_are_drawn(tmp_path, overlay):
    empty = Outline(name="label map", mask=placed(np.zeros(SHAPE, bool)))
    assert draw(tmp_path, replace(overlay, outlines=(empty,))).std() > 10
    assert draw(tmp_path, replace(overlay, outlines=())).std() > 10


def test_notes_make_the_picture_longer_and_stay_within_it(tmp_path, overlay):
    short = draw(tmp_path, overlay)
    long = draw(tmp_path, replace(overlay, notes=("warning: " + "wide words " * 40,)))
    assert len(long) > len(short)
    assert (long[:, -8:] > 250).all()


def test_a_dollar_sign_in_a_name_begins_no_formula(tmp_path, overlay):
    named = replace(overlay.outlines[0], name="a$b_\\frac$")
    assert draw(tmp_path, replace(overlay, outlines=(named,))).std() > 10
