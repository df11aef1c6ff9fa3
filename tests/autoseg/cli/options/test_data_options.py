"""Naming the data on the command line, and what `check` shows."""

from __future__ import annotations

import json

import pytest

from dataset_fingerprints.checking.kinds import KINDS
from tests.synthetic.commands import run
from tests.synthetic.scans import affine_of, write_nnunet_dataset, write_pairs

LABELS = {"background": 0, "dark": 1, "bright": 2}


@pytest.fixture
def folders(tmp_path):
    write_pairs(tmp_path / "scans", tmp_path / "drawn", 6)
    (tmp_path / "dataset.json").write_text(json.dumps({"labels": LABELS}))
    return ["--images", tmp_path / "scans", "--labels", tmp_path / "drawn"]


def test_check_takes_two_folders_and_says_how_files_were_matched(folders, monkeypatch, capsys):
    assert run(monkeypatch, "check", *folders) == 0
    out = " ".join(capsys.readouterr().out.split())
    assert "Found paired folders: scans/sub-000.nii.gz with drawn/sub-000.nii.gz, 6 cases, 1 channel." in out
    assert "6 cases, nothing to report" in out


def test_two_folders_are_planned_and_preprocessed(folders, tmp_path, monkeypatch, capsys):
    assert run(monkeypatch, "plan_and_preprocess", *folders, "-w", tmp_path / "ws") == 0
    assert "Found paired folders" in capsys.readouterr().out
    assert len(list((tmp_path / "ws" / "preprocessed").glob("*/*.json"))) == 6


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([], "gives nothing. Expected either DATASET, or --images DIR and --labels DIR"),
        (["--images", "{root}/scans"], "gives --images .*scans. Expected either DATASET"),
        (["{root}", "--labels", "{root}/drawn"], "gives DATASET .*, --labels .*drawn. Expected either"),
        (["--images", "{root}/none", "--labels", "{root}/drawn"], "none: does not exist"),
    ],
)
@pytest.mark.parametrize("command", ["check", "plan_and_preprocess"])
@pytest.mark.usefixtures("folders")
def test_half_of_a_pair_or_too_much_is_refused(tmp_path, monkeypatch, capsys, command, arguments, message):
    import re

    assert run(monkeypatch, command, *[argument.format(root=tmp_path) for argument in arguments]) == 2
    error = " ".join(capsys.readouterr().err.split())
    assert re.search(message, error), error


def test_all_findings_are_in_the_table_and_in_the_file(tmp_path, monkeypatch, capsys):
    raw = write_nnunet_dataset(tmp_path / "raw", 5)
    (raw / "labelsTr" / "sub-000.nii.gz").unlink()
    (raw / "imagesTr" / "sub-001_0000.nii.gz").unlink()
    (raw / "imagesTr" / "sub-002_0000.nii.gz").write_bytes(b"damaged")
    assert run(monkeypatch, "check", raw, "-o", tmp_path / "check.json") == 2
    out = capsys.readouterr().out
    expected = {"sub-000": "missing-label", "sub-001": "missing-image", "sub-002": "unreadable"}
    report = json.loads((tmp_path / "check.json").read_text(encoding="utf-8"))
    assert {finding["case"]: finding["kind"] for finding in report["findings"]} == expected
    for case, kind in expected.items():
        assert case in out
        assert kind in out
    assert run(monkeypatch, "plan_and_preprocess", raw, "-w", tmp_path / "ws") == 2
    assert "3 errors in the data" in " ".join(capsys.readouterr().err.split())
    again = json.loads((tmp_path / "ws" / "check.json").read_text(encoding="utf-8"))
    assert again["findings"] == report["findings"]


def test_check_lists_every_kind_of_finding(monkeypatch, capsys):
    assert run(monkeypatch, "check", "--kinds") == 0
    out = capsys.readouterr().out
    for kind in KINDS:
        assert kind in out
    assert run(monkeypatch, "check", "raw", "--kinds", "-o", "findings.json") == 2
    assert "dataset is about a data set, and --kinds only lists kinds" in " ".join(capsys.readouterr().err.split())


def test_two_data_sets_are_compared_in_a_table_in_words_and_as_json(tmp_path, monkeypatch, capsys):
    for name, spacing in (("thin", 1.0), ("thick", 2.0)):
        write_nnunet_dataset(tmp_path / name, 5, affine=affine_of(spacing_mm=(1.0, 1.0, spacing)))
        assert run(monkeypatch, "plan_and_preprocess", tmp_path / name, "-w", tmp_path / f"{name}-ws") == 0
    capsys.readouterr()
    arguments = ["explain", "-w", tmp_path / "thick-ws", "--compare"]
    assert run(monkeypatch, *arguments, tmp_path / "thin-ws") == 0
    out = " ".join(capsys.readouterr().out.split())
    assert "thick beside thin" in out
    assert "- spacing z is 2 times coarser: 2 against 1 mm." in out
    assert run(monkeypatch, *arguments, tmp_path / "thin-ws" / "fingerprint.json", "--json") == 0
    plain = json.loads(capsys.readouterr().out)
    ratios = {quantity["name"]: quantity["ratio"] for quantity in plain["quantities"]}
    assert ratios["spacing z"] == 2
    assert ratios["dark: volume per case"] == pytest.approx(2)
    assert plain["cases"] == [5, 5]


def test_comparing_with_something_else_is_refused(tmp_path, monkeypatch, capsys):
    write_nnunet_dataset(tmp_path / "raw", 5)
    assert run(monkeypatch, "plan_and_preprocess", tmp_path / "raw", "-w", tmp_path / "ws") == 0
    assert run(monkeypatch, "explain", "-w", tmp_path / "ws", "--compare", tmp_path / "raw") == 2
    assert "raw: is not a workspace" in " ".join(capsys.readouterr().err.split())
