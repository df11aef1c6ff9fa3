"""Pages in headless Chromium: what they ask for, what they complain of, and how they are photographed."""

from __future__ import annotations

from pathlib import Path

import pytest
from PIL import Image

from experiments.browser import BrowserError, find_browser, open_page, photograph

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(find_browser() is None, reason="no Chromium is installed (apt-get install chromium)"),
]
PRESSED = """<body style="margin: 0"><div style="height: 500px"></div>
<button id="b" onclick="document.body.style.background = 'rgb(0, 0, 255)'">press</button></body>"""


def test_what_a_page_would_load_or_throw_is_noticed(tmp_path: Path) -> None:
    page = tmp_path / "bad.html"
    page.write_text('<img src="other.png"><script>console.error("a"); nothing();</script>', encoding="utf-8")
    with open_page(page, 800) as tab:
        assert [address.rsplit("/", 1)[1] for address in tab.requests] == ["bad.html", "other.png"]
        assert len(tab.complaints) >= 3


def test_a_page_is_photographed_after_something_was_pressed(tmp_path: Path) -> None:
    page, out = tmp_path / "page.html", tmp_path / "page.png"
    page.write_text(PRESSED, encoding="utf-8")
    photograph(page, out, (300, 200), at="#b", pressed="#b")
    with Image.open(out) as picture:
        assert picture.size == (300, 200)
        assert picture.convert("RGB").getpixel((290, 190)) == (0, 0, 255)


def test_a_page_without_the_element_is_refused(tmp_path: Path) -> None:
    page = tmp_path / "page.html"
    page.write_text("<p>nothing</p>", encoding="utf-8")
    with pytest.raises(BrowserError, match="#scores"):
        photograph(page, tmp_path / "out.png", (300, 200), at="#scores")
