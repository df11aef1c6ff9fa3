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
    # And what a convention holds with other options, under its own name.
    own = {entry.name for convention in CONVENTIONS.values() for entry in convention.metrics} - METRICS.keys()
    assert "\nhd95_mm: HD95 (lower is better, in mm, perfect: 0)" in shown
    assert shown.count("empty masks: ") == len(METRICS) + len(POOLED) + len(own)
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


@pytest.mark.parametrize("metrics", ["roc_auc", "dice,pr_auc", "maximal_dice"])
def test_a_metric_of_probabilities_without_any_is_refused_with_where_they_come_from(
    folder, metrics, monkeypatch, capsys
):
    monkeypatch.chdir(folder)
    command = ("evaluate", "masks", "references", "-o", folder / "m.json", "--metric", metrics)
    assert run(monkeypatch, *command) == 2
    said = " ".join(capsys.readouterr().err.split())
    assert f"--metric {metrics.split(',')[-1]}: cannot be scored by masks alone" in said
    assert "--probabilities` writes them into masks-report; then add --probability-maps FOLDER." in said
    assert not (folder / "m.json").exists()
    (folder / "maps").rename(folder / "masks-report")
    assert run(monkeypatch, *command) == 2
    assert "then add --probability-maps masks-report." in " ".join(capsys.readouterr().err.split())
    assert run(monkeypatch, *command, "--probability-maps", "masks-report") == 0


def test_a_metric_without_a_score_in_any_case_is_named_with_its_rule(tmp_path, monkeypatch, caplog):
    write_labels(tmp_path / "masks" / "a.nii.gz", LESION)
    write_labels(tmp_path / "references" / "a.nii.gz", 0 * LESION)
    command = ("evaluate", tmp_path / "masks", tmp_path / "references", "-o", tmp_path / "m.json")
    assert run(monkeypatch, *command, "--metric", "hausdorff_mm,accuracy") == 0
    (said,) = (record.getMessage() for record in caplog.records if "no case has a score" in record.getMessage())
    assert said == "hausdorff_mm: no case has a score. Its rule: both masks empty: no score; one mask empty: no score"


def test_maps_that_cannot_be_those_of_the_masks_are_named(folder, monkeypatch, caplog):
    command = ("evaluate", folder / "masks", folder / "references", "-o", folder / "m.json", "--probability-maps")
    assert run(monkeypatch, *command, folder / "maps") == 0
    assert "no metric that is scored needs them. Add --metric roc_auc,pr_auc,maximal_dice" in caplog.text
    caplog.clear()
    assert run(monkeypatch, *command, folder / "references", "--metric", "roc_auc") == 0
    assert "its files hold 0 and 1 only, like masks" in caplog.text
    caplog.clear()
    for case in range(6):
        write_labels(folder / "maps" / f"{case}_lesion.nii.gz", (0.1 + 0.8 * (LESION == 0)).astype(np.float32))
    assert run(monkeypatch, *command, folder / "maps", "--metric", "maximal_dice") == 0
    assert "the maps do not belong to these masks" in caplog.text


def test_a_name_of_a_value_that_is_not_scored_is_said(folder, monkeypatch, caplog):
    command = ("evaluate", folder / "masks", folder / "references", "-o", folder / "m.json")
    assert run(monkeypatch, *command, "--name", "lesion=2") == 0
    assert "--name lesion=2: the label 2 is not scored" in caplog.text


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
