"""The table and the picture of a validation."""

from __future__ import annotations

import csv
from dataclasses import replace

import numpy as np
import pytest
from PIL import Image

from autoseg.evaluation import CaseScores, label_targets, score_case, summarise
from autoseg.pipeline.folds.reporting import EACH, choose_cases, darken_outside, read_plane
from autoseg.pipeline.folds.stage_inputs import find_input
from autoseg.pipeline.plans.reading import read_plan
from autoseg.pipeline.scores.score_tables import find_odd_scores
from autoseg.pipeline.scores.showing import choose_showing
from autoseg.reporting import View, is_drawn
from dataset_fingerprints.dataset import Dataset, Label, LabelScheme
from dataset_fingerprints.files.jsonfiles import read_json, write_json
from dataset_fingerprints.reading.images import read_image

SCHEME = LabelScheme(labels=(Label(name="dark", value=1), Label(name="bright", value=2)))


def scored(name: str, reference: dict[int, int], prediction: dict[int, int], shift: int = 0) -> CaseScores:
    """Return the scores of masks with so many voxels of each label, in rows of their own."""
    maps = np.zeros((2, 40, 4, 4), dtype=np.uint8)
    for label, count in reference.items():
        maps[0, :count, label, 0] = label
    for label, count in prediction.items():
        maps[1, shift : shift + count, label, 0] = label
    return score_case(maps[1], maps[0], label_targets((1, 2)), (10.0, 10.0, 10.0), name)


@pytest.mark.parametrize(
    ("reference", "prediction", "shift", "sentences"),
    [
        ({1: 5, 2: 5}, {1: 5, 2: 4}, 0, ()),
        ({1: 5, 2: 5}, {1: 5}, 0, ("bright: 5 ml in the reference, nothing found.",)),
        ({1: 5}, {1: 5, 2: 3}, 0, ("bright: 3 ml found, nothing in the reference.",)),
        ({1: 5}, {1: 5}, 20, ("dark: marked elsewhere only: nothing of the reference is hit, Dice 0.",)),
        ({}, {}, 0, ()),
    ],
)
def test_what_was_missed_or_invented_is_said(reference, prediction, shift, sentences):
    showing = choose_showing(SCHEME, ("T1w",), None)
    assert find_odd_scores(scored("a", reference, prediction, shift), showing.name_of) == sentences


def test_the_worst_the_middle_and_the_best_are_drawn():
    cases = [scored(f"c{number:02d}", {1: 30}, {1: 30 - number}) for number in range(30)]
    assert len(choose_cases(summarise(cases[: 3 * EACH]))) == 3 * EACH
    chosen = choose_cases(summarise(cases))
    assert [case.case for case in chosen] == [
        *(f"c{n}" for n in (29, 28, 27, 26, 16, 15, 14, 13)),
        "c03",
        "c02",
        "c01",
        "c00",
    ]


def test_a_fold_leaves_a_table_and_a_picture_and_makes_lost_ones_again(tiny):
    folder = tiny.fold()
    held_out = [path.name.removesuffix(".nii.gz") for path in folder.validation.root.glob("*.nii.gz")]
    with folder.table.open(encoding="utf-8-sig", newline="") as stream:
        rows = list(csv.DictReader(stream))
    assert [row["case"] for row in rows] == held_out
    assert list(rows[0])[:4] == ["case", "subject", "fold", "dark: Dice"]
    assert list(rows[0])[-1] == "warnings"
    assert {"dark: reference ml", "dark: predicted ml", "dark: lesions in reference", "dark: lesions predicted"} <= set(
        rows[0]
    )
    assert (rows[0]["subject"], rows[0]["fold"]) == (held_out[0], "0")
    with Image.open(folder.sheet) as picture:
        picture.verify()
    assert is_drawn(folder.sheet)
    written = {path: path.read_bytes() for path in folder.reports()}
    for path in folder.reports():
        path.unlink()
        tiny.train(0)
        assert path.read_bytes() == written[path]


def test_arrays_that_are_gone_cost_the_picture_alone(tiny, caplog):
    for path in tiny.workspace.root.glob("preprocessed/*/*"):
        path.unlink()
    for path in tiny.fold().reports():
        path.unlink()
    tiny.train(0)
    assert tiny.fold().table.is_file()
    assert not tiny.fold().sheet.exists()
    assert "No picture of the validated cases" in caplog.text


def test_a_fold_that_is_begun_anew_does_not_keep_the_old_report(tiny):
    old = [path.stat().st_mtime_ns for path in tiny.fold().reports()]
    assert set(tiny.fold().reports()) <= set(tiny.fold().training_files())
    tiny.train(0, iterations=3)
    assert [path.stat().st_mtime_ns for path in tiny.fold().reports()] != old


@pytest.mark.parametrize("axis", [0, 1, 2])
def test_a_slice_of_a_preprocessed_case_lies_where_the_scan_has_it(trained, axis):
    from autoseg.workspace.workspace import Workspace

    workspace = Workspace(root=trained / "ws")
    plan, splits = read_plan(workspace, "default")
    configuration = next(one for one in plan.configurations if one.name == plan.default_configuration)
    store = find_input(workspace, plan, splits, configuration).store
    case = splits.folds[0].validation[0]
    scan = read_image([trained / "raw" / "imagesTr" / f"{case}_0001.nii.gz"]).voxels[0]
    index = scan.shape[axis] // 2
    view = View(through=axis, index=index)
    plane = read_plane(store, case, 1, view)
    wanted = view.cut(scan)
    assert plane.shape == wanted.shape
    # Normalised, and where voxels were resampled a little blurred.
    assert np.corrcoef(plane.ravel(), wanted.ravel())[0, 1] > 0.95
    assert replace(view, index=index).describe().endswith(f"{'xyz'[axis]} = {index}")


def test_the_table_names_sites_where_the_data_set_does(tiny):
    held_out = [path.name.removesuffix(".nii.gz") for path in tiny.fold().validation.root.glob("*.nii.gz")]
    dataset = read_json(tiny.workspace.dataset, Dataset)
    sited = tuple(replace(case, site="Rome" if case.name in held_out else "") for case in dataset.cases)
    write_json(tiny.workspace.dataset, replace(dataset, cases=sited))
    tiny.fold().table.unlink()
    tiny.train(0)
    with tiny.fold().table.open(encoding="utf-8-sig", newline="") as stream:
        rows = list(csv.DictReader(stream))
    assert list(rows[0])[:4] == ["case", "subject", "site", "fold"]
    assert [row["site"] for row in rows] == ["Rome"] * len(held_out)


@pytest.mark.parametrize("shape", [(12, 10), (12, 10, 8)])
def test_what_surrounds_a_body_is_dark_and_what_lies_in_it_stays(shape):
    image = np.zeros((2, *shape), dtype=np.float32)
    inside = (slice(None), *(slice(3, -3) for _ in shape))
    image[inside] = np.linspace(-2, 3, image[inside].size).reshape(image[inside].shape)
    dark = darken_outside(image)
    assert np.array_equal(dark[inside], image[inside])
    assert np.array_equal(
        dark[:, 0].max(axis=tuple(range(1, len(shape)))), image.min(axis=tuple(range(1, len(shape) + 1)))
    )
    assert np.array_equal(darken_outside(image + 1), image + 1)
