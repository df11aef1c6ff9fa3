"""Charts of the page: SVG without anything from elsewhere, whose points have names."""

from __future__ import annotations

import math
import re
from xml.etree import ElementTree

import numpy as np
import pytest

from autoseg.reporting.page.dataset_charts import draw_intensities, draw_sites, draw_spacings, draw_volumes
from autoseg.reporting.page.score_charts import Point, draw_agreement, draw_boxes, draw_scatter
from autoseg.reporting.page.training_charts import draw_dice, draw_losses

BAD = "</svg><script>$x_{1}$"
POINTS = [Point(case=f"{BAD}{n}", volume_ml=2.0**n, predicted_ml=1.0 + n, dice=n / 10) for n in range(10)]
LINES = {"fold 0": ([1.0, 2.0], [0.5, 0.6]), BAD: ([1.0, 2.0, 3.0], [0.1, 0.2, 0.3])}
CHARTS = {
    "volumes": lambda on: draw_volumes({"lesion": [0.0, 1.0, 30.0], BAD: [2.0]}, "ml", simulated=on),
    "no volumes": lambda on: draw_volumes({"lesion": [0.0]}, "ml", simulated=on),
    "spacings": lambda on: draw_spacings([(1.0, 1.0, 5.0), (1.0, 1.0, 4.0)], simulated=on),
    "intensities": lambda on: draw_intensities(np.arange(100.0).tolist(), [], BAD, simulated=on),
    "one intensity": lambda on: draw_intensities([3.0, 3.0], [3.0], "T1w", simulated=on),
    "sites": lambda on: draw_sites({BAD: 4, "B": 1}, simulated=on),
    "losses": lambda on: draw_losses(LINES, simulated=on),
    "dice": lambda on: draw_dice(LINES, simulated=on),
    "scatter": lambda on: draw_scatter(POINTS, 0, simulated=on),
    "boxes": lambda on: draw_boxes(POINTS, 1, simulated=on),
    "agreement": lambda on: draw_agreement(POINTS, 0, simulated=on),
}


@pytest.mark.parametrize("name", CHARTS)
def test_a_chart_is_a_whole_drawing_that_loads_nothing(name: str) -> None:
    svg = CHARTS[name](True)
    assert svg.startswith("<svg")
    root = ElementTree.fromstring(svg)
    assert "width" not in root.attrib
    addresses = [value for element in root.iter() for key, value in element.attrib.items() if key.endswith("href")]
    assert all(address.startswith("#") for address in addresses)
    assert [element for element in root.iter() if element.tag.endswith(("script", "style", "image", "metadata"))] == []
    texts = ["".join(element.itertext()) for element in root.iter() if element.tag.endswith("}text")]
    assert "SIMULATED" in texts
    assert not any("mathdefault" in text for text in texts)


def test_the_mark_is_on_charts_of_simulated_data_only() -> None:
    assert "SIMULATED" not in CHARTS["sites"](False)


@pytest.mark.parametrize("draw", [draw_scatter, draw_agreement])
def test_every_point_has_its_cases_name(draw) -> None:
    root = ElementTree.fromstring(draw(POINTS, 0, simulated=False))
    titles = [element.text or "" for element in root.iter() if element.tag.endswith("}title")]
    assert [title.split(":")[0] for title in titles] == [point.case for point in POINTS]


def test_cases_without_the_label_or_without_a_score_are_not_drawn() -> None:
    points = [
        *POINTS[:3],
        Point(case="empty", volume_ml=0.0, predicted_ml=1.0, dice=0.0),
        Point(case="none", volume_ml=1.0, predicted_ml=0.0, dice=math.nan),
    ]
    assert draw_scatter(points, 0, simulated=False).count("<title>") == 3
    assert draw_agreement(points, 0, simulated=False).count("<title>") == 3


def test_boxes_say_how_many_cases_they_hold() -> None:
    svg = draw_boxes(
        [Point(case=str(n), volume_ml=5.0, predicted_ml=5.0, dice=0.5) for n in range(7)], 0, simulated=False
    )
    assert "n = 7" in svg
    assert "below 1 ml" not in svg
    assert re.search("1 to 10 ml", svg)


def test_many_cases_stay_small() -> None:
    points = [Point(case=f"sub-{n:04d}", volume_ml=0.1 * n, predicted_ml=n, dice=0.5) for n in range(655)]
    assert len(draw_scatter(points, 0, simulated=False)) < 200_000
