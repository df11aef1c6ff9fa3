"""Labels as a configuration learns them, read from arrays that hold all labels of the data set."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

import autoseg
from autoseg.pipeline.folds.stage_inputs import StageInput, find_input
from autoseg.pipeline.plans.reading import read_plan
from autoseg.workspace.workspace import Workspace
from planners.plan import Configuration, CropTo, MaskOf, Plan, Splits
from tests.synthetic.scans import write_nnunet_dataset
from tests.synthetic.small_networks import QUICK

CASE = "sub-001"


@pytest.fixture(scope="module")
def planned(tmp_path_factory: pytest.TempPathFactory) -> tuple[Workspace, Plan, Splits]:
    root = tmp_path_factory.mktemp("labels")
    raw = write_nnunet_dataset(root / "raw", cases=2)
    autoseg.plan_and_preprocess(raw, workspace=root / "ws", assignments=QUICK, configurations=["3d_fullres"])
    workspace = Workspace(root=Path(root / "ws"))
    plan, splits = read_plan(workspace, "default")
    return workspace, plan, splits


def read(planned: tuple[Workspace, Plan, Splits], **changes: object) -> tuple[Configuration, StageInput]:
    """Return a configuration with changes, beside one that learns the second label alone, and its inputs."""
    workspace, plan, splits = planned
    first = next(entry for entry in plan.configurations if entry.name == "3d_fullres")
    own = replace(first, name="own", **changes)  # type: ignore[arg-type]
    both = replace(plan, configurations=(replace(first, name="bright", targets=((2,),)), own))
    return own, find_input(workspace, both, splits, own)


def test_several_labels_are_read_as_one_and_others_as_background(planned: tuple[Workspace, Plan, Splits]) -> None:
    _, every = read(planned)
    stored = every.store.read_labels(CASE)
    assert set(np.unique(stored)) == {0, 1, 2}
    _, union = read(planned, targets=((1, 2),))
    assert np.array_equal(union.store.read_labels(CASE), stored > 0)
    assert np.array_equal(union.store.read_reference(CASE), every.store.read_reference(CASE) > 0)
    _, second = read(planned, targets=((2,),))
    assert np.array_equal(second.store.read_labels(CASE), stored == 2)
    assert second.scheme.to_values(second.store.read_labels(CASE)).max() == 2, "it keeps its value"
    assert union.store.folder == every.store.folder, "the arrays are shared"


def test_a_crop_is_trained_on_around_what_the_other_configuration_is_to_find(
    planned: tuple[Workspace, Plan, Splits],
) -> None:
    crop = CropTo(configuration="bright", margin_mm=0.0)
    _, inputs = read(planned, inputs=(crop,))
    places = np.argwhere(inputs.store.read_labels(CASE) == 2)
    box = inputs.find_training_crop(CASE).box
    assert (box.start, box.stop) == (tuple(places.min(axis=0)), tuple(places.max(axis=0) + 1))
    assert inputs.scheme.names() == {1: "dark", 2: "bright"}, "its own labels stay"


def test_a_mask_has_a_channel_per_label_of_the_configuration_that_it_is_of(
    planned: tuple[Workspace, Plan, Splits],
) -> None:
    own, inputs = read(planned, inputs=(MaskOf(configuration="bright"),))
    (mask,) = inputs.masks
    assert mask.scheme.names() == {2: "bright"}
    _, plan, _ = planned
    bright = replace(own, name="bright", inputs=(), targets=((2,),))
    assert replace(plan, configurations=(bright, own)).input_channels(own) == 2
