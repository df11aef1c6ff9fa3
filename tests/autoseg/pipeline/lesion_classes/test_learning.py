"""Lesions get classes that are learnt on the cross-validation, in folds that were trained in a moment."""

from __future__ import annotations

import json
import logging
import shutil
import zipfile
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import cast

import nibabel
import numpy as np
import pytest

import autoseg
from autoseg.classification import Judge
from autoseg.evaluation import CONVENTIONS, read_evaluation
from autoseg.models import Bundle
from autoseg.pipeline.confidence.decisions import find_decision
from autoseg.pipeline.lesion_classes.judging import score_judged
from autoseg.pipeline.lesion_classes.kept import read_classifier
from autoseg.pipeline.lesion_classes.learning import LearntClasses, learn_if_planned
from autoseg.pipeline.lesion_classes.material import gather, measure_components
from autoseg.pipeline.lesion_classes.sources import LABELS, TASKS, find_class_source
from autoseg.pipeline.plans.reading import read_plan
from autoseg.progress import SilentProgress
from autoseg.workspace.workspace import Workspace
from dataset_fingerprints.dataset import Dataset, Label, LabelScheme
from dataset_fingerprints.errors import DataError, FileFormatError, PlanError, WorkspaceError
from dataset_fingerprints.files.jsonfiles import read_json, write_json
from planners.choices import Choice
from planners.order import find_configuration
from planners.run import Run
from tests.synthetic.commands import run
from tests.synthetic.once import make_once
from tests.synthetic.tiny import CONFIGURATION, Tiny, copy_tiny
from tests.synthetic.two_classes import CASES, SMALL, plant_masks, train_tasks, write_tasks

HETERO = CONVENTIONS["llambias2024"]


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Tiny:
    """Two folds of twelve cases of two tasks."""
    return Tiny(root=make_once(tmp_path_factory, "lesion_classes", train_tasks))


@pytest.fixture
def tiny(trained: Tiny, tmp_path: Path) -> Tiny:
    copied = copy_tiny(trained, tmp_path / "tiny")
    plant_masks(copied.workspace)
    return copied


def learn(tiny: Tiny) -> LearntClasses:
    return autoseg.lesion_classes(tiny.workspace.root)  # type: ignore[no-any-return]


def test_the_tasks_of_cases_are_the_classes_of_their_lesions(tiny: Tiny) -> None:
    learnt = learn(tiny)
    about = learnt.classes
    assert [(label.name, label.value) for label in about.classes] == [("ms", 1), ("stroke", 2)]
    assert about.origin == TASKS
    # Two small lesions in each of six cases, a large one in each of the others; a speck in every third of twelve.
    assert [(one.components, one.cases) for one in about.counts] == [(12, 6), (6, 6)]
    assert about.untouched == 4
    # So unlike that no fold's judge takes one for the other.
    assert [one.found for one in about.counts] == [12, 6]
    assert all(path.is_file() for path in learnt.written)
    classifier = read_classifier(tiny.workspace, "default")
    assert classifier is not None
    assert classifier.description == about


def test_scores_are_by_class_and_at_three_levels(tiny: Tiny) -> None:
    learnt = learn(tiny)
    evaluation = read_evaluation(tiny.workspace.lesion_classes_scores("default"))
    assert evaluation == learnt.evaluation
    assert (len(evaluation.cases), [label.name for label in evaluation.names]) == (CASES, ["ms", "stroke"])
    assert evaluation.convention.name == "llambias2024"
    first, second = learnt.levels.rows
    assert (first.sensitivity(), second.sensitivity(), first.scans) == (1, 1, 6)
    # A speck of one voxel beside two small lesions, where it has their class.
    assert 0.8 < (first.voxels[0].mean or 0) <= 1
    rows = (tiny.workspace.models("default") / "lesion_classes_scores-levels.csv").read_text(encoding="utf-8")
    assert rows.splitlines()[0].startswith("class,scans,right,other class,no prediction,called so,scan precision")


def test_given_again_it_comes_to_the_same(tiny: Tiny) -> None:
    first = learn(tiny)
    contents = [path.read_bytes() for path in first.written]
    assert [path.read_bytes() for path in learn(tiny).written] == contents


def test_a_classifier_that_has_seen_the_judged_case_is_refused(tiny: Tiny) -> None:
    learn(tiny)
    plan, _ = read_plan(tiny.workspace, "default")
    material = gather(tiny.workspace, plan, *find_decision(tiny.workspace, plan, ()))
    components, unread = measure_components(material, SilentProgress())
    classifier = read_classifier(tiny.workspace, "default")
    assert classifier is not None
    leak = Judge(classifier=classifier, units=frozenset(case.unit for case in components))
    with pytest.raises(DataError, match="trained on components of its subject"):
        score_judged(material, leak, material.cases[0], HETERO)
    assert unread == ()


def test_prediction_gives_every_component_its_class(tiny: Tiny, tmp_path: Path) -> None:
    learn(tiny)
    model = autoseg.load_model(tiny.workspace)
    prediction = model.predict(tiny.scan("case_00"))
    classifier = model.lesion_classes
    assert classifier is not None
    assert prediction.segmented.classes is not None
    marked = prediction.segmented.labels > 0
    assert marked.any()
    assert np.array_equal(prediction.segmented.mask > 0, marked)
    assert np.array_equal(prediction.segmented.mask, classifier.classify(marked, (1.0, 1.0, 1.0)))
    masks = autoseg.predict(tiny.raw / "imagesTr", tmp_path / "masks", tiny.workspace)
    written = np.asarray(nibabel.load(masks[0]).dataobj)
    assert np.array_equal(written, prediction.labels)
    assert {*np.unique(written)} <= {0, 1, 2}
    assert masks.record is not None
    record = json.loads(masks.record.read_text(encoding="utf-8"))
    assert [label["name"] for label in record["model"]["labels"]] == ["ms", "stroke"]
    assert masks.table is not None
    assert "stroke" in masks.table.read_text(encoding="utf-8").splitlines()[0]


def test_an_export_carries_the_classifier_and_no_names_of_cases(tiny: Tiny, tmp_path: Path) -> None:
    learn(tiny)
    path = autoseg.export(tiny.workspace, tmp_path / "model.zip")
    names = zipfile.ZipFile(path).namelist()
    assert {"lesion_classes.json", "lesion_classes.safetensors"} <= {*names}
    assert b"case_0" not in zipfile.ZipFile(path).read("lesion_classes.json")
    assert "ms" in zipfile.ZipFile(path).read("README.md").decode()
    classes = Bundle(path).read_classes()
    assert classes is not None
    kept, bundled = autoseg.load_model(tiny.workspace), autoseg.load_model(path)
    scan = tiny.scan("case_01")
    assert np.array_equal(kept.predict(scan).labels, bundled.predict(scan).labels)
    assert bundled.mask_scheme.names() == {1: "ms", 2: "stroke"}


def test_of_other_weights_lesions_get_no_classes_and_that_is_said(tiny: Tiny, caplog: pytest.LogCaptureFixture) -> None:
    learn(tiny)
    shutil.copy(tiny.fold(0).weights, tiny.fold(1).weights)
    with caplog.at_level(logging.WARNING):
        model = autoseg.load_model(tiny.workspace)
    assert model.lesion_classes is None
    assert model.predict(tiny.scan("case_00")).segmented.classes is None
    assert "masks of other weights, so that lesions get no classes" in caplog.text


def test_a_classifier_whose_weights_are_others_is_not_used(tiny: Tiny, caplog: pytest.LogCaptureFixture) -> None:
    learn(tiny)
    description = tiny.workspace.lesion_classes("default")
    text = description.read_bytes()
    tiny.workspace.lesion_classes_weights("default").write_bytes(b"nothing")
    assert autoseg.load_model(tiny.workspace).lesion_classes is None
    assert "Give `autoseg lesion-classes` again" in caplog.text
    assert learn(tiny).written[0].read_bytes() == text
    description.write_bytes(text.replace(b'"untouched": 4', b'"untouched": 5'))
    with pytest.raises(FileFormatError, match="Give `autoseg lesion-classes` again"):
        read_classifier(tiny.workspace, "default")


def hear_what_is_learnt(tiny: Tiny) -> str:
    """Return what is said of the classes of lesions after a training of all folds."""
    heard: list[str] = []

    class Listener(SilentProgress):
        def say(self, message: str) -> None:
            heard.append(message)

    learn_if_planned(tiny.workspace, "default", Listener())
    return " ".join(heard)


def test_a_plan_that_names_a_classifier_has_it_learnt_after_training(tiny: Tiny) -> None:
    assert hear_what_is_learnt(tiny).startswith("Every component has a class (1 ms, 2 stroke)")
    assert read_classifier(tiny.workspace, "default") is not None


def test_one_fold_is_too_few_to_judge_what_is_learnt(tiny: Tiny) -> None:
    shutil.rmtree(tiny.fold(1).root)
    with pytest.raises(DataError, match="masks of one fold only"):
        learn(tiny)
    assert hear_what_is_learnt(tiny).startswith("Lesions get no classes: ")


def test_a_damaged_mask_is_left_out_and_said(tiny: Tiny) -> None:
    _, splits = read_plan(tiny.workspace, "default")
    case = splits.folds[0].validation[0]
    next(tiny.workspace.root.glob(f"preprocessed/*/{case}.labels.b2nd")).write_bytes(b"not an array")
    learnt = learn(tiny)
    assert "1 case could not be read." in learnt.classes.left_out
    assert case not in [one.case for one in learnt.evaluation.cases]


def test_cases_without_tasks_and_references_of_one_label_have_no_classes(tiny: Tiny) -> None:
    dataset = read_json(tiny.workspace.dataset, Dataset)
    write_json(tiny.workspace.dataset, replace(dataset, cases=tuple(replace(one, task="") for one in dataset.cases)))
    with pytest.raises(WorkspaceError, match="0 tasks, and its references of one label, so that lesions have no cl"):
        learn(tiny)


def test_the_command_shows_counts_and_levels(
    tiny: Tiny, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(monkeypatch, "lesion-classes", "-w", tiny.workspace.root) == 0
    shown = capsys.readouterr().out
    assert "Scan, lesion and voxel level" in shown
    assert "18 of 18 components" in shown.replace("\n", " ")
    assert "lesion_classes.safetensors" in shown
    explained = autoseg.explain(tiny.workspace)
    assert explained.values()["lesion_classes"]["origin"] == TASKS
    assert "18 of 18 components" in str(explained)


@pytest.mark.slow
def test_labels_that_are_found_as_one_are_classes(tmp_path: Path) -> None:
    train_tasks(tmp_path, labels=True)
    tiny = Tiny(root=tmp_path)
    plant_masks(tiny.workspace)
    learnt = learn(tiny)
    assert (learnt.classes.origin, [label.value for label in learnt.classes.classes]) == (LABELS, [1, 2])
    assert [one.components for one in learnt.classes.counts] == [12, 6]
    first, second = learnt.levels.rows
    assert (first.sensitivity(), second.sensitivity()) == (1, 1)
    # The fold's own masks know one label.
    plan, _ = read_plan(tiny.workspace, "default")
    own = find_configuration(plan.configurations, CONFIGURATION, "the plan")
    assert len(plan.scheme_of(own).labels) == 1
    assert plan.lesion_classes == Choice(name="fully_connected", options={"hidden": [8], "lr": 0.05})


def test_a_model_that_tells_labels_apart_is_refused_with_what_to_do(tmp_path: Path) -> None:
    scheme = LabelScheme(labels=(Label(name="stroke", value=1), Label(name="MS", value=2)))
    dataset = Dataset(name="d", layout="csv", root="/d", channels=("T1w",), labels=scheme, cases=())
    model = cast("Run", SimpleNamespace(scheme=scheme, learned=lambda: scheme, configuration="2d"))
    with pytest.raises(WorkspaceError, match=r"tells 2 labels .*--labels union.*--set '2d.targets=\[\[1,2\]\]'"):
        find_class_source(Workspace(root=tmp_path), dataset, model)


def test_a_plan_that_tells_labels_apart_itself_takes_no_classifier(tmp_path: Path) -> None:
    tiny = write_tasks(tmp_path, labels=True, cases=4)
    with pytest.raises(PlanError, match="3d_fullres tells 2 labels or regions apart itself"):
        autoseg.plan_and_preprocess(
            tiny.raw, workspace=tiny.workspace.root, configurations=(CONFIGURATION,), assignments=(SMALL,)
        )
