"""What a stage that crops is trained on, and what it is validated on."""

from __future__ import annotations

import shutil
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pytest

from autoseg.pipeline.folds.out_of_fold import read_probabilities, read_validated
from autoseg.pipeline.folds.stage_inputs import StageInput, find_input
from autoseg.pipeline.plans.reading import read_plan
from autoseg.prediction import Fallback, find_box
from autoseg.preprocessing import read_array, whole, write_array
from autoseg.workspace.workspace import Workspace
from dataset_fingerprints.files.jsonfiles import write_json
from dataset_fingerprints.geometry import Box
from planners.stage_inputs import CropTo


@dataclass(frozen=True, kw_only=True, slots=True)
class Cropped:
    """A case that fold 0 was not trained on, and the workspace."""

    workspace: Workspace
    case: str

    def inputs(self, **changes: object) -> StageInput:
        """Return the inputs of a stage that crops to what 3d_fullres found."""
        plan, splits = read_plan(self.workspace, "default")
        first = next(entry for entry in plan.configurations if entry.name == "3d_fullres")
        crop = CropTo(configuration="3d_fullres", margin_mm=0.0)
        second = replace(first, name="second", inputs=(replace(crop, **changes),))  # type: ignore[arg-type]
        return find_input(self.workspace, plan, splits, second)


@pytest.fixture(scope="module")
def cropped(trained: Path) -> Cropped:
    workspace = Workspace(root=trained / "ws")
    _, splits = read_plan(workspace, "default")
    return Cropped(workspace=workspace, case=splits.folds[0].validation[0])


def around(labelled: np.ndarray) -> Box:
    """Return the smallest box around marked voxels."""
    places = np.argwhere(labelled)
    start, stop = places.min(axis=0), places.max(axis=0) + 1
    return Box(start=tuple(map(int, start)), stop=tuple(map(int, stop)))  # type: ignore[arg-type]


def test_training_looks_at_the_box_around_the_reference(cropped: Cropped) -> None:
    inputs = cropped.inputs()
    _, labels = inputs.store.read(cropped.case)
    crop = inputs.find_training_crop(cropped.case)
    # The arrays have the scan's own voxels.
    assert crop.box == around(labels > 0)
    assert crop.missed == ()


def test_or_at_the_box_around_what_the_fold_found_that_did_not_train_on_the_case(cropped: Cropped) -> None:
    inputs = cropped.inputs(trained_on="out_of_fold", threshold=0.4)
    record = inputs.store.read_record(cropped.case)
    validation = cropped.workspace.fold("default", "3d_fullres", "0").validation
    found = find_box(read_probabilities(validation, cropped.case, inputs.scheme, record.source_grid), 0.4)
    assert found is not None
    assert inputs.find_training_crop(cropped.case).box == found.relative_to(record.box)


def test_a_box_lies_around_some_labels_only_where_these_are_named(cropped: Cropped) -> None:
    everything = cropped.inputs()
    first, second = everything.scheme.names().values()
    _, labels = everything.store.read(cropped.case)
    for index, name in enumerate((first, second), start=1):
        inputs = cropped.inputs(labels=(name,), trained_on="reference")
        assert inputs.find_training_crop(cropped.case).box == around(labels == index)
    record = everything.store.read_record(cropped.case)
    validation = cropped.workspace.fold("default", "3d_fullres", "0").validation
    probabilities = read_probabilities(validation, cropped.case, everything.scheme, record.source_grid)
    found = find_box(probabilities, 0.4, (second,))
    seen = cropped.inputs(labels=(second,), threshold=0.4).read(cropped.case)
    expected = whole(record) if found is None else found.relative_to(record.box)
    assert seen.crop == expected
    assert find_box(probabilities, 0.4) != found


def test_validation_never_looks_at_the_reference(cropped: Cropped) -> None:
    on_reference, on_found = cropped.inputs(), cropped.inputs(trained_on="out_of_fold")
    seen = on_reference.read(cropped.case)
    assert seen.crop == on_found.find_training_crop(cropped.case).box
    image, _ = on_reference.store.read(cropped.case)
    assert np.array_equal(seen.image, image[(slice(None), *seen.crop.slices())])
    assert seen.fallbacks == ()


def test_where_nothing_was_found_the_whole_scan_is_looked_at_and_that_is_reported(
    cropped: Cropped, tmp_path: Path
) -> None:
    shutil.copytree(cropped.workspace.root, tmp_path / "ws")
    empty = replace(cropped, workspace=Workspace(root=tmp_path / "ws"))
    validation = empty.workspace.fold("default", "3d_fullres", "0").validation
    path = validation.probabilities(cropped.case)
    validated = read_validated(validation, cropped.case)
    emptied = write_array(path, np.zeros_like(read_array(path)))
    write_json(validation.case_record(cropped.case), replace(validated, probabilities=emptied))
    inputs = empty.inputs(trained_on="out_of_fold")
    seen = inputs.read(cropped.case)
    assert seen.crop == whole(inputs.store.read_record(cropped.case))
    assert seen.fallbacks == (Fallback(configuration="second", source="3d_fullres"),)
    assert inputs.find_training_crop(cropped.case).missed == ("3d_fullres",)
