"""Low resolution and cascade through the command line."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from pathlib import Path

import nibabel
import numpy as np
import pytest
import torch

from autoseg.evaluation import CaseScores
from autoseg.models.tensors import load_tensors
from autoseg.pipeline.folds.out_of_fold import ValidatedCase
from autoseg.pipeline.folds.stage_inputs import find_input
from autoseg.pipeline.models.sources import ModelChoice, find_source
from autoseg.pipeline.plans.reading import read_plan
from autoseg.prediction import Cascade, Probabilities, Stage, StoredLayers, build_cascade, decide
from autoseg.training.record import TrainingRecord
from autoseg.workspace.fold import ValidationFolder
from autoseg.workspace.workspace import Workspace
from dataset_fingerprints.dataset import LabelScheme
from dataset_fingerprints.files.jsonfiles import read_json, write_json
from dataset_fingerprints.geometry import make_box
from dataset_fingerprints.measuring.scans import Scan, read_scan
from dataset_fingerprints.reading.images import read_label_map
from planners.order import find_configuration
from tests.synthetic.commands import run
from tests.synthetic.scans import head, write_description, write_nifti
from tests.synthetic.small_networks import as_options, small_network

SHAPE = (48, 56, 40)
# nnU-Net's rules for so little memory that a patch is a small part of these small scans.
PLAN = ["--planner", "nnunet", "--gpu-memory-gb", "0.02"]
QUICK = (
    "training.iterations=4",
    "training.validation_rounds=0",
    "training.compiled=false",
    "prediction.step_share=1.0",
    "prediction.mirror_axes=[]",
    *(text for name in ("3d_lowres", "3d_cascade_fullres") for text in small_network(name)),
)


@pytest.fixture(scope="module")
def planned(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("cascade")
    for index in range(5):
        image, labels = head(index, SHAPE)
        write_nifti(root / "raw" / "imagesTr" / f"sub-{index}_0000.nii.gz", image)
        write_nifti(root / "raw" / "labelsTr" / f"sub-{index}.nii.gz", labels)
    write_description(root / "raw", {"background": 0, "dark": 1, "bright": 2}, ("T1w",), 5)
    names = [f"sub-{index}" for index in range(5)]
    folds = [{"train": [name for name in names if name not in held], "val": held} for held in (names[:3], names[3:])]
    (root / "splits.json").write_text(json.dumps(folds), encoding="utf-8")
    with pytest.MonkeyPatch.context() as patch:
        arguments = [root / "raw", "-w", root / "ws", "--splits", root / "splits.json", *PLAN, *as_options(*QUICK)]
        assert run(patch, "plan_and_preprocess", *arguments, "-c", "3d_cascade_fullres") == 0
    return root


def test_a_cascade_is_preprocessed_at_both_voxel_sizes(planned: Path) -> None:
    stores = list((planned / "ws" / "preprocessed").iterdir())
    assert len(stores) == 2
    assert all(len(list(store.glob("*.image.b2nd"))) == 5 for store in stores)


def cascade(planned: Path) -> list[object]:
    return ["-w", planned / "ws", "-c", "3d_cascade_fullres"]


def fold_folder(planned: Path, name: str, fold: int) -> Path:
    return planned / "ws" / "models" / "default" / name / f"fold_{fold}"


def test_the_low_resolution_trains_and_predicts_on_the_scans_own_grid(
    planned: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    low = ["-w", planned / "ws", "-c", "3d_lowres"]
    assert run(monkeypatch, "train", "0", *low) == 0
    fold = planned / "ws" / "models" / "default" / "3d_lowres" / "fold_0"
    (configuration,) = json.loads((fold / "run.json").read_text(encoding="utf-8"))["configurations"]
    assert min(configuration["preprocessing"]["spacing_mm"]) > 1
    assert (fold / "validation" / "metrics.json").is_file()
    scan = planned / "raw" / "imagesTr" / "sub-0_0000.nii.gz"
    assert run(monkeypatch, "predict", scan, "-o", planned / "mask.nii.gz", "--no-mirror", *low) == 0
    assert nibabel.load(planned / "mask.nii.gz").shape == SHAPE


def test_a_second_stage_says_which_folds_of_the_first_are_missing(
    planned: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(monkeypatch, "train", "1", *cascade(planned)) == 2
    error = " ".join(capsys.readouterr().err.split())
    done = fold_folder(planned, "3d_lowres", 0).is_dir()
    assert f"{'fold 1 of 3d_lowres is' if done else 'folds 0, 1 of 3d_lowres are'} not finished" in error
    assert "--with-previous" in error
    assert not fold_folder(planned, "3d_cascade_fullres", 1).exists()
    assert run(monkeypatch, "predict", planned / "raw" / "imagesTr", "-o", planned / "out", *cascade(planned)) == 2
    assert "no fold of 3d_cascade_fullres is trained yet" in " ".join(capsys.readouterr().err.split())


@pytest.fixture(scope="module")
def both_stages(planned: Path) -> Path:
    """Both stages trained; of the first one, the second fold by --with-previous."""
    with pytest.MonkeyPatch.context() as patch:
        assert run(patch, "train", "0", "-w", planned / "ws", "-c", "3d_lowres") == 0
        assert run(patch, "train", "0", "--with-previous", *cascade(planned)) == 0
    return planned


def test_with_previous_trains_what_the_first_stage_lacks(both_stages: Path) -> None:
    for fold in range(2):
        assert (fold_folder(both_stages, "3d_lowres", fold) / "validation" / "metrics.json").is_file()
    second = fold_folder(both_stages, "3d_cascade_fullres", 0)
    assert (second / "validation" / "metrics.json").is_file()
    weights, _ = load_tensors(second / "weights.safetensors")
    assert 3 in {tensor.shape[1] for tensor in weights.values() if tensor.ndim == 5}, "one image and two labels"


def test_every_case_gets_the_mask_of_the_fold_that_did_not_train_on_it(both_stages: Path) -> None:
    workspace = Workspace(root=both_stages / "ws")
    plan, splits = read_plan(workspace, "default")
    cascade_configuration = find_configuration(plan.configurations, "3d_cascade_fullres", "the plan")
    inputs = find_input(workspace, plan, splits, cascade_configuration)
    (found,) = inputs.masks
    assert sorted(found.folders) == [f"sub-{index}" for index in range(5)]
    for number, fold in enumerate(splits.folds):
        for case in fold.validation:
            first = found.folders[case].root.parent
            assert first == fold_folder(both_stages, "3d_lowres", number)
            assert case not in read_json(first / "record.json", TrainingRecord).train_cases


def test_the_network_sees_the_first_stages_mask_on_its_own_grid(both_stages: Path, tmp_path: Path) -> None:
    workspace = Workspace(root=both_stages / "ws")
    plan, splits = read_plan(workspace, "default")
    cascade_configuration = find_configuration(plan.configurations, "3d_cascade_fullres", "the plan")
    inputs = find_input(workspace, plan, splits, cascade_configuration)
    raw = nibabel.load(both_stages / "raw" / "labelsTr" / "sub-0.nii.gz")
    nibabel.save(raw, tmp_path / "sub-0.nii.gz")
    folder = ValidationFolder(root=tmp_path)
    scores = CaseScores(case="sub-0", labels=())
    write_json(folder.case_record("sub-0"), ValidatedCase(scores=scores, probability_box=make_box((0,) * 3, (1,) * 3)))
    perfect = replace(inputs, masks=(replace(inputs.masks[0], folders={"sub-0": folder}),))
    labels = inputs.store.read_labels("sub-0")
    np.testing.assert_array_equal(perfect.read("sub-0").image[1:], np.stack([labels == 1, labels == 2]))


def test_a_cascade_predicts_new_scans_by_both_stages(both_stages: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    scan = both_stages / "raw" / "imagesTr" / "sub-0_0000.nii.gz"
    out = both_stages / "second.nii.gz"
    assert run(monkeypatch, "predict", scan, "-o", out, "--no-mirror", *cascade(both_stages)) == 0
    assert nibabel.load(out).shape == SHAPE
    workspace = Workspace(root=both_stages / "ws")
    plan, _ = read_plan(workspace, "default")
    models = find_source(workspace, ModelChoice(configurations=("3d_cascade_fullres",))).read().stages[0]
    assert {name: len(folds) for name, folds in models.items()} == {"3d_lowres": 2, "3d_cascade_fullres": 1}
    both = build_cascade(models, torch.device("cpu"), mirror=False)
    read = read_scan("sub-0", [scan], ("T1w",))
    probabilities = both.predict(read)
    written = plan.scheme.to_values(decide(probabilities))
    assert np.array_equal(written, read_label_map(out).voxels[0])
    other = Cascade(stages=(Stage(configuration="3d_lowres", predictor=Everything(plan.scheme)), both.stages[1]))
    changed = other.predict(read)
    slabs = zip(probabilities.slabs(), changed.slabs(), strict=True)
    assert not all(torch.equal(one.values, two.values) for one, two in slabs), "the second stage looks at the first"


@dataclass
class Everything:
    """Sees label 2 everywhere."""

    scheme: LabelScheme

    def predict(self, scan: Scan) -> Probabilities:
        values = torch.zeros(3, *scan.box.shape())
        values[2] = 1
        layers = StoredLayers(values=values)
        return Probabilities(scheme=self.scheme, source_grid=scan.source_grid, box=scan.box, layers=layers)


def test_explain_shows_which_stage_comes_first(
    planned: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(monkeypatch, "explain", "-w", planned / "ws", "--json") == 0
    plain = json.loads(capsys.readouterr().out)
    inputs = {
        name: [entry["configuration"] for entry in values["inputs"]] for name, values in plain["configurations"].items()
    }
    assert inputs == {"2d": [], "3d_fullres": [], "3d_lowres": [], "3d_cascade_fullres": ["3d_lowres"]}
    assert plain["default_configuration"] == "3d_fullres"
