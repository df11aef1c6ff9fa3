"""Tables of a benchmark in the page: texts only, whatever else its file holds."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

import autoseg
from autoseg.pipeline.page.benchmark_part import read_tables
from dataset_fingerprints.dataset import Dataset
from dataset_fingerprints.errors import DataError
from dataset_fingerprints.files.jsonfiles import read_json, write_json
from tests.synthetic.pages import parse_page
from tests.synthetic.tiny import Tiny

BENCHMARK = """<!-- autoseg benchmark -->
<!doctype html><html><head><title>no title</title></head><body>
<section class="autoseg-benchmark"><style>.x { background: url(http://example.org/x.png) }</style>
<script src="http://example.org/x.js">alert(3)</script>
<h2>Cross-validation: ours &amp; theirs</h2>
<div class="scroll"><table><thead><tr><th>Method</th><th>n</th><th>Dice</th></tr></thead>
<tbody><tr class="ours"><td>3d_fullres</td><td>24 scans</td><td>0.612</td></tr>
<tr><td>U-Net &lt;2020&gt; <img src="http://example.org/y.png"></td><td>239</td></tr></tbody></table></div>
<ul><li>Published ones: as their authors made them.</li></ul>
<h2>Empty</h2><table></table></section></body></html>
"""


def test_tables_are_read_with_titles_remarks_and_our_rows(tmp_path: Path) -> None:
    (tmp_path / "benchmark.html").write_text(BENCHMARK, encoding="utf-8")
    (table,) = read_tables(tmp_path / "benchmark.html")
    assert table.title == "Cross-validation: ours & theirs"
    assert table.columns == ["Method", "n", "Dice"]
    assert table.rows == [["3d_fullres", "24 scans", "0.612"], ["U-Net <2020>", "239", ""]]
    assert table.ours == [0]
    assert table.remarks == ["Published ones: as their authors made them."]


@pytest.mark.parametrize("named", [True, False])
def test_the_page_has_the_tables_and_loads_nothing_of_their_file(tiny: Tiny, *, named: bool) -> None:
    place = tiny.root / "other.html" if named else tiny.workspace.root / "benchmark.html"
    place.write_text(BENCHMARK, encoding="utf-8")
    html = autoseg.report(tiny.workspace, benchmark=place if named else None).read_text(encoding="utf-8")
    page = parse_page(html)
    assert "benchmark" in page.sections
    assert "Cross-validation: ours & theirs" in page.headings
    assert page.loaded() == []
    assert "alert(3)" not in html
    assert 'class="strong"><td>3d_fullres</td>' in html


def test_published_results_beside_simulated_scans_are_not_marked_as_simulated(tiny: Tiny) -> None:
    dataset = read_json(tiny.workspace.dataset, Dataset)
    write_json(tiny.workspace.dataset, replace(dataset, simulated=True))
    tiny.workspace.benchmark.write_text(BENCHMARK, encoding="utf-8")
    html = autoseg.report(tiny.workspace).read_text(encoding="utf-8")
    assert "<h3>Cross-validation: ours &amp; theirs</h3>" in html
    assert 'Main decisions <span class="mark">SIMULATED</span>' in html


@pytest.mark.parametrize(("text", "message"), [(None, "cannot be read"), ("<p>nothing</p>", "holds no table")])
def test_what_is_no_benchmark_is_refused(tiny: Tiny, text: str | None, message: str) -> None:
    if text is not None:
        (tiny.root / "b.html").write_text(text, encoding="utf-8")
    with pytest.raises(DataError, match=message):
        autoseg.report(tiny.workspace, benchmark=tiny.root / "b.html")
