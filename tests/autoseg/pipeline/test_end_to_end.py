"""The main job through the command line's own entrance, on scans and files as people bring them."""

from __future__ import annotations

import json
import re
import shutil
import signal

import nibabel
import numpy as np
import pytest

from autoseg.evaluation import read_evaluation
from autoseg.models.tensors import load_tensors
from autoseg.training.curve import Curve
from autoseg.training.record import read_record
from autoseg.workspace.fold import FoldFolder
from dataset_fingerprints.files.jsonfiles import read_json
from planners.plan import Plan, Splits
from tests.synthetic.commands import HIPPOCAMPUS, needs_hippocampus, run, run_until
from tests.synthetic.once import copy_workspace
from tests.synthetic.scans import affine_of, head, write_nifti, write_nnunet_dataset
from tests.synthetic.small_networks import SHORT


def test_the_workspace_holds_what_the_design_names(trained):
    workspace = trained / "ws"
    plan = read_json(workspace / "plans" / "default" / "plan.json", Plan)
    splits = read_json(workspace / "plans" / "default" / "splits.json", Splits)
    fold = workspace / "models" / "default" / plan.default_configuration / "fold_0"
    for name in ("run.json", "weights.safetensors", "metrics.jsonl", "record.json", "validation/metrics.json"):
        assert (fold / name).is_file(), name
    held_out = splits.folds[0].validation
    assert sorted(path.name for path in (fold / "validation").glob("*.nii.gz")) == [f"{c}.nii.gz" for c in held_out]
    assert len(list((fold / "validation" / "probabilities").glob("*.b2nd"))) == len(held_out)
    assert read_record(FoldFolder(root=fold)).status == "finished"
    assert (fold / "progress.png").is_file()


def test_nothing_in_the_workspace_is_a_pickle_or_names_a_place_outside_but_the_raw_data(trained):
    for path in (trained / "ws").rglob("*"):
        if path.is_file():
            content = path.read_bytes()
            assert not re.match(rb"\x80[\x02-\x05]", content), path  # at its start: a picture may hold such bytes
            assert b"data.pkl" not in content, path  # of torch.save
            if path.name != "dataset.json":
                assert str(trained).encode() not in content, path


def test_masks_of_new_scans_have_their_grid_and_the_data_sets_own_label_values(trained, tmp_path, monkeypatch):
    affine = affine_of((1, 2, 0), (1, -1, -1), (1.0, 1.1, 0.9), 12)
    image, _ = head(50)
    for channel in range(2):
        write_nifti(tmp_path / "new" / f"a_{channel:04d}.nii.gz", image, affine)
    assert run(monkeypatch, "predict", tmp_path / "new", "-o", tmp_path / "out", "-w", trained / "ws") == 0
    mask = nibabel.load(tmp_path / "out" / "a.nii.gz")
    assert mask.shape == image.shape
    assert np.allclose(mask.affine, affine, atol=1e-5)
    assert set(np.unique(np.asanyarray(mask.dataobj))) <= {0, 3, 7}


def test_a_moved_workspace_without_raw_files_trains_and_predicts(trained, tmp_path, monkeypatch):
    copy_workspace(trained, tmp_path / "here")
    (tmp_path / "here" / "ws").rename(tmp_path / "moved")
    (tmp_path / "here" / "raw").rename(tmp_path / "away")
    assert run(monkeypatch, "train", "1", "-w", tmp_path / "moved") == 0
    scans = tmp_path / "away" / "imagesTr"
    assert run(monkeypatch, "predict", scans, "-o", tmp_path / "out", "-w", tmp_path / "moved", "--no-mirror") == 0
    assert len(list((tmp_path / "out").glob("*.nii.gz"))) == 10


def test_the_folds_validation_is_what_evaluate_says_of_its_masks(trained, tmp_path, monkeypatch):
    fold = next((trained / "ws" / "models" / "default").glob("*/fold_0"))
    reference = tmp_path / "reference"
    for mask in (fold / "validation").glob("*.nii.gz"):
        reference.mkdir(exist_ok=True)
        shutil.copy(trained / "raw" / "labelsTr" / mask.name, reference)
        (tmp_path / "masks").mkdir(exist_ok=True)
        shutil.copy(mask, tmp_path / "masks")
    out = tmp_path / "metrics.json"
    labels = ["--label", "3", "--label", "7"]
    assert run(monkeypatch, "evaluate", tmp_path / "masks", reference, "-o", out, *labels) == 0
    assert read_evaluation(out).summary == read_evaluation(fold / "validation" / "metrics.json").summary
    plain = json.loads(out.read_text(encoding="utf-8"))
    assert set(plain["summary"]["3"]["dice"]) == {"mean", "sd", "median", "ci95", "n"}


def test_planning_again_reads_and_preprocesses_nothing_twice(trained, monkeypatch):
    stored = {path: path.stat().st_mtime_ns for path in (trained / "ws" / "preprocessed").rglob("*.b2nd")}
    assert run(monkeypatch, "plan_and_preprocess", trained / "raw", "-w", trained / "ws", *SHORT) == 0
    assert stored == {path: path.stat().st_mtime_ns for path in (trained / "ws" / "preprocessed").rglob("*.b2nd")}


def test_the_two_dimensional_configuration_uses_the_same_arrays_and_trains(trained, tmp_path, monkeypatch):
    shutil.copytree(trained / "ws", tmp_path / "ws")
    assert run(monkeypatch, "train", "0", "-c", "2d", "-w", tmp_path / "ws", "--set", "training.iterations=2") == 0
    assert len(list((tmp_path / "ws" / "preprocessed").iterdir())) == 1
    masks = list((tmp_path / "ws" / "models" / "default" / "2d" / "fold_0" / "validation").glob("*.nii.gz"))
    assert len(masks) == 2


def test_one_model_of_all_cases_is_used_where_no_fold_is_trained(trained, tmp_path, monkeypatch):
    shutil.copytree(trained / "ws", tmp_path / "ws", ignore=shutil.ignore_patterns("models"))
    assert run(monkeypatch, "train", "full", "-w", tmp_path / "ws", "--set", "training.iterations=3") == 0
    scans = trained / "raw" / "imagesTr"
    assert run(monkeypatch, "predict", scans, "-o", tmp_path / "out", "-w", tmp_path / "ws", "--no-mirror") == 0
    assert len(list((tmp_path / "out").glob("*.nii.gz"))) == 10


def finish_after_kills(monkeypatch, arguments, moments):
    """Kill a command at one moment after the other, and then let it end."""
    for moment in moments:
        code, said = run_until(moment, *arguments)
        assert code == -signal.SIGKILL, (moment, said)
    assert run(monkeypatch, *arguments) == 0


CASES = 6
# While scans are read, while arrays are written, and when the measurements are, last of all.
PLANNING = ("open:imagesTr:3", "open:imagesTr:6", "rename:.b2nd:2", "rename:.b2nd:6", "rename:fingerprint.json:1")


@pytest.mark.parametrize("moments", [PLANNING[2:3], pytest.param(PLANNING, marks=pytest.mark.long)], ids=len)
def test_a_planning_that_was_killed_ends_as_if_it_had_run_once(tmp_path, monkeypatch, moments):
    raw = write_nnunet_dataset(tmp_path / "raw", CASES)
    assert run(monkeypatch, "plan_and_preprocess", raw, "-w", tmp_path / "once", *SHORT) == 0
    finish_after_kills(monkeypatch, ["plan_and_preprocess", raw, "-w", tmp_path / "ws", *SHORT], moments)
    for path in (tmp_path / "once").rglob("*"):
        twin = tmp_path / "ws" / path.relative_to(tmp_path / "once")
        if path.suffix == ".json":
            assert twin.read_bytes() == path.read_bytes(), path
        assert twin.exists(), path
    assert not list((tmp_path / "ws").rglob(".partial-*"))


# Before anything is saved, while steps are made, when the weights are written, and while the fold is validated.
TRAINING = ("rename:checkpoint:1", "step::1", "step::10", "rename:weights.safetensors:1", "rename:validation:2")


@pytest.mark.parametrize("moments", [TRAINING[2:3], pytest.param(TRAINING, marks=pytest.mark.long)], ids=len)
def test_a_training_that_was_killed_ends_as_a_valid_run(trained, tmp_path, monkeypatch, moments):
    shutil.copytree(trained / "ws", tmp_path / "ws", ignore=shutil.ignore_patterns("models"))
    arguments = ["train", "0", "-w", tmp_path / "ws", "--set", "training.iterations=14"]
    finish_after_kills(monkeypatch, arguments, moments)
    fold = FoldFolder(root=next((tmp_path / "ws" / "models" / "default").glob("*/fold_0")))
    assert read_record(fold).status == "finished"
    assert load_tensors(fold.weights)[1]["iteration"] == "14"
    iterations = [line["iteration"] for line in Curve(path=fold.curve).read()]
    assert iterations == sorted(iterations)
    assert iterations[-1] == 14
    assert len(read_evaluation(fold.validation.metrics).cases) == 2
    assert not list(fold.root.rglob(".partial-*"))


def take_hippocampi(root, count):
    """Write the description of the Hippocampus data for its first cases only, beside links to all of its files."""
    root.mkdir()
    for folder in ("imagesTr", "labelsTr", "imagesTs"):
        (root / folder).symlink_to(HIPPOCAMPUS / folder)
    description = json.loads((HIPPOCAMPUS / "dataset.json").read_text(encoding="utf-8"))
    description |= {"training": description["training"][:count], "numTraining": count}
    (root / "dataset.json").write_text(json.dumps(description), encoding="utf-8")
    return root


@needs_hippocampus
def test_the_hippocampus_data_are_read_planned_and_predicted(tmp_path, monkeypatch):
    raw, workspace = take_hippocampi(tmp_path / "raw", 20), tmp_path / "ws"
    assert run(monkeypatch, "plan_and_preprocess", raw, "-w", workspace, *SHORT) == 0
    plan = read_json(workspace / "plans" / "default" / "plan.json", Plan)
    assert [label.name for label in plan.scheme.labels] == ["Anterior", "Posterior"]
    assert run(monkeypatch, "train", "0", "-w", workspace) == 0
    scan = next((HIPPOCAMPUS / "imagesTs").glob("hippocampus_*.nii.gz"))
    assert run(monkeypatch, "predict", scan, "-o", tmp_path / "mask.nii.gz", "-w", workspace, "--no-mirror") == 0
    mask, image = nibabel.load(tmp_path / "mask.nii.gz"), nibabel.load(scan)
    assert mask.shape == image.shape
    assert np.allclose(mask.affine, image.affine)


@pytest.mark.parametrize(
    ("number", "code"), [pytest.param(signal.SIGTERM, 143, marks=pytest.mark.long), (signal.SIGINT, 130)]
)
def test_a_real_process_saves_on_a_signal_and_goes_on(trained, tmp_path, monkeypatch, capsys, number, code):
    shutil.copytree(trained / "ws", tmp_path / "ws", ignore=shutil.ignore_patterns("models"))
    arguments = ["train", "0", "-w", tmp_path / "ws"]
    folder = tmp_path / "ws" / "models" / "default" / "3d_fullres" / "fold_0"
    returned, output = run_until("step::5", *arguments, number=number)
    assert returned == code, output
    assert "which is saved. Give the same command again to go on." in " ".join(output.split())
    assert run(monkeypatch, *arguments) == 0
    assert "Going on from step 5" in " ".join(capsys.readouterr().out.split())
    assert read_record(FoldFolder(root=folder)).status == "finished"


def test_a_finished_fold_is_extended_by_more_iterations(trained, tmp_path, monkeypatch):
    shutil.copytree(trained / "ws", tmp_path / "ws")
    fold = FoldFolder(root=next((tmp_path / "ws" / "models" / "default").glob("*/fold_0")))
    before = read_evaluation(fold.validation.metrics)
    assert run(monkeypatch, "train", "0", "-w", tmp_path / "ws", "--iterations", "12") == 0
    assert load_tensors(fold.weights)[1]["iteration"] == "12"
    assert [line["kind"] for line in Curve(path=fold.curve).read()].count("extended") == 1
    assert read_evaluation(fold.validation.metrics).cases != before.cases
    assert run(monkeypatch, "train", "0", "-w", tmp_path / "ws") == 0, "it stays extended"
    assert run(monkeypatch, "train", "0", "-w", tmp_path / "ws", "--iterations", "10") == 2
