"""The page of real workspaces: planned only, partly trained, of several labels, with hostile names."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from pathlib import Path

import pytest

import autoseg
from autoseg.evaluation import summarise
from autoseg.pipeline.page.attention_part import describe_doubts
from autoseg.pipeline.page.dataset_part import describe_dataset
from autoseg.pipeline.page.gathering import gather
from autoseg.pipeline.page.scores_part import describe_scores
from autoseg.reporting.page import Page, render_page
from autoseg.workspace.workspace import Workspace
from dataset_fingerprints.dataset import Dataset
from dataset_fingerprints.errors import PlanError, WorkspaceError
from dataset_fingerprints.files.jsonfiles import read_json, write_json
from tests.synthetic.commands import run
from tests.synthetic.once import copy_workspace
from tests.synthetic.pages import Parsed, parse_page
from tests.synthetic.scans import write_description
from tests.synthetic.tiny import Tiny, write_tiny

HOSTILE = ("<img src=x onerror=alert(1)>", "a&b\"c'd", "{{ 7*7 }}", "$x_{1}$")
LABEL = "</script><script>alert(2)</script>"


def read_page(path: Path) -> tuple[str, Parsed]:
    html = path.read_text(encoding="utf-8")
    return html, parse_page(html)


def refuse_outside(html: str, page: Parsed, root: Path) -> None:
    """Make sure that a page loads nothing, runs nothing but its own scripts, and says nothing of the machine."""
    assert page.loaded() == []
    assert page.handlers == []
    assert page.lacking_alt == 0
    assert str(root) not in html
    assert '<link rel="stylesheet"' not in html


def test_a_planned_workspace_has_its_data_and_its_plan(tmp_path: Path) -> None:
    tiny = write_tiny(tmp_path, 5)
    tiny.plan()
    place = autoseg.report(tiny.workspace)
    assert place == tiny.workspace.root / "report.html"
    html, page = read_page(place)
    refuse_outside(html, page, tmp_path)
    assert page.sections == ["data", "plan"]
    assert {"Overview", "Main decisions", "Configurations"} <= set(page.headings)
    assert "none trained yet" in page.text
    assert page.tags["svg"] >= 4
    assert "SIMULATED" not in html.split("</style>")[1]


def test_one_trained_fold_has_its_scores_cases_and_curves_and_names_what_is_lacking(tiny: Tiny) -> None:
    html, page = read_page(autoseg.report(tiny.workspace, out=tiny.root / "page.html"))
    refuse_outside(html, page, tiny.root)
    assert page.sections[-5:] == ["scores", "cases", "data", "plan", "training"]
    assert "Not the whole cross-validation: folds 1, 2, 3, 4 are not scored yet." in page.text
    held_out = [path.name.removesuffix(".nii.gz") for path in tiny.fold().validation.root.glob("*.nii.gz")]
    assert all(case in page.text for case in held_out)
    assert page.tags["article"] == len(held_out)
    assert page.tags["img"] == len(held_out)
    assert page.tags["script"] == 1 + len(held_out)


def test_a_model_of_all_cases_has_its_curves_and_no_scores(tmp_path: Path) -> None:
    tiny = write_tiny(tmp_path, 1)
    tiny.plan()
    tiny.train("full")
    _, page = read_page(autoseg.report(tiny.workspace))
    assert page.sections[-3:] == ["data", "plan", "training"]
    assert not {"scores", "cases"} & set(page.sections)
    assert "none: the cases cannot be divided" in page.text


def test_several_labels_and_channels_have_charts_and_masks_of_their_own(trained: Path) -> None:
    html, page = read_page(autoseg.report(trained / "ws", out=trained / "page.html"))
    refuse_outside(html, page, trained)
    assert "Dice over volume: dark" in page.text
    assert "Dice over volume: bright" in page.text
    assert "Intensities of FLAIR" in page.text
    layers = [json.loads(text)["layers"] for text in re.findall(r'class="volume">(.*?)</script>', html)]
    assert [layer["name"] for layer in layers[0]] == ["all of them", "dark", "bright"]


def test_hostile_names_are_texts_and_nothing_else(tmp_path: Path) -> None:
    tiny = write_tiny(tmp_path, 2)
    for number, name in enumerate(HOSTILE):
        tiny.add(name, 5 + number)
    write_description(tiny.raw, {"background": 0, LABEL: 1}, (HOSTILE[0],), len(tiny.cases()))
    tiny.plan(splits=tiny.write_splits([HOSTILE, tuple(name for name in tiny.cases() if name not in HOSTILE)]))
    tiny.train(0)
    html, page = read_page(autoseg.report(tiny.workspace))
    refuse_outside(html, page, tmp_path)
    assert "<img src=x" not in html
    assert "alert(2)</script>" not in html
    assert page.tags["script"] == 1 + len(HOSTILE)
    assert all(name in page.text for name in (*HOSTILE, LABEL))
    assert page.tags["img"] == len(HOSTILE)


def test_every_table_and_figure_of_simulated_data_is_marked(tiny: Tiny) -> None:
    dataset = read_json(tiny.workspace.dataset, Dataset)
    write_json(tiny.workspace.dataset, replace(dataset, simulated=True))
    html, page = read_page(autoseg.report(tiny.workspace))
    body = html.split("</style>")[1]
    marks = body.count('<span class="mark">SIMULATED</span>')
    assert marks == page.tags["table"] + page.tags["svg"] + page.tags["img"]
    assert len(re.findall(r"<text[^>]*>SIMULATED</text>", body)) == page.tags["svg"]


def test_sites_are_drawn_and_listed(tmp_path: Path) -> None:
    tiny = write_tiny(tmp_path, 6)
    rows = [f"{tiny.scan(case)},{tiny.label(case)},{case},{'AB'[n % 2]}" for n, case in enumerate(tiny.cases())]
    table = tmp_path / "cases.csv"
    table.write_text("\n".join(["image,label,case,site", *rows]), encoding="utf-8")
    workspace = autoseg.plan_and_preprocess(table, workspace=tmp_path / "ws")
    _, page = read_page(autoseg.report(workspace))
    assert "Sites" in page.headings
    assert "Cases: A 3, B 3." in (tmp_path / "ws" / "report.html").read_text(encoding="utf-8")


def test_a_page_of_655_cases_stays_small_and_lists_the_worst_first(tiny: Tiny) -> None:
    found = gather(tiny.workspace, "default", None)
    (known,) = found.evaluation.cases[:1]
    names = [f"sub-r{number:04d}_ses-1" for number in range(655)]
    evaluation = summarise([replace(known, case=name) for name in names])
    cases = tuple(replace(found.fingerprint.cases[0], case=name, site=f"R{n % 44:03d}") for n, name in enumerate(names))
    many = replace(found, evaluation=evaluation, fingerprint=replace(found.fingerprint, cases=cases))
    sections = (describe_doubts(many, None), describe_scores(many), describe_dataset(many))
    html = render_page(Page(title="many", facts=(), sections=[one for one in sections if one], made="now"))
    assert len(html) < 1_500_000
    page = parse_page(html)
    assert page.tags["details"] == 1
    assert "All 655 cases, from worst to best" in page.text
    assert "28 others" in html
    assert page.tags["tr"] < 655 + 60


def test_arrays_that_are_gone_cost_the_pictures_and_not_the_page(tiny: Tiny) -> None:
    for path in (tiny.workspace.root / "preprocessed").rglob("*.b2nd"):
        path.unlink()
    _, page = read_page(autoseg.report(tiny.workspace))
    assert "its arrays cannot be read" in page.text
    assert page.tags["img"] == 0


def test_the_command_says_where_the_page_is_and_how_large(
    tiny: Tiny, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tiny.root)
    assert run(monkeypatch, "report", "-w", "ws", "-o", "pages") == 0
    page = tiny.root / "pages" / "report.html"
    assert re.search(r"Report: pages/report.html \(\d+ KiB\)", capsys.readouterr().out)
    assert "KiB large" in page.read_text(encoding="utf-8")


def test_the_same_workspace_gives_the_same_page_but_for_its_date(tiny: Tiny) -> None:
    first, second = (autoseg.report(tiny.workspace).read_text(encoding="utf-8") for _ in range(2))
    date = re.compile(r"on \d{4}-\d\d-\d\d \d\d:\d\d")
    assert date.sub("", first) == date.sub("", second)


def test_a_plan_or_configuration_that_is_not_there_is_refused(tiny: Tiny) -> None:
    with pytest.raises(WorkspaceError, match="has no plan 'other'"):
        autoseg.report(tiny.workspace, plan_name="other")
    with pytest.raises(PlanError, match="3d_lowres"):
        autoseg.report(tiny.workspace, configuration="3d_lowres")


def test_a_page_of_a_copied_workspace_needs_no_raw_data(finished: Tiny, tmp_path: Path) -> None:
    root = copy_workspace(finished.root, tmp_path / "moved")
    for path in (root / "raw").rglob("*.nii.gz"):
        path.unlink()
    _, page = read_page(autoseg.report(Workspace(root=root / "ws")))
    assert page.tags["img"] >= 1
