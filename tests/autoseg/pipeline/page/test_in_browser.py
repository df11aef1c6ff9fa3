"""The page in a browser: it asks for nothing, complains of nothing, fits a narrow window, and shows all slices."""

from __future__ import annotations

import pytest

import autoseg
from experiments.browser import find_browser, open_page
from tests.synthetic.tiny import Tiny

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(find_browser() is None, reason="no Chromium is installed (apt-get install chromium)"),
]
# Opens the viewer of the first case, takes its axial slice to the first one, and returns what became of it.
LOOK = """(async () => {
  const card = document.querySelector(".case");
  card.querySelector(".open").click();
  while (!card.querySelector("canvas")) await new Promise((done) => setTimeout(done, 20));
  const canvas = card.querySelector("canvas"), slider = card.querySelector("input[type=range]");
  const before = canvas.toDataURL();
  slider.value = 0;
  slider.dispatchEvent(new Event("input"));
  return { changed: before !== canvas.toDataURL(), canvases: card.querySelectorAll("canvas").length,
    still: card.querySelector(".still").hidden };
})()"""


# Whether just those tables and pictures that are wider than the window say so, and nothing else is cut.
HINTED = """(() => {
  const boxes = [...document.querySelectorAll(".scroll")];
  const shown = (box) => getComputedStyle(box, "::before").content.includes("scroll sideways");
  const width = document.documentElement.clientWidth + 1;
  const inside = (one) => one.closest(".scroll") || one.getBoundingClientRect().right <= width;
  return boxes.every((box) => shown(box) === box.scrollWidth > box.clientWidth + 1)
    && (innerWidth > 700 || boxes.some(shown)) && [...document.querySelectorAll("body *")].every(inside);
})()"""


def test_a_page_loads_from_the_disk_alone_and_its_viewer_works(tiny: Tiny) -> None:
    place = autoseg.report(tiny.workspace)
    with open_page(place, 1280) as tab:
        viewer = tab.run(LOOK)
        assert tab.requests == [place.as_uri()]
        assert tab.complaints == []
        assert viewer == {"changed": True, "canvases": 3, "still": True}
        for width in (400, 1280):
            tab.resize(width)
            whole, seen = tab.run("[document.documentElement.scrollWidth, document.documentElement.clientWidth]")
            assert whole == seen <= width
            assert tab.run(HINTED)
        assert tab.run("[...document.images].every((image) => image.complete && image.naturalWidth > 0)")
