"""Wrong options, odd environments, cases that fail, signals: an exit code of the table, one message, nothing lost."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import nibabel
import numpy as np
import pytest

from autoseg.hardware import SHARERS
from tests.synthetic.commands import run, run_until
from tests.synthetic.packages import run_with_package, write_package
from tests.synthetic.scans import head, write_description, write_nifti, write_nnunet_dataset

LONG = "x" * 300


@dataclass(frozen=True, kw_only=True, slots=True)
class Place:
    """A sound data set, a workspace with one trained fold, and a folder of one's own; only the last may change."""

    sound: Path
    root: Path

    def fill(self, *words: object) -> list[str]:
        places = {"raw": self.sound / "raw", "ws": self.sound / "ws", "root": self.root}
        return [str(word).format(**places) for word in words]


@pytest.fixture(scope="module")
def sound(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("sound")
    write_nnunet_dataset(root / "raw", 6)
    with pytest.MonkeyPatch.context() as patch:
        short = ["--set", "training.iterations=3", "--set", "batch_size=2"]
        assert run(patch, "plan_and_preprocess", root / "raw", "-w", root / "ws", *short) == 0
        assert run(patch, "train", "0", "-w", root / "ws") == 0
    return root


@pytest.fixture
def place(sound: Path, tmp_path: Path) -> Iterator[Place]:
    before = {path: path.stat().st_mtime_ns for path in sound.rglob("*") if path.is_file() and path.name != ".lock"}
    yield Place(sound=sound, root=tmp_path)
    after = {path: path.stat().st_mtime_ns for path in sound.rglob("*") if path.is_file() and path.name != ".lock"}
    assert after == before


PLAN = ["plan_and_preprocess", "{raw}", "-w", "{root}/new"]
TRAIN = ["train", "1", "-w", "{ws}"]
PREDICT = ["predict", "{raw}/imagesTr", "-w", "{ws}", "--no-mirror", "-o", "{root}/out"]
GPU_MEMORY = "Expected the GPU's memory in GB, such as 8"
SEED = "Expected a whole number from 0 to 4294967295"

# what is given -> the command, and what the one message says
REFUSED: dict[str, tuple[list[str], str]] = {
    "infinite GPU": ([*PLAN, "--gpu-memory-gb", "inf"], f"--gpu-memory-gb is inf. {GPU_MEMORY}"),
    "endless GPU": ([*PLAN, "--gpu-memory-gb", "1e300"], f"--gpu-memory-gb is 1e.300. {GPU_MEMORY}, and at most"),
    "no GPU": ([*PLAN, "--gpu-memory-gb", "0"], f"--gpu-memory-gb is 0. {GPU_MEMORY}"),
    "negative GPU": ([*PLAN, "--gpu-memory-gb", "-1"], f"--gpu-memory-gb is -1. {GPU_MEMORY}"),
    "GPU of no number": ([*PLAN, "--gpu-memory-gb", "nan"], f"--gpu-memory-gb is nan. {GPU_MEMORY}"),
    "GPU to explain for": (["explain", "-w", "{ws}", "--gpu-memory-gb", "inf"], "--gpu-memory-gb is inf"),
    "infinite hours": ([*PLAN, "--max-hours", "inf"], "--max-hours is inf. Expected more than 0, and at most"),
    "hours of no number": ([*PLAN, "--max-hours", "nan"], "--max-hours is nan. Expected more than 0"),
    "negative hours": ([*PLAN, "--max-hours", "-2"], "--max-hours is -2. Expected more than 0"),
    "hours to explain for": (["explain", "-w", "{ws}", "--max-hours", "nan"], "--max-hours is nan"),
    "infinite minutes": ([*TRAIN, "--max-minutes", "inf"], "train for is inf minutes. Expected more than 0, and at"),
    "minutes of no number": ([*TRAIN, "--max-minutes", "nan"], "train for is nan minutes"),
    "endless hours": ([*TRAIN, "--max-hours", "1e300"], "train for is 6e.301 minutes"),
    "endless steps": (
        [*TRAIN, "--iterations", "9" * 25],
        "--iterations is a number of more than 20 digits. Expected at",
    ),
    "many folds at once": ([*TRAIN, "--jobs", str(10**10)], "--jobs is 10000000000. Expected at most 1000000000 folds"),
    "infinite memory": ([*TRAIN, "--memory-gb", "inf"], "--memory-gb is inf. Expected 0 or more"),
    "memory of no number": ([*TRAIN, "--memory-gb", "nan"], "--memory-gb is nan. Expected 0 or more"),
    "share of no number": ([*TRAIN, "--memory-share", "nan"], "--memory-share is nan. Expected more than 0"),
    "negative seed": ([*PLAN, "--seed", "-1"], f"--seed is -1. {SEED}"),
    "seed of 33 bits": ([*PLAN, "--seed", str(2**32)], f"--seed is 4294967296. {SEED}"),
    "seed of 65 bits": ([*PLAN, "--seed", str(2**64)], f"--seed is 18446744073709551616. {SEED}"),
    "rate of no number": ([*PLAN, "--set", "training.optimizer.options.lr=NaN"], "lr: found NaN. Expected a finite"),
    "text for a number": (
        [*PLAN, "--set", 'training.loss={{"name": "dice", "options": {{"smooth": "much"}}}}'],
        "--set training.loss: loss dice: option 'smooth' is \"much\". Expected a number",
    ),
    "number for a transform": (
        [*PLAN, "--set", 'sampling.augmentations=[{{"name": "batchgenerators", "options": {{"transforms": 3}}}}]'],
        "augmentation batchgenerators: option 'transforms' is 3. Expected a list",
    ),
    "best of no validation": (
        [*TRAIN, "--set", "training.weights=best", "--set", "training.validation_rounds=0"],
        "training.weights is best, which validation chooses, but training.validation_rounds is 0",
    ),
    "absent configuration": ([*TRAIN, "--set", "4d.batch_size=2"], "no field '4d' to set"),
    "absent default": ([*TRAIN, "--set", "default_configuration=4d"], "default_configuration is '4d'. Expected"),
    "endless demonstration": (["demo", "-o", "{root}/demo", "--max-minutes", "inf"], "train for is inf minutes"),
    "brains of no size": (["simulate", "{root}/new", "--spacing-mm", "nan"], "spacing_mm is nan. Choose"),
    "brains of 5,000 digits": (["simulate", "{root}/new", "--shape", "9" * 5000], "Write three numbers of voxels"),
    "lesions of no size": (["simulate", "{root}/new", "--max-lesion-ml", "nan"], "lesions from 0.01 to nan ml"),
    "scans of too long a name": (
        ["predict", f"{{root}}/{LONG}", "-o", "{root}/out", "-w", "{ws}"],
        "(File name too long|does not exist)",
    ),
    "masks of too long a name": ([*PREDICT[:-1], f"{{root}}/{LONG}/out"], "no file can be called"),
    "scores of too long a name": (
        ["evaluate", "{raw}/labelsTr", "{raw}/labelsTr", "-o", f"{{root}}/{LONG}"],
        "no file can be called",
    ),
    "data set of too long a name": (["check", f"{{root}}/{LONG}"], "(File name too long|does not exist)"),
    "a folder for scores": (["evaluate", "{raw}/labelsTr", "{raw}/labelsTr", "-o", "{root}"], "folder|[Dd]irectory"),
}


@pytest.mark.parametrize("kind", REFUSED)
def test_what_cannot_be_meant_is_refused_in_one_message_and_nothing_is_written(
    place: Place, kind: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    command, message = REFUSED[kind]
    assert run(monkeypatch, *place.fill(*command)) == 2
    said = " ".join(capsys.readouterr().err.split())
    assert re.search(message, said), said
    assert said.count("autoseg:") == 1
    assert "Traceback" not in said
    assert list(place.root.rglob("*")) == []


# what is wrong with a file -> how it is made
SPOILT: dict[str, Callable[[Path], object]] = {
    "nothing in it": lambda path: path.write_bytes(b""),
    "text": lambda path: path.write_text("no scan", encoding="utf-8"),
    "half a file": lambda path: path.write_bytes(path.read_bytes()[:2000]),
    "voxels of 2 m": lambda path: write_nifti(path, head(1)[0], np.diag([2000.0, 2000.0, 2000.0, 1.0])),
    "an axis of length 0": lambda path: write_nifti(path, head(1)[0][:0]),
    "not a number": lambda path: write_nifti(path, head(1)[0] * np.nan),
    "a link to itself": lambda path: (path.unlink(), path.symlink_to(path)),
    "a link to nothing": lambda path: (path.unlink(), path.symlink_to(path.with_name("none.nii.gz"))),
}


@pytest.mark.parametrize("kind", SPOILT)
def test_one_scan_that_fails_does_not_keep_the_others_from_being_predicted(
    place: Place, kind: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in "amz":
        write_nifti(place.root / "scans" / f"{name}.nii.gz", head(3)[0])
    SPOILT[kind](place.root / "scans" / "m.nii.gz")
    command = ["predict", "{root}/scans", "-w", "{ws}", "--no-mirror", "-o", "{root}/out"]
    code = run(monkeypatch, *place.fill(*command))
    said = " ".join(capsys.readouterr().err.split())
    made = sorted(path.name for path in (place.root / "out").iterdir())
    assert (code, made) == (1, ["a.nii.gz", "z.nii.gz"])
    assert "1 of 3 scans could not be predicted: case m" in said
    assert "Traceback" not in said


@pytest.mark.parametrize("kind", SPOILT)
def test_one_case_that_fails_is_a_finding_and_the_others_are_checked(
    place: Place, kind: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    shutil.copytree(place.sound / "raw", place.root / "raw")
    SPOILT[kind](place.root / "raw" / "imagesTr" / "sub-002_0000.nii.gz")
    code = run(monkeypatch, *place.fill("check", "{root}/raw", "-o", "{root}/check.json"))
    said = capsys.readouterr()
    report = json.loads((place.root / "check.json").read_text(encoding="utf-8"))
    assert {finding["case"] for finding in report["findings"] if finding["grade"] == "error"} <= {"sub-002"}
    assert report["cases"] == 6
    # Voxels of any size are a warning: they can be worked with.
    assert code == (2 if any(finding["grade"] == "error" for finding in report["findings"]) else 0)
    assert "sub-002" in {finding["case"] for finding in report["findings"]}
    assert "Traceback" not in said.err + said.out


@pytest.mark.parametrize(
    "command", [["check", "{root}/raw"], ["plan_and_preprocess", "{root}/raw", "-w", "{root}/new"]]
)
def test_more_labels_than_an_index_holds_are_refused(
    place: Place, command: list[str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    write_nnunet_dataset(place.root / "raw", 2)
    names = {"background": 0, **{f"label {value}": value for value in range(1, 257)}}
    write_description(place.root / "raw", names, ("T1w",), 2)
    assert run(monkeypatch, *place.fill(*command)) == 2
    assert "257 different label values are declared" in capsys.readouterr().err
    assert not (place.root / "new").exists()


def test_a_mask_that_cannot_be_scored_is_listed_and_the_others_are_scored(
    place: Place, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    shutil.copytree(place.sound / "raw" / "labelsTr", place.root / "masks")
    (place.root / "masks" / "sub-002.nii.gz").write_bytes(b"nothing")
    command = ["evaluate", "{root}/masks", "{raw}/labelsTr", "-o", "{root}/metrics.json"]
    assert run(monkeypatch, *place.fill(*command)) == 1
    said = capsys.readouterr()
    assert "5 of 6 cases" in said.out
    assert "1 of 6 cases cannot be scored, and all figures are of the other 5" in said.err
    plain = json.loads((place.root / "metrics.json").read_text(encoding="utf-8"))
    assert [failure["case"] for failure in plain["failures"]] == ["sub-002"]
    assert len(plain["cases"]) == 5


@pytest.mark.parametrize("sharers", ["0", "-1", "abc"])
def test_a_number_of_sharers_that_cannot_be_meant_is_ignored(
    place: Place, sharers: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv(SHARERS, sharers)
    assert run(monkeypatch, *place.fill("check", "{raw}")) == 0


def in_shell(
    *words: object, before: str = "", environment: dict[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    """Run autoseg behind a line of shell."""
    line = f'{before} exec "$0" -m autoseg "$@"'
    checkout = Path(__file__).parents[3]
    return subprocess.run(
        ["sh", "-c", line, sys.executable, *map(str, words)],
        env={**os.environ, "PYTHONPATH": str(checkout), **(environment or {})},
        capture_output=True,
        encoding="utf-8",
        errors="replace",
        check=False,
    )


def test_a_current_directory_that_was_deleted_is_one_message(place: Place) -> None:
    (place.root / "gone").mkdir()
    done = in_shell("predict", "scans", "-o", "out", before=f"cd '{place.root}/gone' && rmdir '{place.root}/gone' &&")
    assert done.returncode == 2
    assert "The current directory does not exist any more" in " ".join(done.stderr.split())
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("command", ["check", "train"])
def test_names_are_shown_on_a_terminal_that_has_no_such_characters(place: Place, command: str) -> None:
    data = shutil.copytree(place.sound / "raw", place.root / "Schädel")
    words = ["check", data] if command == "check" else ["train", "0", "--Schädel"]
    done = in_shell(*words, environment={"PYTHONIOENCODING": "ascii"})
    assert done.returncode == (0 if command == "check" else 2), done.stderr
    assert "Sch\\xe4del" in done.stdout + done.stderr
    assert "Traceback" not in done.stderr


def test_files_that_may_not_grow_are_one_message(place: Place) -> None:
    done = in_shell(*place.fill(*PLAN), before="ulimit -f 1;")
    said = " ".join(done.stderr.split())
    assert done.returncode == 2, said
    assert "File too large" in said
    assert "ulimit -f" in said
    assert "Traceback" not in said
    assert not list(place.root.rglob(".partial-*"))


BROKEN = {
    "a command that cannot be imported": ({"autoseg.commands": ["extra = absent_module:app"]}, ["--version"], 0),
    "a planner that names nothing": (
        {"autoseg.planners": ["mine = broken:nothing"]},
        ["explain", "msd_hippocampus", "--planner", "mine"],
        2,
    ),
    "a planner that raises": (
        {"autoseg.planners": ["mine = broken:raising"]},
        ["explain", "msd_hippocampus", "--planner", "mine"],
        2,
    ),
    "a planner that is none": (
        {"autoseg.planners": ["mine = broken:number"]},
        ["explain", "msd_hippocampus", "--planner", "mine"],
        2,
    ),
}
CODE = """
class Raising:
    description = "Raises."
    memory_gb = 0.0

    def plan(self, fingerprint, request):
        return 1 / 0


raising, number = Raising(), 7
"""


@pytest.mark.parametrize("kind", BROKEN)
def test_a_package_that_fails_is_named(tmp_path: Path, kind: str) -> None:
    entries, command, code = BROKEN[kind]
    write_package(tmp_path, "broken", CODE, entries)
    done = run_with_package(tmp_path, *(["explain", "msd_hippocampus", "--json"] if code == 0 else command))
    said = " ".join(done.stderr.split())
    assert done.returncode == code, said
    assert "package broken: autoseg." in said
    assert "Traceback" not in done.stderr


# when a signal comes -> the moment as `tests.synthetic.ended` reads it, and the signal
MOMENTS = {
    "while the second scan is read": ("open:sub-001_0000:1", signal.SIGINT),
    "while the first mask is written": ("open:.partial-:1", signal.SIGTERM),
    "while the second mask gets its name": ("rename:sub-001.nii.gz:1", signal.SIGHUP),
}


@pytest.mark.parametrize("kind", MOMENTS)
def test_a_signal_leaves_whole_masks_and_no_others(place: Place, kind: str) -> None:
    moment, number = MOMENTS[kind]
    code, said = run_until(moment, *place.fill(*PREDICT), number=number)
    assert code == 128 + number, said
    assert "Stopped. Give the same command again" in " ".join(said.split())
    assert "Traceback" not in said
    made = sorted(path.name for path in (place.root / "out").iterdir()) if (place.root / "out").exists() else []
    assert all(re.fullmatch(r"sub-00\d\.nii\.gz", name) for name in made)
    assert len(made) < 6
    for name in made:
        assert nibabel.load(place.root / "out" / name).get_fdata().shape == head(0)[0].shape


def test_a_signal_while_planning_is_one_message_and_the_same_command_goes_on(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    code, said = run_until("open:sub-003_0000:2", *place.fill(*PLAN), number=signal.SIGINT)
    assert code == 130, said
    assert "Stopped. Give the same command again" in " ".join(said.split())
    assert run(monkeypatch, *place.fill(*PLAN)) == 0
    assert not list(place.root.rglob(".partial-*"))
