"""The documentation as it is read: opened from a folder in a browser, on a large window and on a phone's."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from experiments.browser import Tab, find_browser, open_page

ROOT = Path(__file__).parents[1]
pytestmark = [pytest.mark.slow, pytest.mark.skipif(find_browser() is None, reason="no browser is installed")]
SEARCH = """new Promise((done) => {
  const query = document.querySelector("[data-md-component=search-query]")
  document.querySelector("#__search").click()
  query.focus()
  query.value = "lesion load"
  query.dispatchEvent(new Event("keyup"))
  const look = () => {
    const found = [...document.querySelectorAll(".md-search-result__link")].map((link) => link.href)
    found.length ? done(found) : setTimeout(look, 100)
  }
  look()
})"""
WIDER = "document.documentElement.scrollWidth - document.documentElement.clientWidth"
WITHOUT_TEXT = "[...document.querySelectorAll('.md-content img')].filter((one) => !one.alt).map((one) => one.src)"


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the folder of the built pages."""
    folder = tmp_path_factory.mktemp("site")
    words = (
        "-m",
        "mkdocs",
        "build",
        "--quiet",
        "--strict",
        "--config-file",
        "docs/mkdocs.yml",
        "--site-dir",
        str(folder),
    )
    subprocess.run((sys.executable, *words), cwd=ROOT, check=True, capture_output=True)
    return folder


@pytest.fixture(params=[1280, 400])
def tab(site: Path, request: pytest.FixtureRequest) -> Iterator[Tab]:
    """Return a page in a folder of the site, opened as a file."""
    with open_page(site / "how-to" / "data.html", request.param) as opened:
        yield opened


def test_the_search_finds_pages_without_a_server(tab: Tab) -> None:
    found = tab.run(SEARCH)
    assert any(address.endswith("/how-to/lesion-load.html") for address in found)
    assert [request for request in tab.requests if not request.startswith("file:")] == []
    assert tab.complaints == []


def test_no_page_is_wider_than_a_phone_and_pictures_have_words(site: Path) -> None:
    pages = sorted(page for page in site.rglob("*.html") if page.name != "404.html")
    assert len(pages) > 40
    with open_page(pages[0], 400) as tab:
        for page in pages:
            tab.open(page, 400)
            assert tab.run(WIDER) <= 0, page.name
            assert tab.run(WITHOUT_TEXT) == [], page.name
