"""Folds predict as they were begun, whatever was planned since; those of different labels do not predict together."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from autoseg.models import read_settings
from autoseg.pipeline.faces import model_face
from dataset_fingerprints.dataset import Label, LabelScheme
from dataset_fingerprints.errors import PlanError, WorkspaceError
from dataset_fingerprints.files.jsonfiles import write_json
from dataset_fingerprints.reading.images import read_label_map
from planners.run import Run
from tests.synthetic.tiny import CONFIGURATION, Tiny

OTHER = LabelScheme(labels=(Label(name="dark", value=5),))


def relabelled(run: Run) -> Run:
    return replace(run, scheme=OTHER)


def rechannelled(run: Run) -> Run:
    return replace(run, channels=("FLAIR",))


def predict(tiny: Tiny, **options: object) -> tuple[Path, ...]:
    configurations = (CONFIGURATION,)
    out = tiny.root / "masks"
    made = model_face.predict(
        tiny.scan("case_0"),
        out,
        tiny.workspace,
        configurations=configurations,
        overwrite=True,
        **options,  # type: ignore[arg-type]
    )
    return tuple(made)


def add_fold(tiny: Tiny, change: Callable[[Run], Run]) -> None:
    """Put a second fold beside the first, of the same weights, but as if it had been trained for something else."""
    shutil.copytree(tiny.fold(0).root, tiny.fold(1).root)
    write_json(tiny.fold(1).run, change(replace(read_settings(tiny.fold(0)), fold="1")))


def test_a_fold_predicts_its_own_labels_where_others_are_planned_now(
    tiny: Tiny, caplog: pytest.LogCaptureFixture
) -> None:
    (before,) = [read_label_map(path).voxels for path in predict(tiny)]
    description = json.loads((tiny.raw / "dataset.json").read_text(encoding="utf-8"))
    description["labels"] = {"background": 0, "dark": 1, "new": 2}
    (tiny.raw / "dataset.json").write_text(json.dumps(description), encoding="utf-8")
    tiny.plan()
    (mask,) = predict(tiny)
    assert (read_label_map(mask).voxels == before).all()
    assert "labels 1 dark, 2 new; channels T1w" in caplog.text
    assert "its trained folds (labels 1 dark; channels T1w)" in caplog.text
    assert "--restart" in caplog.text
    assert model_face.load_model(tiny.workspace, configurations=(CONFIGURATION,)).scheme.values() == (1,)


@pytest.mark.parametrize(
    ("change", "difference"),
    [(relabelled, "labels 5 dark; channels T1w"), (rechannelled, "labels 1 dark; channels FLAIR")],
)
def test_folds_of_different_labels_or_channels_name_the_ways_out(
    tiny: Tiny, change: Callable[[Run], Run], difference: str
) -> None:
    add_fold(tiny, change)
    before = tiny.contents()
    with pytest.raises(WorkspaceError) as refused:
        predict(tiny)
    said = str(refused.value)
    for expected in (
        "3d_fullres, fold 0: labels 1 dark; channels T1w",
        f"3d_fullres, fold 1: {difference}",
        "(-f 0 or -f 1)",
        "`autoseg train FOLD --restart`",
        "--plan-name NEW",
    ):
        assert expected in said
    assert not (tiny.root / "masks").exists()
    assert tiny.contents() == before
    assert len(predict(tiny, folds=(0,))) == 1


def test_one_of_them_alone_predicts_its_own_labels(tiny: Tiny) -> None:
    add_fold(tiny, relabelled)
    (mask,) = predict(tiny, folds=(1,))
    assert set(read_label_map(mask).voxels.ravel().tolist()) <= {0, 5}


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"folds": (3,)}, WorkspaceError, "fold_3 of 3d_fullres is not trained yet. Trained: fold_0."),
        ({"folds": (-1,)}, PlanError, "There is no fold '-1'"),
        ({"folds": (0, 0)}, PlanError, "fold 0 is named twice"),
    ],
)
def test_folds_that_are_not_there_are_named(
    tiny: Tiny, options: dict[str, object], error: type[Exception], message: str
) -> None:
    with pytest.raises(error, match=message):
        predict(tiny, **options)
    assert not (tiny.root / "masks").exists()
