"""Pictures of a case: one line for what both masks say of a label, two for several labels."""

from __future__ import annotations

import io

import numpy as np
import pytest
from PIL import Image

from autoseg.reporting import CaseSlice, Shown
from autoseg.reporting.page.planes import BOTH, MISSED, WRONG, draw_planes

LESION = Shown(name="$lesion", values=(1,), position=0)
OTHER = Shown(name="other", values=(2,), position=1)


def make_slice(reference: int, prediction: int, pixel_mm: tuple[float, float] = (1.0, 1.0)) -> CaseSlice:
    """Return a black square that is labelled all over."""
    scan = np.zeros((8, 8), dtype=np.uint8)
    masks = [np.full((8, 8), value, dtype=np.uint8) for value in (reference, prediction)]
    return CaseSlice(
        scan=scan, reference=masks[0], prediction=masks[1], place="axial", edges=("R", "L"), pixel_mm=pixel_mm
    )


def read_colour(png: bytes, at: tuple[int, int]) -> np.ndarray:
    with Image.open(io.BytesIO(png)) as image:
        return np.array(image.convert("RGB"))[at[1], at[0]] / 255


@pytest.mark.parametrize(("reference", "prediction", "colour"), [(1, 1, BOTH), (1, 0, MISSED), (0, 1, WRONG)])
def test_a_label_is_coloured_by_which_masks_hold_it(reference: int, prediction: int, colour: str) -> None:
    drawn = draw_planes([make_slice(reference, prediction)] * 3, (LESION,), simulated=False)
    wanted = np.array([int(colour[start : start + 2], 16) for start in (1, 3, 5)]) / 255
    found = read_colour(drawn.png, (190, 120))
    assert np.allclose(found / found.max(), wanted / wanted.max(), atol=0.02)
    assert drawn.width == 3 * 380 + 12


def test_several_labels_have_a_line_for_each_mask() -> None:
    one, two = (draw_planes([make_slice(1, 2)], shown, simulated=False) for shown in ((LESION,), (LESION, OTHER)))
    assert two.height > one.height + 300
    assert not np.allclose(read_colour(two.png, (190, 120)), read_colour(two.png, (190, 120 + 386)))


def test_thick_slices_keep_their_proportions() -> None:
    drawn = draw_planes([make_slice(1, 1, (0.5, 1.0))], (LESION,), simulated=True)
    assert read_colour(drawn.png, (190, 60)).max() < 0.05
    assert read_colour(drawn.png, (190, 150)).max() > 0.3
