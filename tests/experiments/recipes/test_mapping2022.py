"""MAPPING (Huo 2022): its plan at full size against what the source states, and a training that is killed twice."""

from __future__ import annotations

import math
import signal
from functools import cache
from pathlib import Path
from types import SimpleNamespace

import nibabel
import numpy as np
import pytest
import torch

from autoseg.losses import build_objective
from autoseg.models.tensors import load_tensors
from autoseg.networks import build_network
from autoseg.pipeline.faces import face, model_face
from autoseg.pipeline.models.trained_folds import find_trained
from autoseg.pipeline.plans.reading import read_plan
from autoseg.workspace.workspace import Workspace
from dataset_fingerprints.errors import PlanError
from dataset_fingerprints.fingerprint import DatasetFingerprint
from dataset_fingerprints.publications import expand, read_published
from dataset_fingerprints.sizes import GIB
from experiments.published.rows import read_rows
from experiments.recipes import mapping2022
from experiments.recipes.mapping2022 import MAPPING2022
from planners.choices import resolve
from planners.networks.memory_decisions import predict_configuration
from planners.parts import NETWORKS
from planners.plan import Plan
from planners.planner import PlanRequest
from planners.presets import choose_machine, make_plan
from planners.pseudo_labels import PseudoLabels
from tests.synthetic.commands import run_until
from tests.synthetic.fingerprints import SyntheticCase, make_fingerprint
from tests.synthetic.heads import plain_heads
from tests.synthetic.machines import GPU
from tests.synthetic.scans import head, write_description, write_nifti
from tests.synthetic.small_networks import small_network

MEMBERS = ("default", "dtk10", "residual", "self_training")


def plan(fingerprint: DatasetFingerprint, unlabelled: int = 300) -> Plan:
    machine, memory_gb = choose_machine(GPU, "mapping2022", None)
    request = PlanRequest(planner="mapping2022", machine=machine, memory_gb=memory_gb, unlabelled=unlabelled)
    return make_plan(fingerprint, request)


@cache
def atlas(unlabelled: int = 300) -> Plan:
    """Return the plan for ATLAS R2.0 at full size."""
    return plan(expand(read_published("atlas_r2_mni")), unlabelled)


def test_the_four_members_differ_in_what_the_source_says_and_in_nothing_else() -> None:
    default, dtk10, residual, self_training = atlas().configurations
    assert tuple(one.name for one in atlas().configurations) == MEMBERS
    # "Default: the model was trained via nnU-Net default settings": 1000 epochs of 250 steps, SGD 0.01, poly 0.9.
    assert (default.patch_shape, default.batch_size, default.training.iterations) == ((128, 128, 128), 2, 250_000)
    assert (default.training.optimizer.name, default.training.optimizer.options["lr"]) == ("sgd", 0.01)
    assert (default.training.schedule.name, default.training.schedule.options["exponent"]) == ("poly", 0.9)
    # "DTK10: the loss function was replaced": nnUNetTrainerV2_800epochs_Loss_DiceTopK10.
    assert (dtk10.training.loss.name, dtk10.training.loss.options["hardest_fraction"]) == ("dice_topk", 0.1)
    assert dtk10.training.iterations == 200_000
    assert dtk10.network == default.network
    # "ResUNet: the generic U-Net was replaced by Res U-Net."
    assert (default.network.options["block"], residual.network.options["block"]) == ("plain", "residual")
    assert residual.training == default.training
    # "ST: we use self-training strategy to retrain the default nnU-Net settings."
    assert self_training.pseudo_labels == PseudoLabels(configurations=("default",))
    assert (self_training.network, self_training.training) == (default.network, default.training)
    assert atlas().default_configuration == "self_training"
    # "Model average": the mean of all members.
    assert (atlas().predicting(), atlas(0).predicting()) == (MEMBERS, MEMBERS[:3])


def test_networks_are_as_listed_and_fit_into_the_memory_that_they_are_planned_for() -> None:
    for one in atlas().configurations:
        # nnU-Net's default is for 8 GB, its residual preset M for 9 to 11.
        assert predict_configuration(atlas(), one).total() < (11e9 if one.name == "residual" else 8 * GIB)
        with torch.device("meta"):
            network = build_network(one, 1, 2)
        layers = resolve(one.network, NETWORKS, "network").layers(1, 2, one.patch_shape)
        listed = sum(layer.taps > 0 for group in (*layers.levels, layers.heads) for layer in group)
        assert sum(isinstance(part, torch.nn.Conv3d | torch.nn.ConvTranspose3d) for part in network.modules()) == listed


def test_dice_and_top_k_10_has_the_value_that_is_worked_out_by_hand() -> None:
    (dtk10,) = (one for one in atlas().configurations if one.name == "dtk10")
    loss = build_objective(dtk10.training.loss, plain_heads(2))
    # Ten voxels, two of the lesion; the worst of them, a tenth, has a probability of one half.
    probability = torch.tensor([0.8, 0.6, 0.5, *[0.1] * 7], dtype=torch.float64)
    logits = torch.stack((torch.zeros(10, dtype=torch.float64), torch.logit(probability)))[None, :, :, None, None]
    labels = torch.tensor([1, 1, *[0] * 8])[None, :, None, None]
    dice = 2 * (0.8 + 0.6) / ((0.8 + 0.6 + 0.5 + 0.7) + 2)
    assert float(loss((logits,), SimpleNamespace(labels=labels))) == pytest.approx(1 - dice + math.log(2), abs=1e-5)


def test_sizes_and_probabilities_of_the_post_processing_are_the_candidates() -> None:
    # rename_predictions.py: below 3000 voxels of 1 mm a probability of 0.7, above it 0.55; then what is above 0.5.
    (lesion,) = atlas().postprocessing
    assert (lesion.large_volumes_mm3, lesion.peaks, lesion.thresholds) == ((3000.0,), (0.55, 0.7), (0.5, 0.55, 0.7))


def test_without_scans_to_pseudo_label_it_plans_without_that_member_and_says_so() -> None:
    assert tuple(one.name for one in atlas(0).configurations) == MEMBERS[:3]
    assert atlas(0).default_configuration == "default"
    (said,) = (one for one in atlas(0).decisions if one.field == "configurations.self_training")
    assert (said.value, said.evidence) == ("left out", "0 scans without labels named")
    assert said.change == "plan_and_preprocess --unlabelled FOLDER"


def test_reasons_are_of_configurations_that_are_planned() -> None:
    large = plan(expand(read_published("ct_3mm_512")))
    assert not [one.field for one in large.decisions if one.field.startswith(("2d", "3d_"))]


def test_several_labels_have_no_threshold_and_slices_are_refused() -> None:
    case = SyntheticCase(body_shape=(60, 70, 60))
    assert {one.thresholds for one in plan(make_fingerprint([case] * 6, labels=2)).postprocessing} == {()}
    with pytest.raises(PlanError, match="is for volumes"):
        plan(make_fingerprint([SyntheticCase(body_shape=(60, 70, 1))] * 6))


def test_published_figures_are_those_of_the_table_of_published_results() -> None:
    rows = {row.method: row for row in read_rows() if row.method.startswith("MAPPING")}
    found = {(one.of, one.measure): float(one.value.split()[0]) for one in MAPPING2022.published}
    names = {
        "default": "MAPPING, default nnU-Net",
        "DTK10": "MAPPING, DTK10 loss",
        "ResUNet": "MAPPING, ResUNet",
        "ST": "MAPPING, self-training",
        "Ensemble": "MAPPING, ensemble",
        "Ensemble(PP)": "MAPPING, ensemble and post-processing",
    }
    for ours, theirs in names.items():
        assert found[ours, "Dice"] == rows[theirs].dice
        assert found[ours, "lesion-wise F1"] == rows[theirs].lesion_f1
        assert found[ours, "HD95 (mm)"] == pytest.approx(rows[theirs].hd95_mm, abs=0.006)


def test_it_stays_short() -> None:
    assert len(Path(mapping2022.__file__).read_text(encoding="utf-8").splitlines()) <= 150


SHAPE, STEPS = (20, 24, 16), 3
TINY = (
    f"training.iterations={STEPS}",
    "training.validation_rounds=0",
    "training.compiled=false",
    "batch_size=2",
    "prediction.step_share=1.0",
    "prediction.mirror_axes=[0]",
    *(value for name in MEMBERS for value in small_network(name, edge=8)),
)


@pytest.mark.slow
def test_it_is_killed_while_it_marks_and_while_it_trains_and_predicts_with_all_members(tmp_path: Path) -> None:
    raw, more, workspace = tmp_path / "raw", tmp_path / "more", Workspace(root=tmp_path / "ws")
    for index in range(5):
        image, labels = head(index, SHAPE)
        write_nifti(raw / "imagesTr" / f"sub-{index}_0000.nii.gz", image)
        write_nifti(raw / "labelsTr" / f"sub-{index}.nii.gz", (labels == 1).astype(np.uint8))
    write_description(raw, {"background": 0, "lesion": 1}, ("T1w",), 5)
    for index in range(3):
        write_nifti(more / f"new-{index}.nii.gz", head(20 + index, SHAPE)[0])
    planned = {"planner": "mapping2022", "assignments": TINY, "configurations": MEMBERS, "unlabelled": more}
    face.plan_and_preprocess(raw, workspace=workspace.root, **planned)  # type: ignore[arg-type]
    for name in MEMBERS[:3]:
        face.train(workspace, 0, configuration=name)
    train = ("train", "0", "-c", "self_training", "-w", workspace.root)
    fold = workspace.fold("default", "self_training", "0")
    # Killed when the second record of a mask is to get its name: one mask is made, and one has no record.
    code, said = run_until("rename:pseudo_labels/cases:2", *train)
    assert code == -signal.SIGKILL, said[-2000:]
    first, second = (fold.pseudo_labels.case_record(f"new-{index}") for index in (0, 1))
    assert first.is_file()
    assert not second.is_file()
    made = first.stat().st_mtime_ns
    # Killed in the middle of its training.
    code, said = run_until(f"step::{STEPS - 1}", *train)
    assert code == -signal.SIGKILL, said[-2000:]
    assert "Marking 2 scans without labels" in said
    marked = {path: path.stat().st_mtime_ns for path in fold.pseudo_labels.root.rglob("*.*")}
    assert marked[first] == made
    face.train(workspace, 0, configuration="self_training")
    assert {path: path.stat().st_mtime_ns for path in marked} == marked
    killed = load_tensors(fold.weights)[0]
    face.train(workspace, 0, configuration="self_training", restart=True)
    assert all(torch.equal(killed[name], tensor) for name, tensor in load_tensors(fold.weights)[0].items())
    used = find_trained(workspace, read_plan(workspace, "default")[0])
    assert tuple(run.configuration for run in used.averaged) == MEMBERS
    model_face.predict(more, tmp_path / "masks", workspace)
    for index in range(3):
        assert nibabel.load(tmp_path / "masks" / f"new-{index}.nii.gz").shape == SHAPE
        write_nifti(tmp_path / "truth" / f"new-{index}.nii.gz", (head(20 + index, SHAPE)[1] == 1).astype(np.uint8))
    assert len(face.evaluate(tmp_path / "masks", tmp_path / "truth").cases) == 3
