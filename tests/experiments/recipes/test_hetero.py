"""What Llambias 2024 states of its models, value by value."""

from __future__ import annotations

import json
import signal
from dataclasses import replace
from functools import partial
from pathlib import Path

import pytest

import autoseg
from autoseg.training.curve import Curve
from autoseg.workspace.workspace import Workspace
from dataset_fingerprints.dataset import Dataset
from dataset_fingerprints.errors import PlanError
from dataset_fingerprints.fingerprint import DatasetFingerprint
from dataset_fingerprints.measuring.pooling import summarise
from experiments.recipes.finding import find_recipe
from planners.choices import resolve
from planners.networks.memory_decisions import predict_configuration
from planners.parts import AUGMENTATIONS, CASES, NETWORKS, OPTIMIZERS, SCHEDULES
from planners.parts.augmentations import StandardOptions
from planners.plan import Configuration, Plan
from planners.planner import PlanRequest
from planners.presets import make_plan
from tests.synthetic.fingerprints import SyntheticCase, make_fingerprint
from tests.synthetic.machines import GPU
from tests.synthetic.packages import do_in_turn
from tests.synthetic.small_networks import as_options
from tests.synthetic.tasks import write_task_datasets

TASKS = {"MS": 29, "stroke": 187, "WMH": 60}
EVERY = ("hetero_baseline", "hetero_binary", "hetero_multiclass")


def fingerprint_of(tasks: dict[str, int]) -> DatasetFingerprint:
    """Return a combined data set of these tasks, each with a label of its own."""
    cases = [
        SyntheticCase(body_shape=(160, 190, 40), spacing_mm=(1.0, 1.0, 3.0), task=task)
        for task, count in tasks.items()
        for _ in range(count)
    ]
    made = make_fingerprint(cases, channels=("FLAIR",), labels=max(1, len(tasks)))
    described = Dataset(name="all", layout="nnunet", root="", channels=("FLAIR",), labels=made.scheme, cases=())
    return summarise(described, made.cases)


ALL = fingerprint_of(TASKS)


def plan_of(name: str, fingerprint: DatasetFingerprint = ALL) -> Plan:
    recipe = find_recipe(name)
    return make_plan(fingerprint, PlanRequest(planner=name, machine=GPU, memory_gb=recipe.memory_gb))


def own(plan: Plan, name: str = "") -> Configuration:
    return next(one for one in plan.configurations if one.name == (name or plan.default_configuration))


@pytest.mark.parametrize("name", EVERY)
def test_section_3_states_length_batch_rate_schedule_optimiser_and_loss_of_all_experiments(name: str) -> None:
    """Source: `1000 iterations, with one iteration consisting of 250 batches`; `cosine annealing schedule`."""
    for configuration in plan_of(name).configurations:
        training = configuration.training
        assert training.iterations == 1000 * 250, "1000 iterations of 250 batches"
        assert configuration.batch_size == 64 or configuration.slice_axis < 0, "64 slices"
        assert training.optimizer.name == "sgd"
        assert resolve(training.optimizer, OPTIMIZERS, "").lr == 1e-3
        schedule = resolve(training.schedule, SCHEDULES, "")
        assert schedule.factor(0.0, ()) == 1.0
        assert schedule.factor(0.5, ()) == pytest.approx(0.5), "a cosine"
        assert schedule.factor(1.0, ()) == pytest.approx(0.0)
        assert training.loss.name == "dice_ce", "Dice and cross-entropy"
        assert resolve(configuration.network, NETWORKS, "").describe().startswith("U-Net")


@pytest.mark.parametrize("name", EVERY)
def test_the_final_experiments_are_of_slices_and_the_network_sees_flair_alone(name: str) -> None:
    """Source: `we selected 2D networks for conducting the final experiments`."""
    plan = plan_of(name)
    assert own(plan).slice_axis == 2, "axial"
    assert plan.input_channels(own(plan)) == 1


def test_section_3_lists_the_augmentation() -> None:
    """Source: `3D rotation, elastic deformation, and additive noise`; `bias fields and motion artifacts`."""
    (choice,) = own(plan_of("hetero_baseline")).sampling.augmentations
    options = resolve(choice, AUGMENTATIONS, "")
    assert isinstance(options, StandardOptions)
    used = {name for name in options.__dataclass_fields__ if name.endswith("_probability") and getattr(options, name)}
    listed = {"rotation", "elastic", "noise", "bias", "ghosts"}
    # Of masks of other configurations, which these networks do not see, and the chance of a channel once it is drawn.
    assert used - {"mask_change_probability", "mask_drop_probability", "channel_probability"} == {
        f"{name}_probability" for name in listed
    }
    assert not options.mirror


def test_the_baseline_learns_one_universal_label_whatever_the_task_or_size() -> None:
    """Source: `into one universal lesion label, disregarding the task and dataset size`."""
    plan = plan_of("hetero_baseline")
    baseline = own(plan)
    assert len(plan.scheme.labels) == 3
    assert plan.scheme_of(baseline).names() == {1: "label1+label2+label3"}
    assert plan.output_channels(baseline) == 2
    assert baseline.sampling.cases.name == "uniform"
    assert baseline.initial is None


def test_networks_of_slices_with_neighbours_and_of_volumes_stand_beside_it_to_compare() -> None:
    """Source: `we utilized 2D, 2.5D, and 3D networks`."""
    plan = plan_of("hetero_baseline")
    flat, beside, volumes = (own(plan, name) for name in ("baseline", "baseline_2_5d", "baseline_3d"))
    assert replace(beside, name=flat.name, neighbours=0) == flat
    assert plan.input_channels(beside) == 3
    assert volumes.slice_axis == -1
    assert volumes.targets == flat.targets
    assert plan.default_configuration == "baseline", "2D was best"


@pytest.mark.parametrize("name", ["hetero_binary", "hetero_multiclass"])
def test_fine_tuning_begins_from_the_baseline_and_draws_scans_alike_from_every_task(name: str) -> None:
    """Source: `a weighted sampler to draw scans uniformly from each task to fine-tune the baseline`."""
    plan = plan_of(name)
    tuned, baseline = own(plan), own(plan, "baseline")
    assert tuned.initial is not None
    assert tuned.initial.configuration == "baseline"
    assert resolve(tuned.sampling.cases, CASES, "").column() == "task"
    assert baseline.sampling.cases.name == "uniform", "in fine-tuning only"
    assert tuned.network == baseline.network


def test_the_binary_model_keeps_one_label_and_the_multi_class_model_has_background_and_three() -> None:
    """Source: `multiclass (Background, MS, Stroke, and WMH) segmentation`; `fine-tune all layers`."""
    binary, several = plan_of("hetero_binary"), plan_of("hetero_multiclass")
    assert binary.output_channels(own(binary)) == 2
    assert own(binary).initial.layers == "all"
    assert several.output_channels(own(several)) == 4
    assert own(several).initial.layers == "matching", "the output layer is another one"


def test_data_specific_models_are_of_one_data_set() -> None:
    """Source: Table 5, `Data-specific models`."""
    plan = plan_of("hetero_specific", fingerprint_of({"MS": 15}))
    assert plan.output_channels(own(plan)) == 2
    assert own(plan).sampling.cases.name == "uniform"
    with pytest.raises(PlanError, match=r"has the tasks stroke, WMH, MS\. Expected one"):
        plan_of("hetero_specific")


@pytest.mark.parametrize("name", EVERY)
def test_at_full_size_layers_and_memory_are_those_of_the_card(name: str) -> None:
    """Source: `trained on a single A100 GPU`."""
    plan, recipe = plan_of(name), find_recipe(name)
    for configuration in plan.configurations:
        layers = resolve(configuration.network, NETWORKS, "").layers(
            plan.input_channels(configuration), plan.output_channels(configuration), configuration.network_patch()
        )
        first = layers.levels[0][0]
        assert first.inputs == plan.input_channels(configuration)
        assert predict_configuration(plan, configuration).total() / 2**30 < recipe.memory_gb


def test_published_figures_are_those_of_tables_4_and_5() -> None:
    several = {(one.of, one.measure): (one.value, one.n) for one in find_recipe("hetero_multiclass").published}
    assert several["stroke", "lesion detection: F1"] == ("0.310±0.24", 63)
    assert several["WMH", "Dice"] == ("0.709±0.12", 110)
    assert several["MS", "scan classification: precision"] == ("0.827", 43)
    binary, alone = (
        {(one.of, one.measure): one.value for one in find_recipe(name).published}
        for name in ("hetero_binary", "hetero_specific")
    )
    assert (binary["ISLES22", "Dice"], alone["ISLES22", "Dice"]) == ("0.336±0.30", "0.310±0.30")
    assert (binary["WMH", "volume similarity"], alone["WMH", "volume similarity"]) == ("0.888±0.09", "0.918±0.09")
    assert "below 0.1" in alone.values(), "on other data sets"


STEPS = 3
QUICK = (
    f"training.iterations={STEPS}",
    "training.validation_rounds=0",
    "training.compiled=false",
    "prediction.step_share=1.0",
)


@pytest.mark.long
def test_on_three_data_sets_it_is_killed_in_fine_tuning_goes_on_predicts_and_is_scored_by_task(tmp_path: Path) -> None:
    places = write_task_datasets(tmp_path / "raw", cases=5)
    raw, workspace, name = tmp_path / "all", Workspace(root=tmp_path / "ws"), "hetero_multiclass"
    autoseg.combine(places, raw, channels=["FLAIR"], labels="own", meanings={"wmh:other": "background"})

    do = partial(do_in_turn, tmp_path, place=("-w", workspace.root))

    planned = ("--planner", name, "--plan-name", name, "--scale", 64)
    plan = ("plan_and_preprocess", raw, *planned, *as_options(*QUICK))
    train = ("train", "0", "--plan", name, "-c", "multiclass", "--with-previous")
    # The baseline is trained in a process of its own.
    do(f"step::{STEPS - 1}", plan, train, code=-signal.SIGKILL)
    folds = [workspace.fold(name, one, "0") for one in ("baseline", "multiclass")]
    assert [bool(fold.weight_files()) for fold in folds] == [True, False]
    masks = tmp_path / "masks"
    do("step::0", train, ("predict", raw, "-o", masks, "--no-mirror", "--plan", name, "-c", "multiclass"))
    begun = [line for line in Curve(path=folds[1].curve).read() if line["kind"] == "initial"]
    assert 0.9 < begun[0]["share"] < 1, "all but the output layer"
    union, several = (json.loads(fold.validation.metrics.read_text(encoding="utf-8"))["cases"] for fold in folds)
    assert all(set(case["labels"]) == {"1"} for case in union)
    assert all(set(case["labels"]) <= {"1", "2", "3"} for case in several)
    evaluation = autoseg.evaluate(masks, raw, by=["task"])
    assert len(evaluation.cases) == 15
    assert {one.known["task"] for one in evaluation.traits} == {"ms", "stroke", "wmh"}
