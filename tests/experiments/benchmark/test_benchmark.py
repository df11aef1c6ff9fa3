from __future__ import annotations

import csv
import io
import re
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import pytest

from autoseg.evaluation import choose_convention, read_evaluation, write_evaluation
from dataset_fingerprints.errors import DataError, FileFormatError
from experiments.benchmark import Benchmark, Section, Sought, find_benchmark, make_sections, write_benchmark
from experiments.benchmark.comparing import Scope, judge, place
from experiments.benchmark.figures import DICE, FIGURES, describe_lesions, show_ours, show_published
from experiments.benchmark.writing import show_csv, show_markdown, show_page
from experiments.published import FILE, read_rows
from tests.experiments.benchmark.results import spread, write_result

ATLAS = Sought(release="R2.0", set="cross-validation")
PUBLISHED = [row for row in read_rows() if not row.is_human()]


@pytest.fixture
def real(tmp_path: Path) -> Benchmark:
    return find_benchmark([write_result(tmp_path / "mine", spread(0.64))], None, ATLAS)


@pytest.fixture
def simulated(tmp_path: Path) -> Benchmark:
    return find_benchmark([write_result(tmp_path / "made", spread(0.64), simulated=True)], None, ATLAS)


def cells(section: Section, column: str) -> list[str]:
    return [row[section.columns.index(column)] for row in section.rows]


class Tables(HTMLParser):
    """Cells of a page, and addresses in it."""

    def __init__(self) -> None:
        super().__init__()
        self.cells: list[str] = []
        self.addresses: list[str] = []
        self._open = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._open = tag == "td"
        self.addresses += [value or "" for name, value in attrs if name in ("src", "href")]
        if self._open:
            self.cells.append("")

    def handle_endtag(self, tag: str) -> None:
        self._open = self._open and tag != "td"

    def handle_data(self, data: str) -> None:
        if self._open:
            self.cells[-1] += data


def test_ours_stand_beside_every_row_of_the_same_release_and_protocol(real: Benchmark) -> None:
    expected = [row for row in PUBLISHED if row.release == "R2.0" and row.set == "cross-validation"]
    assert sorted(row.method for row in real.comparable) == sorted(row.method for row in expected)
    first = make_sections(real)[0]
    assert cells(first, "Method")[0] == "mine"
    assert len(first.rows) == 1 + len(expected)
    assert cells(first, "Dice")[:2] == ["0.640", "0.650"]


def test_rows_within_our_interval_are_found(real: Benchmark) -> None:
    low, high = (0.64 - 0.04, 0.64 + 0.04)
    found = {row.dice: place(row, real.ours[0]) for row in PUBLISHED}
    assert all(where == "inside" for dice, where in found.items() if low + 0.01 < dice < high - 0.01)
    assert all(where == "above" for dice, where in found.items() if dice > high + 0.01)
    assert all(where == "below" for dice, where in found.items() if dice < low - 0.01)


def test_every_other_row_says_why_it_is_not_comparable(real: Benchmark) -> None:
    assert len(real.comparable) + len(real.others) == len(PUBLISHED)
    assert all(one.reasons for one in real.others)
    why = {one.row.method: " ".join(one.reasons) for one in real.others}
    assert "These are of release R1.x, ours of R2.0" in why["3D-ResU-Net"]
    assert "hold-out; ours: cross-validation" in why["3D-ResU-Net"]
    assert "public test; ours: cross-validation" in why["MAPPING (team CTRL), challenge winner"]
    assert "native space, ours in MNI space" in why["nnU-Net v2, held-out centres"]
    assert "The Dice is of slices" in why["X-Net"]
    assert "authors' own" in why["Neuro-TransUNet"]


def test_no_row_is_shown_without_n_protocol_and_source(real: Benchmark, simulated: Benchmark) -> None:
    for section in (*make_sections(real), *make_sections(simulated)):
        assert section.rows
        for column in ("n", "protocol", "Source"):
            assert all(cells(section, column)), (section.title, column)
        assert not section.brief or {"n", "protocol", "Source"} <= set(section.brief)


def test_published_rows_in_the_csv_equal_the_published_table(real: Benchmark) -> None:
    with FILE.open(encoding="utf-8", newline="") as stream:
        table = {(row["release"], row["method"]): row for row in csv.DictReader(stream)}
    shown = [row for row in csv.DictReader(io.StringIO(show_csv(real))) if row["whose"] == "published"]
    assert len(shown) == len(table)
    for row in shown:
        known = table[row["release"], row["method"]]
        for column, text in known.items():
            same = row[column] == text or float(row[column]) == float(text)
            assert same, (row["method"], column)


def test_published_figures_in_the_tables_equal_the_published_table(real: Benchmark) -> None:
    first, _, last = make_sections(real)
    rows = [*real.comparable, *(one.row for one in real.others)]
    shown = [*first.rows[first.ours :], *last.rows]
    for row, texts in zip(rows, shown, strict=True):
        assert {show_published(row, figure) for figure in FIGURES} <= set(texts)
        assert row.protocol in texts
        assert row.show_n() in texts


def test_our_figures_are_in_the_published_units(real: Benchmark) -> None:
    ours = real.ours[0]
    assert {figure.column: show_ours(ours, figure) for figure in FIGURES} == {
        "dice": "0.640",
        "lesion_f1": "0.500",
        "lesion_count_diff": "2.00",
        "volume_diff_mm3": "6000",
        "hd95_mm": "0.7",
        "precision": "0.700",
        "recall": "0.700",
    }
    assert describe_lesions(ours) == "any overlap, 26-connectivity"


def test_other_rules_for_lesions_are_said(real: Benchmark) -> None:
    said = " ".join(make_sections(real)[0].remarks)
    assert "by the rule 'any overlap, 6-connectivity' are not comparable with ours" in said
    assert "Ours are of 60 scans, others of 655" in said


def test_people_are_named_with_their_source(real: Benchmark) -> None:
    section = make_sections(real)[1]
    assert cells(section, "Dice") == ["0.727", "0.839"]
    assert "The Dice of two people (0.727) lies above the 95 % interval of mine." in section.remarks


def test_simulated_scans_are_named_on_every_table_and_no_published_row_stands_beside_them(simulated: Benchmark) -> None:
    sections = make_sections(simulated)
    assert all("SIMULATED" in section.title for section in sections)
    assert simulated.comparable == ()
    assert cells(sections[0], "Method") == ["made (SIMULATED)"]
    assert len(simulated.others) == len(PUBLISHED)
    assert {one.reasons for one in simulated.others} == {("Ours are of simulated scans, these of patients.",)}
    assert "interval of" not in " ".join(sections[1].remarks)
    text = show_markdown(sections)
    assert all("SIMULATED" in line for line in text.splitlines() if line.startswith("## "))
    rows = list(csv.DictReader(io.StringIO(show_csv(simulated))))
    assert {row["table"] for row in rows if row["whose"] == "ours"} == {"SIMULATED"}
    assert {row["table"] for row in rows if row["whose"] == "published"} == {"people", "apart from SIMULATED"}


def test_simulated_and_real_results_are_not_mixed(tmp_path: Path) -> None:
    results = [write_result(tmp_path / "a", spread(0.5)), write_result(tmp_path / "b", spread(0.5), simulated=True)]
    with pytest.raises(DataError, match="belong in no table together"):
        find_benchmark(results, None, ATLAS)


def test_without_a_release_nothing_is_comparable_and_it_is_said(tmp_path: Path) -> None:
    found = find_benchmark([write_result(tmp_path / "mine", spread(0.6))], None, Sought(set="cross-validation"))
    assert found.comparable == ()
    assert all("name it with --release" in one.reasons[0] for one in found.others)
    assert "No published result is comparable" in " ".join(make_sections(found)[0].remarks)


def test_few_scans_have_no_interval(tmp_path: Path) -> None:
    found = find_benchmark([write_result(tmp_path / "mine", [0.5, 0.6, 0.7])], None, ATLAS)
    assert {place(row, found.ours[0]) for row in found.comparable} == {"-"}
    assert "too few scans for an interval" in " ".join(make_sections(found)[0].remarks)


def test_several_systems_have_a_column_each(tmp_path: Path) -> None:
    results = [write_result(tmp_path / name, spread(mean)) for name, mean in (("good", 0.8), ("bad", 0.3))]
    first = make_sections(find_benchmark(results, None, ATLAS))[0]
    assert set(cells(first, "Against good")[2:]) == {"below"}
    assert set(cells(first, "Against bad")[2:]) == {"above"}


def test_systems_are_called_by_what_differs_in_their_paths(tmp_path: Path) -> None:
    results = [write_result(tmp_path / fold / "validation", spread(0.6)) for fold in ("fold_0", "fold_1")]
    assert [one.name for one in find_benchmark(results, None, ATLAS).ours] == ["fold_0", "fold_1"]


def test_the_page_needs_no_other_file_and_holds_every_cell(real: Benchmark) -> None:
    sections = make_sections(real)
    page = Tables()
    page.feed(show_page(sections, simulated=False))
    assert page.addresses == []
    assert page.cells == [cell for section in sections for row in section.rows for cell in row]


def test_texts_are_escaped(tmp_path: Path) -> None:
    folder = tmp_path / "<b>bad|name"
    found = find_benchmark([write_result(folder, spread(0.6))], None, ATLAS)
    page = show_page(make_sections(found), simulated=False)
    assert "<b>bad" not in page
    assert "&lt;b&gt;bad|name" in page
    line = next(line for line in show_markdown(make_sections(found)).splitlines() if "bad" in line)
    assert "&lt;b&gt;bad\\|name" in line


def test_the_files_are_written_again_but_nobody_elses(tmp_path: Path, real: Benchmark) -> None:
    stem = tmp_path / "out" / "table"
    written = write_benchmark(stem, real)
    assert [path.name for path in written] == ["table.md", "table.csv", "table.html"]
    assert write_benchmark(stem, real) == written
    written[0].write_text("my own notes\n", encoding="utf-8")
    with pytest.raises(DataError, match=re.escape(f"{written[0]}: exists and is not a benchmark of ours")):
        write_benchmark(stem, real)
    assert written[0].read_text(encoding="utf-8") == "my own notes\n"


def test_notes_that_name_the_command_are_not_taken_for_its_files(tmp_path: Path, real: Benchmark) -> None:
    notes = tmp_path / "table.md"
    notes.write_text("# What `autoseg benchmark` said\n", encoding="utf-8")
    with pytest.raises(DataError, match=re.escape(f"{notes}: exists and is not a benchmark of ours")):
        write_benchmark(tmp_path / "table", real)


@pytest.mark.parametrize(
    ("sought", "found"),
    [
        (Sought(release="R2"), "--release is 'R2'. Expected one of R1.x, R1.1, R1.2, R2.0, R2.1, R3.0"),
        (Sought(release="R2.0", space="Talairach"), "--space is 'Talairach'"),
        (Sought(release="R2.0"), "does not say which scans it scores. Name their set with --set"),
        (Sought(release="R2.0", set="hold-out", label="cyst"), "scores no label 'cyst'"),
    ],
)
def test_what_cannot_be_meant_is_refused(tmp_path: Path, sought: Sought, found: str) -> None:
    path = write_result(tmp_path / "mine", spread(0.6))
    with pytest.raises(DataError) as refused:
        find_benchmark([path], None, sought)
    assert found in str(refused.value)


def test_a_file_of_another_kind_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "other.json"
    path.write_text('{"schema_version": 1}', encoding="utf-8")
    with pytest.raises(FileFormatError, match="holds no scores"):
        find_benchmark([path], None, ATLAS)


def test_the_release_alone_makes_no_row_comparable() -> None:
    scope = Scope(release="R3.0", set="cross-validation over centres", space="native", simulated=False)
    comparable = [row.method for row in PUBLISHED if not judge(row, scope).reasons]
    assert comparable == ["nnU-Net v2, held-out centres"]
    assert DICE.column == "dice"


def test_releases_that_were_published_together_are_compared_together() -> None:
    scope = Scope(release="R1.2", set="hold-out", space="MNI", simulated=False)
    comparable = [row.method for row in PUBLISHED if not judge(row, scope).reasons]
    assert [method for method in comparable if method.startswith("3D-ResU-Net")] == comparable
    assert len(comparable) == 3


def test_models_of_a_scaled_plan_are_said_to_be_a_deviation(tmp_path: Path) -> None:
    file = write_result(tmp_path / "mine", spread(0.64))
    write_evaluation(file, replace(read_evaluation(file), scale=8.0))
    first, *_ = make_sections(find_benchmark([file], None, ATLAS))
    assert any("models of 1/8 of the planned size (--scale), a deviation" in remark for remark in first.remarks)


def test_what_differs_is_said_of_all_of_ours(tmp_path: Path) -> None:
    plain, official = (write_result(tmp_path / name, spread(0.64)) for name in ("plain", "official"))
    convention = choose_convention("isles26-official").spell_out()
    write_evaluation(official, replace(read_evaluation(official), convention=convention))
    remarks = make_sections(find_benchmark([plain, official], None, ATLAS))[0].remarks
    assert [one for one in remarks if one.startswith("Our Dice is 0 where no pair of lesions reaches")]
    assert len(set(remarks)) == len(remarks)
