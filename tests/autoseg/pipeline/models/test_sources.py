"""Where a model is read from, and what of it was selected."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

import autoseg
from autoseg.models import Cover, Selection, write_bundle
from autoseg.models.selection import Change, Evidence, Gain, Trial
from autoseg.pipeline.models.sources import ModelChoice, find_source
from autoseg.pipeline.selection.selected import measure_folds
from dataset_fingerprints.errors import FileFormatError, WorkspaceError
from dataset_fingerprints.files.jsonfiles import write_json
from planners.choices import Choice
from tests.autoseg.models.portable.builders import configure, put_together, train
from tests.autoseg.models.test_lesion_classifier import by_size
from tests.synthetic.commands import run
from tests.synthetic.scans import head
from tests.synthetic.tiny import CONFIGURATION, SHAPE, Tiny

TRIAL = Trial(
    subject="dark",
    before="the usual rule",
    best="nothing stays",
    taken=True,
    reason="planted",
    candidates=1,
    agreeing=1,
    change=Change(
        score=(0.0, 1.0), gain=Gain(mean=1.0, low=0.5, high=1.5), dice=0.0, large_recall=None, small_recall=None
    ),
)


def select_nothing(tiny: Tiny) -> None:
    """Leave a selection by which no component stays."""
    evidence = Evidence(score="mean", level=0.95, cases=5, subjects=5, folds=("0",), trials=(TRIAL,))
    selection = Selection(
        configurations=(CONFIGURATION,),
        postprocessing=(Choice(name="smallest_volume", options={"volume_mm3": 1e9}),),
        measured_on=measure_folds([tiny.fold(0)]),
        evidence=evidence,
    )
    write_json(tiny.workspace.selection("default"), selection)


def test_what_was_selected_predicts_from_the_workspace_and_from_its_bundle(tiny: Tiny, tmp_path: Path) -> None:
    scan = tiny.scan("case_0")
    before = autoseg.load_model(tiny.workspace).predict(scan).labels
    assert before.any()
    select_nothing(tiny)
    bundle = autoseg.export(tiny.workspace, tmp_path / "model.zip")
    for place in (tiny.workspace, bundle):
        assert not autoseg.load_model(place).predict(scan).labels.any()
        assert np.array_equal(autoseg.load_model(place, selected=False).predict(scan).labels, before)


def test_it_is_said_what_was_selected(
    tiny: Tiny, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    select_nothing(tiny)
    assert run(monkeypatch, "predict", tiny.scan("case_0"), "-o", tmp_path / "masks", "-w", tiny.workspace.root) == 0
    assert "As selected on the cross-validation: dark: nothing stays." in " ".join(capsys.readouterr().out.split())


def test_a_selection_on_other_weights_is_not_used_and_that_is_said(tiny: Tiny) -> None:
    select_nothing(tiny)
    weights = tiny.fold(0).weights
    weights.rename(tiny.fold(0).snapshot(1))
    source = find_source(tiny.workspace, ModelChoice())
    assert source.read().selection is not None  # the same weights by another name
    content = bytearray(tiny.fold(0).snapshot(1).read_bytes())
    content[-1] ^= 1
    tiny.fold(0).snapshot(1).write_bytes(content)
    assert any("is not used: fold 0" in doubt for doubt in find_source(tiny.workspace, ModelChoice()).doubts)


def test_a_damaged_selection_is_named(tiny: Tiny) -> None:
    select_nothing(tiny)
    path = tiny.workspace.selection("default")
    path.write_text(path.read_text(encoding="utf-8").replace("planted", "plantad"))
    with pytest.raises(FileFormatError, match=r"selection\.json"):
        find_source(tiny.workspace, ModelChoice())


def test_a_folder_inside_a_workspace_names_the_workspace_and_its_folds(finished: Tiny) -> None:
    root = finished.workspace.root
    for folder in (root / "models", root / "models" / "default", root / "models" / "default" / CONFIGURATION):
        with pytest.raises(WorkspaceError, match="lies inside a workspace") as caught:
            autoseg.load_model(folder)
        assert f"Name the workspace, {root}, or a trained fold: {folder}" in str(caught.value)
        assert "fold_0" in str(caught.value)
    with pytest.raises(WorkspaceError, match=rf"Name the workspace, {root}\.$"):
        autoseg.load_model(root / "plans")


def test_an_array_with_voxels_of_another_unit_is_warned_of(finished: Tiny, caplog: pytest.LogCaptureFixture) -> None:
    model = autoseg.load_model(finished.workspace)
    voxels = head(3, SHAPE)[0]
    assert not any(one.kind == "spacing" for one in model.predict(voxels, spacing_mm=(1.0, 1.0, 1.0)).unlike)
    assert "voxels of" not in caplog.text
    found = model.predict(voxels, spacing_mm=(0.05, 0.05, 0.05))
    assert any(one.kind == "spacing" for one in found.unlike)
    assert "Unlike the training scans: voxels of 0.05x0.05x0.05 mm" in caplog.text


def test_masks_of_configurations_of_different_labels_hold_the_labels_of_all(tmp_path: Path) -> None:
    dark, bright = (train([configure(name, targets=((value,),))]) for name, value in (("dark", 3), ("bright", 700)))
    models = put_together({"dark": (dark,)}, {"bright": (bright,)})
    write_bundle(tmp_path / "model.zip", models, Cover(name="", licence="", card=""), {})
    scheme = find_source(tmp_path / "model.zip").mask_scheme()
    assert scheme == models.scheme()
    assert scheme.values() == (3, 700)


@pytest.mark.parametrize("choice", [ModelChoice(selected=False), ModelChoice(single=True)])
def test_masks_of_a_bundle_have_no_classes_where_the_classifier_knows_other_masks(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, choice: ModelChoice
) -> None:
    # Trained on masks of two configurations together, by a threshold that was selected.
    fine, coarse = (train([configure(name)]) for name in ("fine", "coarse"))
    classifier = by_size()
    classes = replace(classifier, description=replace(classifier.description, thresholds=(0.3, 0.3)))
    models = put_together({"fine": (fine,)}, {"coarse": (coarse,)}, decision=((0.3, 0.3), ()))
    path = tmp_path / "model.zip"
    write_bundle(path, replace(models, lesion_classes=classes), Cover(name="", licence="", card=""), {})
    assert find_source(path).mask_scheme() == classes.description.scheme()
    source = find_source(path, choice)
    read = source.read().take_first() if choice.single else source.read()
    assert read.lesion_classes is None
    assert source.mask_scheme() == read.scheme()
    assert ("lesions get no classes" in caplog.text) == (not choice.selected)
