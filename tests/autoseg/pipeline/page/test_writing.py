"""Where the page may be written."""

from __future__ import annotations

from pathlib import Path

import pytest

from autoseg.pipeline.page.writing import choose_place, write_page
from autoseg.reporting.page import Page, render_page
from dataset_fingerprints.errors import DataError
from tests.synthetic.tiny import Tiny

PAGE = render_page(Page(title="a", facts=(), sections=(), made="now"))


@pytest.mark.parametrize(
    ("given", "written"),
    [(None, "ws/report.html"), ("out", "out/report.html"), ("mine.HTM", "mine.HTM"), ("new/a.html", "new/a.html")],
)
def test_a_page_has_a_place_of_its_own_or_that_which_is_named(finished: Tiny, tmp_path: Path, given, written) -> None:
    base = finished.root if given is None else tmp_path
    out = None if given is None else tmp_path / given
    assert choose_place(finished.workspace, out) == base / written


def test_a_folder_that_is_there_takes_the_page(finished: Tiny, tmp_path: Path) -> None:
    (tmp_path / "v1.5").mkdir()
    assert choose_place(finished.workspace, tmp_path / "v1.5") == tmp_path / "v1.5" / "report.html"


def test_our_own_page_is_replaced_and_nobody_elses(finished: Tiny, tmp_path: Path) -> None:
    own, other = tmp_path / "own.html", tmp_path / "other.html"
    write_page(own, PAGE)
    assert choose_place(finished.workspace, own) == own
    other.write_text("<!doctype html><title>mine</title>", encoding="utf-8")
    with pytest.raises(DataError, match="is not a report of autoseg"):
        choose_place(finished.workspace, other)
    assert other.read_text(encoding="utf-8").endswith("mine</title>")


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("a.txt", "is not called .html"),
        ("raw/imagesTr/a.html", "belongs to a raw data"),
        ("ws/models/a.html", "models"),
    ],
)
def test_other_places_are_refused(finished: Tiny, name: str, message: str) -> None:
    with pytest.raises(DataError, match=message):
        choose_place(finished.workspace, finished.root / name)
