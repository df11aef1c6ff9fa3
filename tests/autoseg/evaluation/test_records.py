from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest

from autoseg.evaluation import (
    DEFAULT_CONVENTION,
    NamedMetric,
    Segment,
    Targets,
    label_targets,
    read_evaluation,
    score_case,
    summarise,
    write_evaluation,
)
from autoseg.evaluation.records import to_plain
from dataset_fingerprints.errors import FileFormatError
from planners.choices import Choice
from tests.autoseg.evaluation.masks import ONE_MM, make_box

BOX = make_box((8, 8, 8), (2, 2, 2), (6, 6, 6))
NOTHING = np.zeros_like(BOX)
BY_FACES = NamedMetric(name="f1_by_faces", metric=Choice(name="lesion_f1", options={"connectivity": 6}))
CONVENTION = replace(DEFAULT_CONVENTION, name="mine", metrics=(*DEFAULT_CONVENTION.metrics, BY_FACES))
NAMES = [entry.name for entry in CONVENTION.metrics]


@pytest.fixture
def evaluation():
    cases = [
        score_case(prediction, BOX, label_targets([1, 12]), ONE_MM, name, CONVENTION)
        for name, prediction in (("a", BOX), ("b", NOTHING))
    ]
    return summarise(cases, CONVENTION)


def test_evaluation_survives_the_file(tmp_path, evaluation):
    write_evaluation(tmp_path / "metrics.json", evaluation)
    assert read_evaluation(tmp_path / "metrics.json") == evaluation


def test_the_scale_of_the_plan_is_written_where_it_is_not_full_size(tmp_path, evaluation):
    scaled = replace(evaluation, scale=8.0)
    write_evaluation(tmp_path / "metrics.json", scaled)
    assert json.loads((tmp_path / "metrics.json").read_text(encoding="utf-8"))["scale"] == 8
    assert read_evaluation(tmp_path / "metrics.json") == scaled


def test_file_has_the_agreed_keys_and_nulls(tmp_path, evaluation):
    write_evaluation(tmp_path / "metrics.json", evaluation)
    plain = json.loads((tmp_path / "metrics.json").read_text(encoding="utf-8"))
    assert list(plain) == ["schema_version", "conventions", "cases", "summary"]
    assert plain["schema_version"] == 2
    assert plain["conventions"]["name"] == "mine"
    assert list(plain["conventions"]["metrics"]) == NAMES
    by_faces = plain["conventions"]["metrics"]["f1_by_faces"]
    assert (by_faces["name"], by_faces["title"], by_faces["better"]) == ("lesion_f1", "Lesion F1", "higher")
    assert by_faces["options"] == {
        "connectivity": 6,
        "matching": "any_overlap",
        "both_empty": 1.0,
        "one_empty": 0.0,
    }
    assert [case["case"] for case in plain["cases"]] == ["a", "b"]
    for case in plain["cases"]:
        assert list(case["labels"]) == ["1", "12"]
        assert list(case["labels"]["1"]) == NAMES
    assert plain["cases"][1]["labels"]["1"]["hd95_mm"] is None
    assert list(plain["summary"]) == ["1", "12"]
    assert list(plain["summary"]["1"]) == NAMES
    assert list(plain["summary"]["1"]["dice"]) == ["mean", "sd", "median", "ci95", "n"]
    only = {"mean": 0.0, "sd": None, "median": 0.0, "ci95": None, "n": 1}
    assert plain["summary"]["1"]["hd95_mm"] == {**only, "missed": 1, "invented": 0, "absent": 0}
    # No case holds label 12.
    assert plain["summary"]["12"]["hd95_mm"]["absent"] == 2
    assert [case.get("missed") for case in plain["cases"]] == [None, ["1"]]


@pytest.mark.parametrize("name", [name for name in NAMES if "f1" in name or name in ("dice", "hd95_mm")])
def test_the_file_says_how_a_score_is_made(tmp_path, evaluation, name):
    write_evaluation(tmp_path / "metrics.json", evaluation)
    metric = json.loads((tmp_path / "metrics.json").read_text(encoding="utf-8"))["conventions"]["metrics"][name]
    expected = {"dice": "2 TP / (2 TP + FP + FN)", "hd95_mm": "counted beside the mean"}
    formula = "TP / (TP + (FP + FN) / 2)"
    assert expected.get(name, formula) in metric["definition"]
    if "f1" in name:
        assert "connected voxels" in metric["definition"]
        assert "one of its voxels lies in the other mask" in metric["definition"]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda plain: plain.update(schema_version=1), "has schema version 1, expected 2"),
        (lambda plain: plain.pop("cases"), "cases"),
        (
            lambda plain: plain["cases"][0]["labels"]["1"].update(dice="high"),
            r"cases.0.labels.0.scores.0.value.*'high'",
        ),
        (lambda plain: plain["cases"][0].update(labels=[3]), r"cases.0.labels.0"),
        (lambda plain: plain["cases"][0]["labels"].update({"1": 3}), r"cases.0.labels"),
        (lambda plain: plain.pop("conventions"), "convention"),
        (lambda plain: plain["conventions"].update(metrics=3), r"convention.metrics"),
        (lambda plain: plain["conventions"]["metrics"]["dice"].pop("name"), r"convention.metrics.0.metric.name"),
        (lambda plain: plain["conventions"]["metrics"].update(dice=3), r"convention.metrics.0"),
        (lambda plain: plain["summary"]["1"]["dice"].pop("n"), r"summary.0.metrics.0.statistics.n"),
        (lambda plain: plain["summary"].update({"1": 3}), r"summary.0.metrics"),
        (lambda plain: plain["summary"]["1"].update(dice=None), r"summary.0.metrics.0.statistics"),
    ],
)
def test_changed_file_is_refused_by_name(tmp_path, evaluation, change, message):
    plain = json.loads(json.dumps(to_plain(evaluation)))
    change(plain)
    path = tmp_path / "metrics.json"
    path.write_text(json.dumps(plain))
    with pytest.raises(FileFormatError, match=message):
        read_evaluation(path)


def test_counts_stay_integers_in_the_file_and_when_read(tmp_path, evaluation):
    write_evaluation(tmp_path / "metrics.json", evaluation)
    scores = read_evaluation(tmp_path / "metrics.json").cases[0].labels[0]
    assert [type(scores.value(name)) for name in ("reference_lesions", "dice")] == [int, float]


def test_file_that_is_not_an_object_is_refused(tmp_path):
    (tmp_path / "metrics.json").write_text("[]")
    with pytest.raises(FileFormatError, match="Expected an evaluation file"):
        read_evaluation(tmp_path / "metrics.json")


def test_a_result_of_another_kind_is_told_from_an_older_one(tmp_path, evaluation):
    path = tmp_path / "metrics.json"
    path.write_text('{"schema_version": 1, "readers": ["a", "b"], "cases": []}')
    with pytest.raises(FileFormatError, match=r"holds no scores. Expected a file that `autoseg evaluate` writes"):
        read_evaluation(path)
    path.write_text(json.dumps({**to_plain(evaluation), "schema_version": 1}))
    with pytest.raises(FileFormatError, match="has schema version 1, expected"):
        read_evaluation(path)


def test_a_region_whose_name_python_reads_as_a_number_stays_a_region(tmp_path):
    targets = Targets(segments=(Segment(label="1_0", values=(1,)), Segment(label=2, values=(2,))))
    evaluation = summarise([score_case(BOX, BOX, targets, ONE_MM, "a")])
    write_evaluation(tmp_path / "metrics.json", evaluation)
    assert read_evaluation(tmp_path / "metrics.json") == evaluation
