"""The page as HTML: texts are escaped, code is set as code, and nothing is loaded."""

from __future__ import annotations

import gzip
import json
import re

import pytest

from autoseg.reporting.page import (
    CaseView,
    Chart,
    Charts,
    Layer,
    Page,
    Paragraph,
    Picture,
    Section,
    Table,
    Volume,
    is_page,
    render_page,
)
from tests.synthetic.pages import parse_page

BAD = "<b onclick=alert(1)>\"'&</script>"
PICTURE = Picture(title=BAD, png=b"\x89PNG", width=20, height=10, alt=BAD, note=BAD)
VOLUME = Volume(packed=gzip.compress(bytes(24)), shape=(2, 2, 2), spacing_mm=(1.0, 1.0, 2.5), start=(1, 0, 1))
CASE = CaseView(
    rank="Worst",
    name=BAD,
    caption=BAD,
    warning=BAD,
    picture=PICTURE,
    volume=VOLUME,
    layers=(Layer(name=BAD, values=(1, 3)),),
)
BLOCKS = (
    Paragraph(text=BAD, warning=True),
    Table(title=BAD, columns=(BAD,), rows=((BAD,),), numeric=frozenset((0,)), note=BAD, folded=True),
    Chart(title=BAD, svg="<svg></svg>", alt=BAD, note=BAD),
    Charts(charts=(Chart(title=BAD, svg="<svg></svg>", alt=BAD),)),
    PICTURE,
    CASE,
)


def make_page(*, simulated: bool = False) -> Page:
    section = Section(key="one", title=BAD, lead=BAD, blocks=BLOCKS)
    return Page(title=BAD, facts=((BAD, BAD),), sections=(section,), made=BAD, simulated=simulated)


def test_a_text_is_never_an_element_or_an_attribute():
    html = render_page(make_page())
    page = parse_page(html)
    assert page.tags["b"] == 0
    assert page.handlers == []
    assert page.tags["script"] == 2
    assert page.loaded() == []
    assert page.text.count(BAD) >= 15


def test_the_data_of_the_viewer_come_back_as_they_were():
    (text,) = re.findall(r'class="volume">(.*?)</script>', render_page(make_page()))
    given = json.loads(text)
    assert given["layers"] == [{"name": BAD, "values": [1, 3]}]
    assert given["volume"]["shape"] == [2, 2, 2]
    assert given["volume"]["spacing"] == [1.0, 1.0, 2.5]


def test_only_our_own_pages_are_taken_for_ours():
    assert is_page(render_page(make_page()).encode()[:1024])
    assert not is_page(b"<!doctype html><title>another</title>")


def test_what_stands_between_backticks_is_code():
    table = Table(title="a", columns=("b",), rows=(("give `autoseg train <x>` again",),))
    section = Section(key="one", title="t", lead="", blocks=(table,))
    html = render_page(Page(title="p", facts=(), sections=(section,), made="now"))
    assert "give <code>autoseg train &lt;x&gt;</code> again" in html


@pytest.mark.parametrize("simulated", [True, False])
def test_every_block_of_simulated_data_is_marked(*, simulated: bool):
    html = render_page(make_page(simulated=simulated))
    assert html.count('<span class="mark">SIMULATED</span>') == (5 if simulated else 0)
