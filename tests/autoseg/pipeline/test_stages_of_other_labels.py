"""Configurations that learn other labels than those that use them: trained, validated, predicted, exported."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

import autoseg
from autoseg.models import read_fold
from autoseg.workspace.workspace import Workspace
from dataset_fingerprints.files.jsonfiles import read_json, write_json
from dataset_fingerprints.reading.images import read_label_map
from planners.plan import Initial, Plan
from planners.stage_inputs import CropTo, MaskOf
from tests.synthetic.scans import write_nnunet_dataset
from tests.synthetic.small_networks import QUICK

STEPS = ("training.iterations=4", "training.validation_rounds=1")


@pytest.fixture(scope="module")
def workspace(tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    """Return a workspace with a union of two labels, what sees its masks and box, and slices with neighbours."""
    root = tmp_path_factory.mktemp("stages")
    raw = write_nnunet_dataset(root / "raw", cases=5)
    made = autoseg.plan_and_preprocess(
        raw, workspace=root / "ws", assignments=(*QUICK, *STEPS), configurations=("2d", "3d_fullres")
    )
    workspace = Workspace(root=Path(made.root))
    plan = read_json(workspace.plan("default"), Plan)
    known = {one.name: one for one in plan.configurations}
    union = replace(known["3d_fullres"], name="union", targets=((1, 2),))
    inputs = (MaskOf(configuration="union"), CropTo(configuration="union", margin_mm=2.0, threshold=0.4))
    refined = replace(known["3d_fullres"], name="refined", inputs=inputs)
    bright = replace(known["2d"], name="bright", neighbours=1, targets=((2,),))
    tuned = replace(known["2d"], name="tuned", neighbours=1, initial=Initial(configuration="bright", layers="matching"))
    changed = replace(plan, configurations=(union, refined, bright, tuned), default_configuration="refined")
    write_json(workspace.plan("default"), changed)
    for name in ("refined", "tuned"):
        autoseg.train(workspace, fold=0, configuration=name, with_previous=True)
    return workspace


def channels_of(workspace: Workspace, name: str) -> tuple[int, int]:
    """Return the channels of the first and of the last layer of a fold's network."""
    weights = read_fold(workspace.fold("default", name, "0")).weights[0]
    first = next(tensor for key, tensor in weights.items() if key.endswith("encoder.0.0.conv.weight"))
    last = next(tensor for key, tensor in weights.items() if "head" in key and key.endswith("weight"))
    return int(first.shape[1]), int(last.shape[0])


@pytest.mark.slow
def test_each_network_has_the_channels_of_what_it_sees_and_learns(workspace: Workspace) -> None:
    assert channels_of(workspace, "union") == (1, 2)
    assert channels_of(workspace, "refined") == (2, 3), "the scan and one mask; two labels"
    assert channels_of(workspace, "bright") == (3, 2)
    assert channels_of(workspace, "tuned") == (3, 3)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "labels"), [("union", {"1"}), ("refined", {"1", "2"}), ("bright", {"2"}), ("tuned", {"1", "2"})]
)
def test_a_fold_is_scored_by_the_labels_that_it_learns(workspace: Workspace, name: str, labels: set[str]) -> None:
    validation = workspace.fold("default", name, "0").validation
    cases = json.loads(validation.metrics.read_text(encoding="utf-8"))["cases"]
    assert cases
    assert all(set(case["labels"]) == labels for case in cases)
    allowed = {0, *map(int, labels)}
    for case in cases:
        assert set(np.unique(read_label_map(validation.mask(case["case"])).voxels)) <= allowed


@pytest.mark.slow
def test_a_model_predicts_and_is_exported_with_the_labels_that_it_learns(workspace: Workspace, tmp_path: Path) -> None:
    scan = workspace.root.parent / "raw" / "imagesTr" / "sub-000_0000.nii.gz"
    for name, names in (("refined", ["dark", "bright"]), ("union", ["dark+bright"]), ("bright", ["bright"])):
        model = autoseg.load_model(workspace, configurations=(name,))
        assert [label.name for label in model.scheme.labels] == names
        bundle = tmp_path / f"{name}.zip"
        autoseg.export(workspace, bundle, configurations=(name,))
        again = autoseg.load_model(bundle)
        assert np.array_equal(again.predict(scan).labels, model.predict(scan).labels)
        assert again.scheme == model.scheme


@pytest.mark.slow
def test_configurations_of_different_labels_make_one_label_map(workspace: Workspace, tmp_path: Path) -> None:
    scan = workspace.root.parent / "raw" / "imagesTr" / "sub-000_0000.nii.gz"
    model = autoseg.load_model(workspace, configurations=("union", "bright"))
    assert [region.name for region in model.scheme.regions] == ["dark+bright", "bright"]
    union, bright = (autoseg.load_model(workspace, configurations=(name,)) for name in ("union", "bright"))
    labels = model.predict(scan).labels
    inside = np.where(bright.predict(scan).labels == 2, 2, union.predict(scan).labels)
    assert np.array_equal(labels, inside)
    autoseg.export(workspace, tmp_path / "both.zip", configurations=("union", "bright"))
    assert np.array_equal(autoseg.load_model(tmp_path / "both.zip").predict(scan).labels, labels)
