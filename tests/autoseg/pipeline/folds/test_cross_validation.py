"""`train all` with real processes: folds at once, signals, failures, going on."""

from __future__ import annotations

import hashlib
import json
import shutil
import signal
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from autoseg.evaluation import read_evaluation
from autoseg.pipeline.folds import cross_validation
from autoseg.pipeline.folds.children import Child, Outcome, Slot
from autoseg.pipeline.folds.cross_validation import find_name, train_folds
from autoseg.pipeline.folds.job_file import COMMAND, read_job
from autoseg.pipeline.folds.jobs import TrainingOptions, resolve_job
from autoseg.pipeline.folds.runs import read_run
from autoseg.pipeline.plans.reading import read_plan
from autoseg.pipeline.scores.case_tables import read_table
from autoseg.pipeline.selection.selected import read_selection
from autoseg.progress import SilentProgress
from autoseg.reporting import is_drawn
from autoseg.training.record import read_record
from autoseg.workspace.fold import FoldFolder
from autoseg.workspace.workspace import Workspace
from dataset_fingerprints.errors import WorkspaceError
from tests.synthetic.commands import run, start
from tests.synthetic.scans import write_nnunet_dataset
from tests.synthetic.small_networks import as_options, small_network

QUICK = [
    "training.iterations=4",
    "training.validation_rounds=0",
    "prediction.step_share=1.0",
    "prediction.mirror_axes=[]",
    "batch_size=2",
    "training.compiled=false",
    *small_network("3d_fullres"),
]
NAMES = [f"sub-{index:03d}" for index in range(4)]


@pytest.fixture(scope="module")
def planned(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A workspace with two folds of two cases, nothing trained."""
    root = tmp_path_factory.mktemp("folds")
    write_nnunet_dataset(root / "raw", len(NAMES))
    pairs = [NAMES[first : first + 2] for first in (0, 2)]
    splits = [{"train": [name for name in NAMES if name not in pair], "val": pair} for pair in pairs]
    (root / "splits.json").write_text(json.dumps(splits), encoding="utf-8")
    with pytest.MonkeyPatch.context() as patch:
        arguments = [root / "raw", "-w", root / "ws", "--splits", root / "splits.json", *as_options(*QUICK)]
        assert run(patch, "plan_and_preprocess", *arguments) == 0
    return root / "ws"


def copy(planned: Path, tmp_path: Path) -> tuple[Path, Path]:
    """Return a workspace of one's own and the folder that its folds will lie in."""
    shutil.copytree(planned, tmp_path / "ws")
    return tmp_path / "ws", tmp_path / "ws" / "models" / "default" / "3d_fullres"


def statuses(folds: Path) -> list[str | None]:
    records = [read_record(FoldFolder(root=folds / f"fold_{number}")) for number in range(2)]
    return [record.status if record else None for record in records]


@pytest.mark.slow
def test_folds_train_two_at_once_save_on_a_signal_and_go_on(
    planned: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    workspace, folds = copy(planned, tmp_path)
    arguments = ["train", "all", "-w", workspace, "--jobs", "2", "--iterations", "1000"]
    # A line after every ten steps, so that one sees that steps are made.
    arguments += ["--set", "training.validation_rounds=100"]
    process = start(*arguments)
    curves = [folds / f"fold_{fold}" / "metrics.jsonl" for fold in range(2)]
    while not all(path.is_file() for path in curves):
        assert process.poll() is None, process.communicate()
        time.sleep(0.1)
    process.send_signal(signal.SIGTERM)
    output, _ = process.communicate()
    assert process.returncode == 143, output
    said = " ".join(output.split())
    assert "training folds 0, 1 of 2, 2 at once" in said
    assert "Give the same command again to go on." in said
    for fold in range(2):
        assert f"fold {fold} | " in output
        assert "which is saved" in " ".join((folds / f"fold_{fold}" / "train.log").read_text(encoding="utf-8").split())
    assert statuses(folds) == ["training", "training"]
    assert not (folds / "cross_validation.json").exists()
    for fold in range(2):
        (folds / f"fold_{fold}" / "stop").touch()
    assert run(monkeypatch, *arguments) == 0
    assert "fold 0 | Going on from step" in capsys.readouterr().out
    assert statuses(folds) == ["finished"] * 2
    scored = read_evaluation(folds / "cross_validation.json").cases
    assert sorted(case.case for case in scored) == NAMES


def test_a_fold_that_fails_is_reported_with_its_log_and_the_others_are_finished(
    planned: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    workspace, folds = copy(planned, tmp_path)
    damaged = folds / "fold_1" / "checkpoint.safetensors"
    damaged.parent.mkdir(parents=True)
    damaged.write_bytes(b"no tensors")
    assert run(monkeypatch, "train", "all", "-w", workspace, "--jobs", "2") == 2
    said = " ".join(" ".join(capsys.readouterr()).split())
    assert "1 of 2 folds of 3d_fullres did not get to their end. fold 1 ended with exit code 2." in said
    assert said.count("the training then starts over.") == 2, "when it happens, and at the end"
    assert statuses(folds) == ["finished", "training"]
    assert not (folds / "cross_validation.json").exists()
    untouched = (folds / "fold_0" / "train.log").read_text(encoding="utf-8")
    damaged.unlink()
    assert run(monkeypatch, "train", "all", "-w", workspace) == 0
    assert "training fold 1 of 2, 1 at once" in " ".join(capsys.readouterr().out.split())
    assert (folds / "fold_0" / "train.log").read_text(encoding="utf-8") == untouched
    # Every case counts once in the summary.
    assert [case.case for case in read_evaluation(folds / "cross_validation.json").cases] == NAMES
    table = read_table(folds / "cases.csv")
    assert table is not None
    assert sorted(row["case"] for row in table.rows) == NAMES
    assert {row["fold"] for row in table.rows} == {"0", "1"}
    assert is_drawn(folds / "contact_sheet.png")
    selection = read_selection(Workspace(root=workspace), "default")
    assert selection is not None
    assert "4 subjects" in selection.evidence.trials[0].reason


def test_what_no_fold_could_begin_with_is_reported_once_before_any_starts(
    planned: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(monkeypatch, "train", "all", "-w", planned, "--set", "training.loss.name=dicee") == 2
    assert "dicee" in capsys.readouterr().err
    assert run(monkeypatch, "train", "all", "-w", planned, "--jobs", "0") == 2
    assert "--jobs is 0. Expected 1 or more folds at once." in " ".join(capsys.readouterr().err.split())
    assert run(monkeypatch, "train", "0", "-w", planned, "--memory-share", "1.5") == 2
    assert "--memory-share is 1.5" in " ".join(capsys.readouterr().err.split())
    assert not (planned / "models").exists()


def test_a_folds_process_gets_what_was_said_for_all_folds_and_its_own_share_of_a_gpu(
    planned: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    root, folds = copy(planned, tmp_path)
    slots = (Slot(memory_share=0.5), Slot(memory_share=0.2))
    commands: list[tuple[str, ...]] = []

    def write_commands(children: Sequence[Child], given: Sequence[Slot], *_: object) -> tuple[Outcome, ...]:
        commands.extend(child.command(slot) for child, slot in zip(children, given, strict=True))
        return ()

    monkeypatch.setattr(cross_validation, "find_slots", lambda jobs, most: slots)
    monkeypatch.setattr(cross_validation, "run_children", write_commands)
    options = TrainingOptions(iterations=9, patience=4, memory_share=0.4, folds_at_once=2, with_previous=True)
    train_folds(Workspace(root=root), ("0", "1"), options, SilentProgress())
    jobs = [read_job(Path(command[-1]))[1] for command in commands]
    assert [command[:-1] for command in commands] == [COMMAND] * 2
    assert [(job.fold, job.options.memory_share) for job in jobs] == [("0", 0.4), ("1", 0.2)]
    expected = TrainingOptions(configuration="3d_fullres", iterations=9, patience=4)
    assert all(replace(job.options, memory_share=1.0) == expected for job in jobs)
    assert all(FoldFolder(root=folds / f"fold_{job.fold}").job.is_file() for job in jobs)


def test_a_fold_that_was_begun_keeps_its_size_where_another_had_to_become_smaller(
    planned: Path, tmp_path: Path
) -> None:
    workspace, folds = copy(planned, tmp_path)
    options = TrainingOptions(assignments=("batch_size=8",))
    begun = [resolve_job(Workspace(root=workspace), fold, options) for fold in ("0", "1")]
    for job in begun:
        job.claim()
    begun[1].step_down("no memory").step_down("still no memory")
    sizes = []
    for fold in ("0", "1", "full"):
        job = resolve_job(Workspace(root=workspace), fold, options)
        job.claim()
        sizes.append((job.configuration.batch_size, job.configuration.training.recomputed))
    assert sizes == [(8, False), (6, True), (6, True)]
    run = read_run(FoldFolder(root=folds / "full"))
    assert run is not None
    assert [step.evidence for step in run.steps] == ["no memory", "still no memory"]
    assert run.own().batch_size == 6


def test_the_configuration_is_the_one_that_is_named_or_the_default_as_it_is_set(planned: Path) -> None:
    plan, _ = read_plan(Workspace(root=planned), "default")
    other = next(one.name for one in plan.configurations if one.name != plan.default_configuration)
    assignments = (f"default_configuration={other}",)
    assert find_name(plan, TrainingOptions()) == plan.default_configuration
    assert find_name(plan, TrainingOptions(assignments=assignments)) == other
    named = TrainingOptions(configuration=plan.default_configuration, assignments=assignments)
    assert find_name(plan, named) == plan.default_configuration


def test_a_run_says_what_the_raw_files_of_its_cases_held_when_the_fold_was_begun(planned: Path, tmp_path: Path) -> None:
    workspace, _ = copy(planned, tmp_path)
    job = resolve_job(Workspace(root=workspace), "0", TrainingOptions())
    job.claim()
    run = read_run(job.folder)
    assert run is not None
    assert (list(run.train_cases), list(run.validation_cases)) == (NAMES[2:], NAMES[:2])
    assert run.summary.case_count == len(NAMES)
    raw = planned.parent / "raw"
    for one in run.contents:
        files = (raw / "imagesTr" / f"{one.case}_0000.nii.gz", raw / "labelsTr" / f"{one.case}.nii.gz")
        assert one.sha256 == tuple(hashlib.sha256(file.read_bytes()).hexdigest() for file in files)
    # Going on needs no fingerprint, and leaves what the fold was begun with.
    job.workspace.fingerprint.unlink()
    resolve_job(Workspace(root=workspace), "0", TrainingOptions(iterations=9)).claim()
    again = read_run(job.folder)
    assert again is not None
    assert (again.contents, again.summary) == (run.contents, run.summary)
    assert again.own().training.iterations == 9


def test_a_finished_fold_is_left_alone_unless_it_is_asked_for_more_or_belongs_to_another_plan(
    planned: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    workspace, _ = copy(planned, tmp_path)
    assert not resolve_job(Workspace(root=workspace), "0", TrainingOptions()).is_finished()
    assert run(monkeypatch, "train", "0", "-w", workspace) == 0
    assert resolve_job(Workspace(root=workspace), "0", TrainingOptions()).is_finished()
    assert not resolve_job(Workspace(root=workspace), "0", TrainingOptions(iterations=40)).is_finished()
    other = resolve_job(Workspace(root=workspace), "0", TrainingOptions(assignments=("training.gradient_clip=0.5",)))
    with pytest.raises(WorkspaceError, match="gradient_clip"):
        other.is_finished()
