"""What every recipe has to be, over all that are installed."""

from __future__ import annotations

import ast
import re
import signal
from dataclasses import replace
from functools import cache, partial
from importlib.metadata import entry_points
from importlib.util import find_spec
from pathlib import Path

import nibabel
import numpy as np
import pytest

from autoseg.progress import SilentProgress
from autoseg.workspace.workspace import Workspace
from dataset_fingerprints.errors import PlanError
from dataset_fingerprints.publications import list_published
from experiments.experiment.planning import Setting, find_or_make_plan
from experiments.experiment.scoring import score_folds
from experiments.experiment.showing import plan_at_full_size
from experiments.recipes import list_recipes
from experiments.recipes.finding import GROUP
from planners.choices import resolve
from planners.networks.memory_decisions import predict_configuration
from planners.parts import NETWORKS
from planners.plan import Plan
from planners.presets import PLANNERS
from tests.synthetic.packages import do_in_turn
from tests.synthetic.scans import head, write_description, write_nifti
from tests.synthetic.small_networks import as_options

CHECKOUT = Path(__file__).parents[3]
MOST_LINES = 150
# What no card has more of.
MOST_MEMORY_GB = 80.0
# The whole device, with what its libraries take, against the memory that is planned for.
TOLERANCE = 1.25
SHAPE = (20, 24, 16)
STEPS = 3
QUICK = (
    f"training.iterations={STEPS}",
    "training.validation_rounds=0",
    "training.compiled=false",
    "prediction.step_share=1.0",
    "prediction.mirror_axes=[]",
    # Some make 384 voxels of the 20 along an edge of these scans.
    "preprocessing.spacing_mm=[1,1,1]",
)

MODULES = {entry.name: entry.module for entry in entry_points(group=GROUP) if entry.name in list_recipes()}
every_recipe = pytest.mark.parametrize("name", list_recipes())


def source_of(name: str) -> str:
    found = find_spec(MODULES[name])
    assert found is not None
    assert found.origin is not None
    return Path(found.origin).read_text(encoding="utf-8")


def plan_somewhere(name: str) -> Plan:
    """Return a recipe's plan for the first published data set that it is for, ATLAS before all others."""
    refused = []
    for place in sorted(list_published(), key=lambda place: (place != "atlas_r2_mni", place)):
        try:
            return plan_at_full_size(name, Path(place))
        except PlanError as error:
            refused.append(str(error))
    raise AssertionError(f"{name} plans for no published data set: {refused}")


@every_recipe
def test_its_source_and_what_that_leaves_open_are_named(name: str) -> None:
    recipe = list_recipes()[name]
    assert recipe.name == name
    assert recipe.title.endswith(".")
    assert recipe.data
    assert re.search(r"\b(19|20)\d\d\b", recipe.citation), "a year"
    assert recipe.not_stated
    assert all(": " in sentence for sentence in recipe.not_stated), "what is open: what is chosen"
    assert all(figure.of and figure.measure and figure.value for figure in recipe.published)
    assert all(map(str.strip, (*recipe.not_stated, *recipe.deviations)))


@every_recipe
def test_at_full_size_its_layers_and_its_memory_are_predicted(name: str) -> None:
    recipe, plan = list_recipes()[name], plan_somewhere(name)
    assert plan.scale == 1
    assert set(plan.predicting()) <= {configuration.name for configuration in plan.configurations}
    most = (recipe.memory_gb or MOST_MEMORY_GB) * TOLERANCE
    for configuration in plan.configurations:
        network = resolve(configuration.network, NETWORKS, "network")
        layers = network.layers(
            plan.input_channels(configuration), plan.output_channels(configuration), configuration.network_patch()
        )
        assert len(layers.every()) > 5
        assert layers.parameters() > 10_000
        assert 0 < predict_configuration(plan, configuration).total() / 2**30 < most


@every_recipe
def test_its_module_is_short_and_is_a_planner_that_needs_no_engine(name: str) -> None:
    source = source_of(name)
    assert len(source.splitlines()) <= MOST_LINES
    tree = ast.parse(source)
    imported = {node.module or "" for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}
    imported |= {alias.name for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names}
    assert not {module for module in imported if module.split(".")[0] in ("autoseg", "torch")}
    bases = [ast.unparse(base) for node in ast.walk(tree) if isinstance(node, ast.ClassDef) for base in node.bases]
    assert not [base for base in bases if "Trainer" in base]


@every_recipe
def test_the_engine_and_the_planners_do_not_name_it(name: str) -> None:
    if PLANNERS.is_own(name):
        pytest.skip("a planner of ours, which the recipe stands for")
    sources = read_sources()
    assert len(sources) > 100
    # `nnunet_resenc_m` is a word, `patch_growing` may be one of a rule: what is looked for is a name in quotes.
    named = re.compile(rf"""["'`]{re.escape(name)}["'`]""")
    assert [path for path, text in sources.items() if named.search(text)] == []


@cache
def read_sources() -> dict[Path, str]:
    """Return the modules of the engine and the planners; a convention of scoring may bear the name of its paper."""
    packages = ("autoseg", "planners", "dataset_fingerprints")
    files = (path for package in packages for path in (CHECKOUT / package).rglob("*.py"))
    return {path: path.read_text(encoding="utf-8") for path in files if "conventions" not in path.parts}


@pytest.fixture(scope="module")
def raw(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("raw")
    for index in range(5):
        image, labels = head(index, SHAPE)
        write_nifti(root / "imagesTr" / f"sub-{index}_0000.nii.gz", image)
        write_nifti(root / "labelsTr" / f"sub-{index}.nii.gz", labels)
    write_description(root, {"background": 0, "dark": 1, "bright": 2}, ("T1w",), 5)
    # For recipes that train on some of the cases.
    kinds = [("prone", "weak"), ("supine", "fine")]
    lines = ["\t".join((f"sub-{index}", f"sub-{index}", *kinds[index % 2])) for index in range(5)]
    (root / "cases.tsv").write_text("\n".join(["case\tsubject\tposture\tdata_set", *lines]) + "\n", encoding="utf-8")
    return root


# The others' own tests train one of each family.
QUICKLY_TRAINED = ("nnunet_resenc_m",)


@pytest.mark.parametrize(
    "name",
    [
        pytest.param(name, marks=pytest.mark.slow if name in QUICKLY_TRAINED else pytest.mark.long)
        for name in list_recipes()
    ],
)
def test_scaled_it_trains_goes_on_after_a_kill_predicts_and_is_scored(name: str, raw: Path, tmp_path: Path) -> None:
    workspace = Workspace(root=tmp_path / "ws")

    do = partial(do_in_turn, tmp_path, place=("-w", workspace.root))

    planned = ("--planner", name, "--plan-name", name, "--scale", 1024, "--splits", "by-subject")
    plan = ("plan_and_preprocess", raw, *planned, *as_options(*QUICK))
    run = ("experiment", "run", name, "0")
    do(f"step::{STEPS - 1}", plan, run, code=-signal.SIGKILL)
    made = find_or_make_plan(name, Setting(workspace=workspace), SilentProgress())
    chosen = [word for configuration in made.names() for word in ("-c", configuration)]
    mask = tmp_path / "mask.nii.gz"
    predict = ("predict", raw / "imagesTr" / "sub-3_0000.nii.gz", "-o", mask, "--no-mirror", "--plan", name, *chosen)
    do("step::0", run, predict)
    assert set(np.unique(np.asarray(nibabel.load(mask).dataobj))) <= {0, 1, 2}
    # Classes of lesions are judged on two folds or more: `test_hetero_cascade.py` does.
    evaluation = score_folds(workspace, replace(made, plan=replace(made.plan, lesion_classes=None)), ("0",))
    assert {case.case for case in evaluation.cases} == set(made.splits.folds[0].validation)
    assert evaluation.scale == made.plan.scale == 1024
