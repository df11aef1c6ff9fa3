from __future__ import annotations

import json

import numpy as np
import pytest

from autoseg.evaluation import CONVENTIONS, METRICS, POOLED
from tests.autoseg.evaluation.masks import make_box, write_labels
from tests.synthetic.commands import run

LESION = make_box((10, 8, 6), (2, 2, 2), (6, 6, 5))


@pytest.fixture
def folder(tmp_path):
    for case in range(6):
        write_labels(tmp_path / "masks" / f"{case}.nii.gz", np.roll(LESION, case, 0))
        write_labels(tmp_path / "references" / f"{case}.nii.gz", LESION)
        write_labels(tmp_path / "maps" / f"{case}_lesion.nii.gz", (LESION * 0.8).astype(np.float32))
    return tmp_path


def test_all_metrics_figures_and_conventions_are_listed(monkeypatch, capsys):
    assert run(monkeypatch, "evaluate", "--list-metrics") == 0
    shown = capsys.readouterr().out
    for name in (*METRICS, *POOLED, *CONVENTIONS):
        assert f"\n{name}: " in shown
    assert "hausdorff_sets_mm: HD over sets (lower is better, in mm, perfect: 0)" in shown
    assert shown.count("empty masks: ") == len(METRICS) + len(POOLED)
    assert "source: Kirillov 2019" in shown


def test_a_convention_and_more_metrics_are_shown_and_stored(folder, monkeypatch, capsys):
    out = folder / "m.json"
    command = ("evaluate", folder / "masks", folder / "references", "-o", out, "--convention", "isles26")
    assert run(monkeypatch, *command, "--metric", "micro_dice,accuracy", "--probability-maps", folder / "maps") == 0
    shown = capsys.readouterr().out
    for title in ("PR-AUC", "Micro Dice", "Accuracy"):
        assert f"│ {title}" in shown
    plain = json.loads(out.read_text(encoding="utf-8"))
    assert plain["cases"][0]["labels"]["1"]["pr_auc"] == 1.0
    assert plain["pooled"]["1"]["micro_dice"]["n"] == 6
    assert plain["conventions"]["name"] == "isles26 + micro_dice, accuracy"
    assert "one to one" in plain["conventions"]["metrics"]["lesion_f1"]["matching"]
    assert "PR-AUC" in out.with_suffix(".csv").read_text(encoding="utf-8").splitlines()[0]


def test_without_probabilities_a_line_says_where_they_come_from(folder, monkeypatch, capsys):
    command = ("evaluate", folder / "masks", folder / "references", "-o", folder / "m.json")
    assert run(monkeypatch, *command, "--convention", "isles26") == 0
    assert "No PR-AUC: --probability-maps FOLDER" in " ".join(capsys.readouterr().out.split())


def test_an_unknown_convention_is_refused_with_the_nearest(folder, monkeypatch, capsys):
    command = ("evaluate", folder / "masks", folder / "references", "-o", folder / "m.json")
    assert run(monkeypatch, *command, "--convention", "isles23") == 2
    assert "there is no convention 'isles23'. Did you mean 'isles2" in " ".join(capsys.readouterr().err.split())


def test_by_default_the_table_is_what_it_was(folder, monkeypatch, capsys):
    assert run(monkeypatch, "evaluate", folder / "masks", folder / "references", "-o", folder / "m.json") == 0
    assert "Micro" not in capsys.readouterr().out
    plain = json.loads((folder / "m.json").read_text(encoding="utf-8"))
    assert "pooled" not in plain
    assert "pooled" not in plain["conventions"]
