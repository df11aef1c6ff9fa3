"""Options and packages that cannot be meant: one message, and nothing is written."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.autoseg.cli.places import PLAN, PREDICT, TRAIN, Place
from tests.synthetic.commands import run
from tests.synthetic.packages import run_with_package, write_package
from tests.synthetic.scans import write_description, write_nnunet_dataset

LONG = "x" * 300

GPU_MEMORY = "Expected the GPU's memory in GiB, such as 8"
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
    "a server without memory": (
        ["serve", "{root}/interface.json", "--max-memory-gb", "0"],
        "--max-memory-gb is 0. Expected more than 0",
    ),
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
    "masks to nowhere": (
        ["predict", "{raw}/imagesTr", "-w", "{ws}", "-o", ""],
        r"an argument is empty \(-o\). Expected",
    ),
    "masks into nothing": (["predict", "{raw}/imagesTr", "-w", "{ws}", "--out="], r"an argument is empty \(--out\)."),
    "a workspace of no name": (["plan_and_preprocess", "{raw}", "-w", ""], r"an argument is empty \(-w\). Expected"),
    "a data set of no name": (["check", ""], r"an argument is empty \(check\). Expected"),
    "a place of 5,000 digits": (
        [*TRAIN, "--set", "sampling.augmentations." + "9" * 5000 + ".name=x"],
        "is not a place in the list",
    ),
    "a region of 5,000 digits": (
        ["evaluate", "{raw}/labelsTr", "{raw}/labelsTr", "-o", "{root}/a.json", "--region", "a=" + "9" * 5000],
        "cannot be read. Expected a name and label values",
    ),
    "scans without end": (["simulate", "{root}/new", "--cases", "9" * 30], "were asked for. Ask for 1 to 1000000"),
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


@pytest.mark.parametrize(
    "command",
    [
        ["check", "{raw}", "-o", "{root}/loop"],
        ["plan_and_preprocess", "{raw}", "-w", "{root}/loop"],
        ["predict", "{raw}/imagesTr", "-w", "{ws}", "-o", "{root}/loop"],
        ["evaluate", "{raw}/labelsTr", "{raw}/labelsTr", "-o", "{root}/loop"],
        ["check", "{root}/loop"],
        ["train", "1", "-w", "{root}/loop"],
        ["explain", "-w", "{root}/loop"],
    ],
)
def test_a_link_that_leads_back_to_itself_is_one_message(
    place: Place, command: list[str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (place.root / "loop").symlink_to("loop")
    assert run(monkeypatch, *place.fill(*command)) == 2
    said = capsys.readouterr().err
    assert said.count("autoseg:") == 1
    assert "loop" in said
    assert [path.name for path in place.root.iterdir()] == ["loop"]
