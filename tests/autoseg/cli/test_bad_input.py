"""Common mistakes: each is one message with where, what, what was expected and what to do, and costs nothing."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import nibabel
import numpy as np
import pytest

from autoseg.workspace.locks import locked
from tests.synthetic.commands import run
from tests.synthetic.scans import affine_of, head, write_csv, write_nifti

CASE = "sub-002"


@dataclass(frozen=True, kw_only=True, slots=True)
class Place:
    """A copy of a sound data set and of a workspace with one trained fold, to be broken."""

    root: Path

    @property
    def raw(self) -> Path:
        return self.root / "raw"

    @property
    def workspace(self) -> Path:
        return self.root / "ws"

    @property
    def scan(self) -> Path:
        return self.raw / "imagesTr" / f"{CASE}_0000.nii.gz"

    @property
    def label(self) -> Path:
        return self.raw / "labelsTr" / f"{CASE}.nii.gz"

    def describe(self, **changes: object) -> None:
        path = self.raw / "dataset.json"
        path.write_text(json.dumps(json.loads(path.read_text(encoding="utf-8")) | changes))

    def fold(self) -> Path:
        return next(self.workspace.glob("models/default/*/fold_0"))


@pytest.fixture
def place(sound, tmp_path):
    shutil.copytree(sound, tmp_path / "place")
    for name in ("dataset.json", "fingerprint.json"):
        path = tmp_path / "place" / "ws" / name
        moved = path.read_text(encoding="utf-8").replace(str(sound), str(tmp_path / "place"))
        # As a person does who changes a file on purpose.
        path.write_text(re.sub(r',\s*"checksum": "\w+"', "", moved))
    return Place(root=tmp_path / "place")


def change_label(place: Place, change: Callable[[np.ndarray], np.ndarray], affine: np.ndarray | None = None) -> None:
    stored = nibabel.load(place.label)
    write_nifti(place.label, change(np.asarray(stored.dataobj)), stored.affine if affine is None else affine)


def change_scan(place: Place, change: Callable[[np.ndarray], np.ndarray]) -> None:
    stored = nibabel.load(place.scan)
    write_nifti(place.scan, change(stored.get_fdata(dtype=np.float32)), stored.affine)


def with_value(value: float) -> Callable[[np.ndarray], np.ndarray]:
    def change(array: np.ndarray) -> np.ndarray:
        changed = array.astype(np.float32)
        changed[10, 10, 10] = value
        return changed

    return change


def truncate(place: Place) -> None:
    place.scan.write_bytes(place.scan.read_bytes()[:3000])


def shift_label(place: Place) -> None:
    moved = affine_of()
    moved[0, 3] += 5
    change_label(place, lambda labels: labels, moved)


def add_twin(place: Place) -> None:
    nibabel.save(nibabel.load(place.label), place.raw / "labelsTr" / f"{CASE}.nii")


def split_names(place: Place, name: str) -> None:
    folds = [{"train": ["sub-000", "sub-001"], "val": [name]}]
    (place.root / "splits.json").write_text(json.dumps(folds))


def age(path: Path, version: int) -> None:
    path.write_text(
        re.sub(r'"schema_version": \d+', f'"schema_version": {version}', path.read_text(encoding="utf-8")),
        encoding="utf-8",
    )


def nothing(place: Place) -> None:
    return


PLAN = ["plan_and_preprocess", "{raw}", "-w", "{ws}"]
TRAIN = ["train", "0", "-w", "{ws}"]
PREDICT = ["predict", "{raw}/imagesTr", "-o", "{root}/out", "-w", "{ws}"]

# what is wrong -> (how it is made, the command, what the message says in this order)
BAD: dict[str, tuple[Callable[[Place], object], list[str], str]] = {
    "truncated scan": (truncate, PLAN, f"case {CASE}.*{CASE}_0000.nii.gz.*truncated.*Copy the file again"),
    "empty file": (
        lambda p: p.scan.write_bytes(b""),
        PLAN,
        f"case {CASE}.*{CASE}_0000.nii.gz.*cannot be read.*Replace",
    ),
    "text called .nii.gz": (lambda p: p.scan.write_text("no scan"), PLAN, f"case {CASE}.*cannot be read.*Replace"),
    "label of another shape": (
        lambda p: change_label(p, lambda labels: labels[:-2]),
        PLAN,
        f"case {CASE}.*22x28x20.*24x28x20.*Resample one onto the other",
    ),
    "label elsewhere in space": (shift_label, PLAN, f"case {CASE}.*5 voxels apart.*Correct the wrong header"),
    "not a number": (lambda p: change_scan(p, with_value(np.nan)), PLAN, f"case {CASE}.*1 voxel .*NaN.*Replace it"),
    "infinite": (lambda p: change_scan(p, with_value(np.inf)), PLAN, f"case {CASE}.*1 voxel .*infinite.*Replace it"),
    "constant scan": (lambda p: change_scan(p, np.zeros_like), PLAN, f"case {CASE}.*0 everywhere.*export it again"),
    "unexpected label": (
        lambda p: change_label(p, lambda labels: labels * 3),
        PLAN,
        rf"case {CASE}.*holds \[3, 6\].*labels are \[0, 1, 2\].*Correct the file, or name all labels",
    ),
    "interpolated label": (
        lambda p: change_label(p, with_value(0.4)),
        PLAN,
        f"case {CASE}.*not integers, for example 0.4.*must be integers.*interpolation",
    ),
    "label and scan swapped": (
        lambda p: shutil.copy(p.scan, p.label),
        PLAN,
        f"case {CASE}.*the same voxels.*export it again",
    ),
    "missing label": (lambda p: p.label.unlink(), PLAN, f"{CASE}.*Add the label"),
    "missing channel": (
        lambda p: p.describe(channel_names={"0": "T1w", "1": "FLAIR"}),
        PLAN,
        "sub-000_0001.nii.gz.*Add",
    ),
    "two files for one case": (add_twin, PLAN, f"{CASE}.nii.*{CASE}.nii.gz.*Keep one"),
    "4D scan": (
        lambda p: change_scan(p, lambda scan: np.stack([scan] * 3, axis=-1)),
        PLAN,
        f"case {CASE}.*3 channels.*Expected 1",
    ),
    "broken dataset.json": (
        lambda p: (p.raw / "dataset.json").write_text('{"labels": {"background": 0,, '),
        PLAN,
        "dataset.json.*not valid JSON.*line 1, column 29.*Correct",
    ),
    "regions without an order": (
        lambda p: p.describe(labels={"background": 0, "all": [1, 2], "core": 2}),
        PLAN,
        "dataset.json.*regions_class_order.*Expected the value to write for each of all, core",
    ),
    "empty folder": (lambda p: shutil.rmtree(p.raw) or p.raw.mkdir(), PLAN, "raw.*holds no dataset.json.*Expected"),
    "folder that is not there": (lambda p: shutil.rmtree(p.raw), PLAN, "raw.*does not exist.*Expected the folder"),
    "CSV with an unknown column": (
        lambda p: write_csv(p.root / "cases.csv", [{"imgae": "a.nii.gz", "label": "b.nii.gz"}]),
        ["plan_and_preprocess", "{root}/cases.csv", "-w", "{ws}"],
        "unknown column 'imgae'. Did you mean 'image'",
    ),
    "folds that name no case": (
        lambda p: split_names(p, "sub-02"),
        [*PLAN, "--splits", "{root}/splits.json"],
        "fold 0 names sub-02, not in the data set. Did you mean 'sub-00",
    ),
    "unknown planner": (nothing, [*PLAN, "--planner", "nnunte"], "no planner 'nnunte'. Did you mean 'nnunet'"),
    "unknown transform of batchgenerators": (
        nothing,
        [
            *PLAN,
            "--set",
            "sampling.augmentations=batchgenerators",
            "--set",
            'sampling.augmentations.0.options.transforms=[{{"name": "GamaTransform"}}]',
        ],
        "augmentation batchgenerators: there is no transform 'GamaTransform'. Did you mean 'GammaTransform'",
    ),
    "sites to balance over that the data set does not name": (
        nothing,
        [*PLAN, "--set", "sampling.cases=balanced"],
        "balances over the site of cases, but the data set names none",
    ),
    "unknown option of a part in one piece": (
        nothing,
        [*PLAN, "--set", 'training.loss={{"name": "dice_ce", "options": {{"batch_dise": true}}}}'],
        "loss dice_ce has no option 'batch_dise'. Did you mean 'batch_dice'",
    ),
    "no memory": (nothing, [*PLAN, "--gpu-memory-gb", "0"], "gpu-memory-gb is 0. Expected the GPU's memory"),
    "output path that is a file": (
        nothing,
        ["plan_and_preprocess", "{raw}", "-w", "{raw}/dataset.json"],
        "dataset.json: is a file. Name a folder with -w",
    ),
    "workspace of a newer version": (
        lambda p: age(p.workspace / "fingerprint.json", 99),
        PLAN,
        "fingerprint.json: has schema version 99.*knows \\d+.*Update autoseg",
    ),
    "plan of a newer version": (
        lambda p: age(p.workspace / "plans" / "default" / "plan.json", 99),
        TRAIN,
        "plan.json: has schema version 99.*Update autoseg",
    ),
    "plan of an older version": (
        lambda p: age(p.workspace / "plans" / "default" / "plan.json", 2),
        TRAIN,
        "plan.json: has schema version 2, .*knows 3. .*run `autoseg plan_and_preprocess DATASET -w FOLDER`",
    ),
    "fold of an older version": (
        lambda p: age(p.fold() / "run.json", 1),
        PREDICT,
        "run.json: has schema version 1, .*run `autoseg plan_and_preprocess DATASET -w FOLDER`",
    ),
    "damaged plan": (
        lambda p: (p.workspace / "plans" / "default" / "plan.json").write_text("{"),
        TRAIN,
        "plan.json.*Expected a plan file",
    ),
    "fold that does not exist": (
        nothing,
        ["train", "9", "-w", "{ws}"],
        "There is no fold '9'. Give 0 to 4, `all`",
    ),
    "no time": (nothing, ["train", "1", "-w", "{ws}", "--max-minutes", "-3"], "is -3 minutes. Expected more than 0"),
    "wrong type of a value": (
        nothing,
        ["train", "1", "-w", "{ws}", "--set", "training.iterations=many"],
        "training.iterations.*many",
    ),
    "a part that there is none of": (
        nothing,
        ["train", "1", "-w", "{ws}", "--set", "training.loss.name=dise"],
        "no loss 'dise'. Did you mean 'dice'",
    ),
    "preprocessed cases that are gone": (
        lambda p: shutil.rmtree(p.workspace / "preprocessed"),
        ["train", "1", "-w", "{ws}"],
        "6 cases are not preprocessed.*Run `autoseg plan_and_preprocess",
    ),
    "fold begun with another plan": (
        nothing,
        [*TRAIN, "--set", "training.gradient_clip=5"],
        "fold_0.*begun with .*gradient_clip = .*now it is 5.0.*Give the same plan",
    ),
    "predict before train": (
        lambda p: shutil.rmtree(p.workspace / "models"),
        PREDICT,
        "no fold of 3d_fullres is trained yet. Run `autoseg train 0` first",
    ),
    "fold that is not trained": (nothing, [*PREDICT, "--fold", "3"], "fold_3 of 3d_fullres is not trained yet"),
    "damaged weights": (
        lambda p: (p.fold() / "weights.safetensors").write_bytes(b"\x00" * 50),
        PREDICT,
        "weights.safetensors: cannot be used.*Train the fold again",
    ),
    "wrong channel count at prediction": (
        lambda p: write_nifti(p.raw / "imagesTr" / f"{CASE}_0001.nii.gz", head(1)[0]),
        PREDICT,
        rf"takes one channel \(T1w\).*{CASE} has 2.*Give only the files of T1w",
    ),
    "nothing to predict": (
        lambda p: [path.unlink() for path in (p.raw / "imagesTr").iterdir()],
        PREDICT,
        "imagesTr: holds no images",
    ),
    "masks into a file": (
        nothing,
        ["predict", "{raw}/imagesTr", "-o", "{raw}/dataset.json", "-w", "{ws}"],
        "dataset.json: is a file. Give a folder",
    ),
    "masks and references that do not match": (
        lambda p: (p.fold() / "validation" / "extra.nii.gz").write_bytes(p.label.read_bytes()),
        ["evaluate", "{fold}/validation", "{raw}/labelsTr", "-o", "{root}/metrics.json", "--strict"],
        "has no prediction for cases.*has no reference for case extra.*match by name",
    ),
    "a metric that there is not": (
        nothing,
        ["evaluate", "{fold}/validation", "{raw}/labelsTr", "-o", "{root}/metrics.json", "--metric", "lesion_recal"],
        "there is no metric 'lesion_recal'. Did you mean 'lesion_recall'",
    ),
    "simulation into a folder in use": (nothing, ["simulate", "{raw}"], "raw: is not empty .*Choose another folder"),
}


def contents(root: Path) -> dict[str, bytes]:
    """Every file that may not be written over: all but locks and the report that a check exists to write."""
    files = (path for path in root.rglob("*") if path.is_file() and path.name not in (".lock", "check.json"))
    return {str(path.relative_to(root)): path.read_bytes() for path in files}


@pytest.mark.parametrize("kind", BAD)
def test_bad_input_is_one_clear_message_and_nothing_is_written_over(place, monkeypatch, capsys, kind):
    spoil, command, message = BAD[kind]
    spoil(place)
    before = contents(place.root)
    words = {"raw": place.raw, "ws": place.workspace, "root": place.root}
    if any("{fold}" in word for word in command):
        words["fold"] = place.fold()
    assert run(monkeypatch, *[word.format(**words) for word in command]) == 2
    error = " ".join(capsys.readouterr().err.split())
    assert re.search(message, error), error
    assert error.count("autoseg:") == 1
    assert "Traceback" not in error
    after = contents(place.root)
    assert {name: content for name, content in after.items() if name in before} == before
    assert not [name for name in after if "fold_1" in name]


def test_a_second_process_on_the_same_fold_is_refused(place, monkeypatch, capsys):
    with locked(place.fold(), "fold 0"):
        assert run(monkeypatch, "train", "0", "-w", place.workspace) == 2
    error = " ".join(capsys.readouterr().err.split())
    assert "another process is at work on fold 0. Wait for it, or stop it first." in error


@pytest.fixture
def read_only(place):
    """The workspace on a file system that cannot be written to; needs the right to mount one."""
    kept = place.root / "kept"
    place.workspace.rename(kept)
    place.workspace.mkdir()
    steps = (["mount", "--bind", kept, place.workspace], ["mount", "-o", "remount,ro,bind", place.workspace])
    if any(subprocess.run(step, capture_output=True).returncode for step in steps):
        subprocess.run(["umount", place.workspace], capture_output=True)
        pytest.skip("no right to mount a read-only file system here")
    yield place
    subprocess.run(["umount", place.workspace], check=True)


@pytest.mark.parametrize("command", [PLAN, ["train", "1", "-w", "{ws}"]])
def test_a_read_only_workspace_is_one_message(read_only, monkeypatch, capsys, command):
    words = {"raw": read_only.raw, "ws": read_only.workspace}
    assert run(monkeypatch, *[word.format(**words) for word in command]) == 2
    error = " ".join(capsys.readouterr().err.split())
    assert re.search(r"cannot be written to \(Read-only file system\).*-w", error), error


def test_a_read_only_workspace_still_predicts_and_explains(read_only, monkeypatch):
    assert run(monkeypatch, "explain", "-w", read_only.workspace) == 0
    command = ["predict", read_only.raw / "imagesTr", "-o", read_only.root / "out", "-w", read_only.workspace]
    assert run(monkeypatch, *command) == 0
    assert len(list((read_only.root / "out").iterdir())) == 6
