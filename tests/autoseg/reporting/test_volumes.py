"""Pictures of volumes: a panel each, with whatever volumes there are."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from PIL import Image

from autoseg.reporting.volumes import Differences, Sizes, draw_volumes

DIFFERENCES = Differences(
    title="model minus $reader_", first=[0.0, 0.2, 5, 300], second=[0.1, 0.2, 4, 310], bias=2.3, lower=-8, upper=12
)
SIZES = Sizes(
    title="Dice", volumes=[0.0, 0.2, 5, 300], dice=[1.0, float("nan"), 0.5, 0.9], slope=0.2, intercept=0.4, note=""
)


@pytest.mark.parametrize(("panels", "size"), [(1, (480, 380)), (2, (960, 380)), (3, (960, 760))])
def test_panels_stand_in_rows_of_two(tmp_path: Path, panels: int, size: tuple[int, int]) -> None:
    draw_volumes([DIFFERENCES, SIZES, DIFFERENCES][:panels], tmp_path / "v.png")
    with Image.open(tmp_path / "v.png") as picture:
        assert picture.size == size


def test_a_picture_holds_its_points(tmp_path: Path) -> None:
    # One case is ten times as large; the axes, their texts and the difference of that case stay.
    moved = replace(DIFFERENCES, first=[0.0, 0.2, 50, 300], second=[0.1, 0.2, 49, 310])
    draw_volumes([DIFFERENCES], tmp_path / "one.png")
    draw_volumes([moved], tmp_path / "other.png")
    assert (tmp_path / "one.png").read_bytes() != (tmp_path / "other.png").read_bytes()


def test_sizes_without_a_line_or_a_lesion_are_drawn(tmp_path: Path) -> None:
    empty = Sizes(title="Dice", volumes=[0.0], dice=[1.0], slope=None, intercept=0, note="")
    draw_volumes([empty], tmp_path / "v.png")
    assert (tmp_path / "v.png").is_file()
