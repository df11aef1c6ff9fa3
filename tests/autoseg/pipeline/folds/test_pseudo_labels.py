"""Training on scans without labels: whose masks are taken, what a start after a kill keeps, and who knows of it."""

from __future__ import annotations

import shutil
import zipfile
from dataclasses import replace
from pathlib import Path

import nibabel
import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from autoseg.models.tensors import load_tensors
from autoseg.pipeline.faces import model_face
from autoseg.pipeline.folds import pseudo_labels
from autoseg.pipeline.folds.jobs import TrainingOptions, resolve_job
from autoseg.pipeline.folds.needs import Need, list_needs
from autoseg.pipeline.folds.out_of_fold import identify_weights
from autoseg.pipeline.folds.pseudo_labels import Confidence, PseudoLabel, _load, read_pseudo_label
from autoseg.pipeline.folds.runs import read_run
from autoseg.pipeline.models.sources import find_source
from autoseg.pipeline.plans.reading import read_plan
from autoseg.prediction import Slab
from autoseg.training.record import PseudoLabelled, read_record
from autoseg.workspace.workspace import Workspace
from dataset_fingerprints.errors import PlanError, WorkspaceError
from dataset_fingerprints.files.jsonfiles import read_json, write_json
from dataset_fingerprints.geometry import Box
from dataset_fingerprints.measuring.identity import identify
from planners.order import find_configuration
from tests.autoseg.training.builders import Listening
from tests.synthetic.commands import run
from tests.synthetic.heads import plain_heads
from tests.synthetic.once import make_once
from tests.synthetic.self_training import SCANS, SECOND, plan_both, second, train_second, write_scans
from tests.synthetic.tiny import CONFIGURATION, Tiny, copy_tiny, write_tiny


@pytest.fixture(scope="session")
def made(tmp_path_factory: pytest.TempPathFactory) -> Tiny:
    """Folds 0 and 1 of the first configuration trained, fold 0 of the second by pseudo-labels."""
    return Tiny(root=make_once(tmp_path_factory, "self-trained", make_self_trained))


def make_self_trained(root: Path) -> None:
    tiny = write_tiny(root, 5)
    write_scans(tiny)
    plan_both(tiny)
    for fold in (0, 1):
        tiny.train(fold)
    train_second(tiny)


@pytest.fixture
def own(made: Tiny, tmp_path: Path) -> Tiny:
    """A copy that a test may change."""
    return copy_tiny(made, tmp_path / "own")


def read_nifti(path: Path) -> NDArray[np.float64]:
    return np.asarray(nibabel.load(path).dataobj, dtype=np.float64)


def used(tiny: Tiny, fold: int = 0) -> PseudoLabelled:
    record = read_record(second(tiny, fold))
    assert record is not None
    assert record.pseudo_labelled is not None
    return record.pseudo_labelled


def masks(tiny: Tiny, fold: int = 0) -> list[bytes]:
    folder = second(tiny, fold).pseudo_labels
    return [path.read_bytes() for name in SCANS for path in (folder.mask(name), folder.case_record(name))]


def weights(tiny: Tiny, fold: int = 0) -> dict[str, torch.Tensor]:
    return dict(load_tensors(second(tiny, fold).weights)[0])


def test_their_networks_look_at_the_part_of_a_scan_that_they_predict(made: Tiny) -> None:
    job = resolve_job(made.workspace, "0", TrainingOptions(configuration=SECOND))
    first = find_configuration(job.plan.configurations, CONFIGURATION, "the plan")
    centred = replace(first, prediction=replace(first.prediction, centre_shape=(8, 8, 8)))
    configurations = tuple(centred if one.name == first.name else one for one in job.plan.configurations)
    job = replace(job, plan=replace(job.plan, configurations=configurations))
    assert _load(job, CONFIGURATION, torch.device("cpu")).inputs.centre_shape == (8, 8, 8)


def test_masks_are_asked_of_the_same_fold_and_of_no_other(made: Tiny) -> None:
    plan, _ = read_plan(made.workspace, "default")
    configuration = find_configuration(plan.configurations, SECOND, "the plan")
    for fold in ("0", "3", "full"):
        needs = list(list_needs(configuration, fold, ("0", "1", "2", "3", "4")))
        assert needs == [Need(configuration=CONFIGURATION, fold=fold, validated=False)]
    # Folds 0 and 1 of the first configuration are there, which is of no use to fold 2.
    with pytest.raises(WorkspaceError, match="fold 2 of 3d_fullres is not finished"):
        train_second(made, 2)


def test_each_fold_is_trained_on_what_its_own_networks_find(own: Tiny) -> None:
    train_second(own, 1)
    assert used(own, 0).weights != used(own, 1).weights
    for fold in (0, 1):
        out = own.root / f"predicted-{fold}"
        model_face.predict(own.root / "more", out, model=own.fold(fold).root)
        for name in SCANS:
            found, expected = second(own, fold).pseudo_labels.mask(name), out / f"{name}.nii.gz"
            # Training keeps scans in half precision.
            assert (read_nifti(found) == read_nifti(expected)).mean() > 0.99
    differing = [(read_nifti(own.root / f"predicted-{fold}" / "new-0.nii.gz") > 0) for fold in (0, 1)]
    assert (differing[0] != differing[1]).mean() > 0.05, "the two folds have to be told apart"


def test_a_fold_whose_network_saw_what_this_one_is_judged_on_marks_nothing(own: Tiny) -> None:
    begun = read_run(own.fold())
    assert begun is not None
    *kept, leaked = begun.contents[:-1]
    # As if it had been trained with other folds: on the case that fold 0 is judged on.
    write_json(own.fold().run, begun.of_cases((*kept, begun.contents[-1]), (leaked,)))
    with pytest.raises(WorkspaceError, match=r"would be (judged|trained) on case_\d, which it was"):
        train_second(own, restart=True)


def test_masks_are_labels_on_the_arrays_that_the_fold_sees(made: Tiny) -> None:
    job = resolve_job(made.workspace, "0", TrainingOptions(configuration=SECOND))
    mask = read_nifti(second(made).pseudo_labels.mask("new-0"))
    label = read_pseudo_label(job, "new-0")
    record = job.inputs.store.read_record("new-0")
    inside = mask[record.box.slices()]
    assert label.shape == record.shape != inside.shape, "voxels of 1.25 mm, and of 1 mm"
    assert set(np.unique(label)) == {0, 1}
    assert abs((label > 0).mean() - (inside > 0).mean()) < 0.05


def test_records_name_the_scans_and_their_contents_and_validation_is_on_labelled_cases(made: Tiny) -> None:
    begun = read_run(second(made))
    assert begun is not None
    hashes = {name: identify(made.root / "more" / f"{name}.nii.gz").sha256 for name in SCANS}
    assert {one.case: one.scans() for one in begun.unlabelled} == {name: (text,) for name, text in hashes.items()}
    assert not {one.case for one in begun.unlabelled} & {one.case for one in begun.contents}
    assert set(hashes.values()) < set(begun.has_seen().scans)
    assert used(made).cases == SCANS
    _, splits = read_plan(made.workspace, "default")
    judged = {path.name for path in (second(made).validation.root / "cases").iterdir()}
    assert judged == {f"{case}.json" for case in splits.folds[0].validation}


def test_the_same_fold_without_scans_learns_something_else(own: Tiny) -> None:
    before = weights(own)
    train_second(own, restart=True)
    again = weights(own)
    assert all(torch.equal(before[name], again[name]) for name in before), "the same masks, the same weights"
    plan, _ = read_plan(own.workspace, "default")
    changed = tuple(replace(one, pseudo_labels=None) for one in plan.configurations)
    write_json(own.workspace.plan("default"), replace(plan, configurations=changed))
    train_second(own, restart=True)
    assert any(not torch.equal(before[name], tensor) for name, tensor in weights(own).items())
    assert not second(own).pseudo_labels.root.exists()


def test_scans_that_stay_on_the_disk_make_the_same_weights(own: Tiny) -> None:
    before = weights(own)
    train_second(own, restart=True, memory_gb=0.0)
    record = read_record(second(own))
    assert record is not None
    assert record.residency is not None
    assert record.residency.on_disk == 6
    assert all(torch.equal(before[name], tensor) for name, tensor in weights(own).items())


def test_a_begun_training_keeps_its_masks_when_the_weights_that_made_them_change(own: Tiny) -> None:
    before = masks(own)
    own.train(0, iterations=3)
    assert identify_weights(own.fold())
    train_second(own, iterations=4)
    assert masks(own) == before
    damaged = second(own).pseudo_labels.mask("new-1")
    damaged.write_bytes(damaged.read_bytes()[:-1])
    with pytest.raises(WorkspaceError, match=r"of new-1 are missing or damaged, and the weights .* --restart"):
        train_second(own, iterations=6)
    train_second(own, iterations=4, restart=True)
    assert masks(own) != before


def find_said(tiny: Tiny, **options: object) -> list[str]:
    """Train fold 0 of the second configuration, and return what is said of the weights that made its masks."""
    listening = Listening()
    train_second(tiny, progress=listening, **options)
    return [message for message in listening.messages if "that have changed since" in message]


def test_a_fold_whose_masks_are_of_weights_that_have_changed_says_so_until_it_is_begun_anew(own: Tiny) -> None:
    then = used(own).weights
    assert find_said(own) == []
    own.train(0, iterations=3)
    (finished,), (longer,) = find_said(own), find_said(own, iterations=4)
    for part in (
        f"{second(own).root}: trains on masks that were made by weights of {CONFIGURATION}, fold 0 that have changed",
        f"({then[:12]} then, ",
        "and keeps these masks",
        "begin it anew, which removes its weights and scores: `autoseg train 0 --restart ",
    ):
        assert part in finished
        assert part in longer
    assert used(own).weights == then
    assert find_said(own, restart=True) == []
    assert used(own).weights != then
    assert find_said(own) == []


def test_a_damaged_mask_is_made_again_by_the_weights_that_made_it(own: Tiny) -> None:
    before = masks(own)
    second(own).pseudo_labels.mask("new-1").write_bytes(b"")
    second(own).pseudo_labels.case_record("new-0").unlink()
    train_second(own, iterations=4)
    assert masks(own) == before


def test_masks_of_a_start_that_made_no_step_are_made_anew_by_new_weights(own: Tiny) -> None:
    before, folder = used(own).weights, second(own)
    for path in (*folder.weight_files(), folder.checkpoint, folder.record):
        path.unlink()
    shutil.rmtree(folder.validation.root)
    own.train(0, iterations=3)
    train_second(own)
    assert used(own).weights != before
    assert read_json(folder.pseudo_labels.case_record("new-0"), PseudoLabel).weights == used(own).weights


def test_a_lack_of_memory_for_masks_names_the_scans_and_makes_the_training_no_smaller(
    own: Tiny, monkeypatch: pytest.MonkeyPatch
) -> None:
    def run_out(*_: object) -> None:
        raise MemoryError

    monkeypatch.setattr(pseudo_labels, "_make", run_out)
    with pytest.raises(WorkspaceError, match="2 of 2 scans without labels could not be marked"):
        train_second(own, restart=True)
    begun = read_run(second(own))
    assert begun is not None
    assert begun.steps == ()


def test_unsure_masks_are_left_out(own: Tiny) -> None:
    found = [read_json(second(own).pseudo_labels.case_record(name), PseudoLabel).confidence for name in SCANS]
    assert all(0.5 < confidence < 1 for confidence in found)
    between = sum(found) / 2
    plan_both(own, f"{SECOND}.pseudo_labels.least_confidence={between}")
    train_second(own, restart=True)
    surer = SCANS[int(np.argmax(found))]
    assert used(own).cases == (surer,)
    assert set(used(own).left_out) == set(SCANS) - {surer}


def test_confidence_is_the_mean_probability_of_what_is_marked() -> None:
    confidence = Confidence(plain_heads(3))
    assert confidence.mean() == 0.0, "an empty mask"
    # Four voxels, of which two are marked: by 0.5 and, in the other slab, by 0.8.
    for background, first, second_label in (((0.4, 0.6), (0.5, 0.3), (0.1, 0.1)), ((0.1, 1.0), (0.1, 0.0), (0.8, 0.0))):
        values = torch.tensor((background, first, second_label)).reshape(3, 1, 1, 2)
        confidence.see(Slab(box=Box(start=(0, 0, 0), stop=(1, 1, 2)), values=values))
    assert confidence.mean() == pytest.approx((0.5 + 0.8) / 2)


def test_a_workspace_that_was_moved_trains_on_without_raw_files(own: Tiny) -> None:
    moved = Workspace(root=own.workspace.root.rename(own.root / "elsewhere"))
    for folder in (own.raw, own.root / "more"):
        shutil.rmtree(folder)
    own_moved = replace(own, root=own.root / "new")
    own_moved.root.mkdir()
    moved.root.rename(own_moved.workspace.root)
    train_second(own_moved, 1)
    assert used(own_moved, 1).cases == SCANS


def test_predicting_a_scan_that_pseudo_labels_were_made_of_says_so(
    made: Tiny, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    scan, known = made.root / "more" / "new-0.nii.gz", "1 scan is a case of the data set that the model was trained on"
    for place in (("-w", made.workspace.root, "-c", SECOND), ("-m", second(made).root)):
        assert run(monkeypatch, "predict", scan, "-o", tmp_path / "mask.nii.gz", "--overwrite", *place) == 0
        assert known in capsys.readouterr().out
    first = ("predict", scan, "-o", tmp_path / "first.nii.gz", "-w", made.workspace.root, "-c", CONFIGURATION)
    assert run(monkeypatch, *first) == 0
    assert known not in capsys.readouterr().out


def test_a_bundle_knows_the_scans_by_their_contents_alone(made: Tiny, tmp_path: Path) -> None:
    path = model_face.export(made.workspace, tmp_path / "model.zip", configurations=(SECOND,))
    with zipfile.ZipFile(path) as opened:
        texts = [opened.read(name) for name in opened.namelist() if not name.endswith(".safetensors")]
    assert not any(b"new-" in text for text in texts)
    assert identify(made.root / "more" / "new-0.nii.gz").sha256 in find_source(path).contents
    assert "" not in find_source(path).contents


def test_a_model_that_was_trained_on_a_scans_pseudo_label_is_not_judged_on_it(made: Tiny, tmp_path: Path) -> None:
    other = write_tiny(tmp_path, 4)
    shutil.copy(made.root / "more" / "new-0.nii.gz", other.scan("case_2"))
    splits = other.write_splits([("case_2",), ("case_0",)])
    plan_both(other, f"{SECOND}.pseudo_labels=null", unlabelled=None, splits=splits)
    with pytest.raises(PlanError, match=r"was trained on 1 of the 1 case that fold 0 is judged on \(case_2\)"):
        train_second(other, from_model=second(made).root)
    train_second(other, from_model=second(made).root, allow_seen=True)
