"""What Llambias 2024 states of the cascade, and the recipe killed, resumed, predicted and scored by class."""

from __future__ import annotations

import csv
import signal
from functools import partial
from pathlib import Path

import nibabel
import numpy as np
import pytest
from numpy.typing import NDArray

import autoseg
from autoseg.evaluation import read_evaluation
from autoseg.models import read_settings
from autoseg.pipeline.faces.model_face import load_model
from autoseg.pipeline.lesion_classes.kept import read_classifier
from autoseg.preprocessing import Store, store_key
from autoseg.workspace.workspace import Workspace
from experiments.recipes.finding import find_recipe
from planners.choices import resolve
from planners.parts import LESION_CLASSIFIERS
from planners.parts.lesion_classifiers import FullyConnectedOptions
from tests.experiments.recipes.test_hetero import QUICK, STEPS, fingerprint_of, plan_of
from tests.synthetic.packages import do_in_turn
from tests.synthetic.small_networks import as_options
from tests.synthetic.tasks import write_task_datasets
from tests.synthetic.two_classes import plant

NAME = "hetero_cascade"


def test_the_networks_are_those_of_the_binary_model() -> None:
    """Source: `combination of the fine-tuned binary model and the fully connected network`."""
    cascade, binary = plan_of(NAME), plan_of("hetero_binary")
    assert cascade.configurations == binary.configurations
    assert cascade.default_configuration == binary.default_configuration
    assert binary.lesion_classes is None


def test_section_3_states_layers_loss_optimiser_rate_and_epochs_of_the_classifier() -> None:
    """Source: `two fully connected layers with 400 nodes`; `weighted cross-entropy`; `100 epochs`; `rate of 0.1`."""
    choice = plan_of(NAME).lesion_classes
    assert choice is not None
    options = resolve(choice, LESION_CLASSIFIERS, "")
    assert isinstance(options, FullyConnectedOptions)
    assert (options.hidden, options.weighted, options.lr, options.epochs) == ((400, 400), True, 0.1, 100)


def test_of_one_task_there_is_nothing_to_tell_apart_and_the_plan_says_so() -> None:
    plan = plan_of(NAME, fingerprint_of({"MS": 15}))
    assert plan.lesion_classes is None
    (said,) = (one for one in plan.decisions if one.field == "lesion_classes")
    assert (said.value, said.change) == ("left out", "autoseg combine, with a task for each data set")


def test_published_figures_are_those_of_table_3() -> None:
    found = {(one.of, one.measure): (one.value, one.n) for one in find_recipe(NAME).published}
    assert found["MS", "scan classification: sensitivity"] == ("0.833", 43)
    assert found["stroke", "lesion detection: sensitivity"] == ("0.386±0.34", 63)
    assert found["WMH", "volume similarity"] == ("0.823±0.25", 110)
    assert len(found) == 3 * 8


@pytest.mark.long
def test_it_is_killed_goes_on_learns_classes_predicts_and_is_scored_at_three_levels(tmp_path: Path) -> None:
    places = write_task_datasets(tmp_path / "raw", cases=5)
    raw, workspace = tmp_path / "all", Workspace(root=tmp_path / "ws")
    autoseg.combine(places, raw, channels=["FLAIR"], labels="own", meanings={"wmh:other": "background"})

    do = partial(do_in_turn, tmp_path, place=("-w", workspace.root))

    planned = ("--planner", NAME, "--plan-name", NAME, "--scale", 64)
    plan = ("plan_and_preprocess", raw, *planned, *as_options(*QUICK))
    train = ("train", "0", "--plan", NAME, "-c", "binary", "--with-previous")
    do(f"step::{STEPS - 1}", plan, train, code=-signal.SIGKILL)
    # One fold alone teaches no judge.
    said = do("step::0", train, ("experiment", "run", NAME, "0"))
    assert "Lesions get no classes" in said.replace("\n", " ")
    do("step::0", ("experiment", "run", NAME, "1"))
    # Networks of three steps find nothing: the folds' masks are those of the references in their place.
    run = read_settings(workspace.fold(NAME, "binary", "0"))
    store = Store(folder=workspace.store(store_key(run.own().preprocessing, run.scheme)))

    def draw(case: str) -> NDArray[np.bool_]:
        return store.read_reference(case) > 0

    plant(workspace, NAME, "binary", draw)
    # Killed when the weights are written and their description is not, then given again.
    learn = ("lesion-classes", "--plan", NAME)
    do("rename:lesion_classes.json:1", learn, code=-signal.SIGKILL)
    assert load_model(workspace, plan_name=NAME).lesion_classes is None, "the description is of earlier weights"
    # Of white matter lesions only fold 0 has one, so that nothing judges it.
    do("step::0", ("experiment", "levels", NAME), code=2)
    said = do("step::0", learn, ("experiment", "levels", NAME, "-f", 1))
    assert "Scan, lesion and voxel level" in said
    assert "0.875" in said, "the published figures stand beside"
    classifier = read_classifier(workspace, NAME)
    assert classifier is not None
    assert len(classifier.description.folds) == 2
    scored = read_evaluation(workspace.root / "recipes" / f"{NAME}-levels.json")
    assert {*classifier.description.scheme().names().values()} == {label.name for label in scored.names}
    with (workspace.root / "recipes" / f"{NAME}-levels.csv").open(encoding="utf-8") as stream:
        rows = list(csv.DictReader(stream))
    assert sum(int(row["scans"]) for row in rows) == len(scored.cases)
    masks = autoseg.predict(raw, tmp_path / "masks", workspace, plan_name=NAME, mirror=False)
    assert len(masks) == 15
    values = {value for path in masks for value in np.unique(np.asarray(nibabel.load(path).dataobj)).tolist()}
    assert values <= {0, *classifier.description.scheme().values()}
    assert load_model(workspace, plan_name=NAME).lesion_classes is not None
    evaluation = autoseg.evaluate(
        tmp_path / "masks", raw, convention="llambias2024", levels=True, out=tmp_path / "s.json"
    )
    assert len(evaluation.cases) == 15
