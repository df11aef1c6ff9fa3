"""Folds as jobs of Slurm: the scripts, and with a Slurm at hand the jobs themselves."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import time
from collections.abc import Iterable
from pathlib import Path

import pytest

from autoseg.evaluation import read_evaluation
from autoseg.pipeline.folds import slurm
from autoseg.pipeline.folds.job_file import JobFile
from autoseg.pipeline.folds.jobs import TrainingOptions
from autoseg.pipeline.folds.slurm import BODY, parse_settings, write_script
from autoseg.progress import SilentProgress
from autoseg.training.record import read_record
from autoseg.workspace.fold import ALL, FoldFolder
from autoseg.workspace.workspace import Workspace
from dataset_fingerprints.errors import PlanError
from dataset_fingerprints.files.jsonfiles import read_json
from tests.synthetic.commands import run
from tests.synthetic.scans import write_nnunet_dataset
from tests.synthetic.small_networks import SMALL_NETWORKS, as_options
from tests.synthetic.tiny import Tiny

QUICK = (
    "training.iterations=4",
    "training.validation_rounds=0",
    "training.compiled=false",
    "batch_size=2",
    *SMALL_NETWORKS,
)
has_slurm = shutil.which("sinfo") is not None and not subprocess.run(["sinfo"], capture_output=True).returncode


@pytest.fixture
def planned(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    raw = write_nnunet_dataset(tmp_path / "raw", 5)
    assert run(monkeypatch, "plan_and_preprocess", raw, "-w", tmp_path / "ws", *as_options(*QUICK)) == 0
    return tmp_path / "ws"


def test_a_script_holds_sbatchs_options_and_other_text_is_refused() -> None:
    settings = parse_settings(["time=12:00:00", "--partition=gpu", "gpus=a100:1"])
    script = write_script({"requeue": "", **settings}, "true\n")
    lines = ["#!/bin/bash", "#SBATCH --requeue", "#SBATCH --time=12:00:00", "#SBATCH --partition=gpu"]
    assert script.splitlines() == [*lines, "#SBATCH --gpus=a100:1", "true"]
    with pytest.raises(PlanError, match="--slurm exclusive: expected an option of sbatch with its value"):
        parse_settings(["exclusive"])


def test_no_setting_becomes_a_command_or_another_option() -> None:
    with pytest.raises(PlanError, match="holds a control character"):
        write_script({"job-name": "autoseg\ntouch here"}, "true\n")
    with pytest.raises(PlanError, match="is not the name of an option"):
        parse_settings(["time=1\n#SBATCH --x=y".replace("time", "ti me")])
    assert "#SBATCH --output='/a b/train.log'" in write_script({"output": "/a b/train.log"}, "true\n")


@pytest.mark.parametrize(("number", "again"), [(signal.SIGUSR1, "asked: requeue 71\n"), (signal.SIGTERM, "")])
def test_a_jobs_shell_lets_the_training_save_and_asks_to_be_started_again_if_its_time_is_up(
    tmp_path: Path, number: int, again: str
) -> None:
    program = tmp_path / "program"
    program.write_text(
        "#!/bin/bash\ntrap 'sleep 1; echo saved $1; exit 143' TERM\necho ready\nwhile true; do sleep 0.1; done\n"
    )
    program.chmod(0o755)
    asked = tmp_path / "scontrol"
    asked.write_text('#!/bin/bash\necho "asked: $*"\n')
    asked.chmod(0o755)
    script = BODY.format(command=f'{program} "$SLURM_ARRAY_TASK_ID"')
    environment = {**os.environ, "PATH": f"{tmp_path}:{os.environ['PATH']}"}
    environment |= {"SLURM_ARRAY_TASK_ID": "3", "SLURM_JOB_ID": "71"}
    process = subprocess.Popen(["bash", "-c", script], stdout=subprocess.PIPE, encoding="utf-8", env=environment)
    assert process.stdout is not None
    assert process.stdout.readline() == "ready\n"
    process.send_signal(number)
    rest, _ = process.communicate()
    assert rest == f"saved 3\n{again}"
    assert process.returncode == 143
    for code in (0, 2):
        done = subprocess.run(["bash", "-c", BODY.format(command=f"exit {code}")], capture_output=True, env=environment)
        assert (done.returncode, done.stdout) == (code, b"")


def test_without_slurm_the_command_says_so(
    planned: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    assert run(monkeypatch, "train", "all", "-w", planned, "--cluster", "slurm") == 2
    assert "there is no command `sbatch` here" in " ".join(capsys.readouterr().err.split())


def test_an_array_trains_the_job_files_in_its_folds_folders_and_a_last_job_the_one_beside_them(
    planned: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    place = tmp_path / "a place" / "ws"
    shutil.copytree(planned, place)
    scripts = tmp_path / "scripts"
    sbatch = tmp_path / "bin" / "sbatch"
    sbatch.parent.mkdir()
    sbatch.write_text(f'#!/bin/bash\necho ---- >> "{scripts}"\ncat >> "{scripts}"\necho 12\n')
    sbatch.chmod(0o755)
    monkeypatch.setenv("PATH", f"{sbatch.parent}:{os.environ['PATH']}")
    monkeypatch.setattr(slurm, "COMMAND", ("echo", "train"))
    assert run(monkeypatch, "train", "all", "-w", place, "--cluster", "slurm", "--patience", "7", "--jobs", "3") == 0
    _, array, summary = scripts.read_text(encoding="utf-8").split("----\n")
    assert "#SBATCH --array=0,1,2,3,4\n" in array
    workspace = Workspace(root=place)
    for fold in range(5):
        environment = {**os.environ, "SLURM_ARRAY_TASK_ID": str(fold)}
        done = subprocess.run(["bash", "-c", array], capture_output=True, encoding="utf-8", env=environment, check=True)
        file = workspace.fold("default", "3d_fullres", str(fold)).job
        assert done.stdout == f"train {file}\n"
        expected = JobFile(
            workspace="../../../..",
            fold=str(fold),
            options=TrainingOptions(configuration="3d_fullres", patience=7),
        )
        assert read_json(file, JobFile) == expected
        assert file.with_name("train.log").parent.is_dir(), "Slurm makes no folders"
    done = subprocess.run(["bash", "-c", summary], capture_output=True, encoding="utf-8", check=True)
    file = workspace.cross_validation_job("default", "3d_fullres")
    assert done.stdout == f"train {file}\n"
    assert read_json(file, JobFile).fold == ALL
    log = workspace.cross_validation_log("default", "3d_fullres")
    assert f"#SBATCH --output='{log}'\n" in summary, "what a summary lacks is said somewhere"


def test_what_slurm_has_taken_before_it_refuses_is_named_to_cancel_it(
    planned: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    sbatch, taken = tmp_path / "bin" / "sbatch", tmp_path / "taken"
    sbatch.parent.mkdir()
    refuse = f'if [ -e "{taken}" ]; then echo "too many jobs" >&2; exit 1; fi'
    sbatch.write_text(f'#!/bin/bash\ncat > /dev/null\n{refuse}\ntouch "{taken}"\necho 12\n')
    sbatch.chmod(0o755)
    monkeypatch.setenv("PATH", f"{sbatch.parent}:{os.environ['PATH']}")
    assert run(monkeypatch, "train", "all", "-w", planned, "--cluster", "slurm") == 2
    said, refused = (" ".join(text.split()) for text in capsys.readouterr())
    assert "Slurm job 12: 3d_fullres, folds 0, 1, 2, 3, 4" in said
    assert "sbatch refused their summary: too many jobs" in refused
    assert "(scancel 12)" in refused


def test_what_is_trained_before_starts_from_no_model_and_not_anew(
    finished: Tiny, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(slurm, "find_lacking", lambda *_: {"2d": ("0", "1")})
    options = TrainingOptions(with_previous=True, restart=True, from_model="model.zip", allow_seen=True)
    (before, folds), (chosen, _) = slurm._find_stages(finished.workspace, options, SilentProgress())
    assert (before.configuration, folds) == ("2d", ("0", "1"))
    assert (before.restart, before.from_model, before.allow_seen) == (False, None, False)
    assert (chosen.restart, chosen.from_model, chosen.allow_seen) == (True, "model.zip", True)


def end_early(folds: Path, numbers: Iterable[int]) -> None:
    """Ask folds that have begun to end soon, and wait a little."""
    for number in numbers:
        if (folds / f"fold_{number}" / "checkpoint.safetensors").is_file():
            (folds / f"fold_{number}" / "stop").touch()
    time.sleep(1.0)


@pytest.mark.slow
@pytest.mark.skipif(not has_slurm, reason="needs a Slurm that takes jobs, on this machine's own file system")
def test_slurm_trains_the_folds_and_summarises_them_and_a_requeued_one_goes_on(
    planned: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(monkeypatch, "train", "all", "-w", planned, "--cluster", "slurm", "--iterations", "3000") == 0
    folds = planned / "models" / "default" / "3d_fullres"
    array = capsys.readouterr().out.split("Slurm job ")[1].split(":")[0]
    while not (folds / "fold_0" / "checkpoint.safetensors").is_file():
        time.sleep(0.5)
    time.sleep(3.0)
    log = folds / "fold_0" / "train.log"
    # As Slurm signals a job whose time is up; that it is then requeued, scancel takes for a failure and tries again.
    with subprocess.Popen(["scancel", "--batch", "--signal=USR1", f"{array}_0"]) as signalling:
        while "stopped by SIGTERM" not in log.read_text(encoding="utf-8"):
            time.sleep(0.1)
        signalling.kill()
    while "Going on from step" not in log.read_text(encoding="utf-8"):
        end_early(folds, range(1, 5))
    while not (folds / "cross_validation.json").is_file():
        end_early(folds, range(5))
    assert len(read_evaluation(folds / "cross_validation.json").cases) == 5
    assert all(read_record(FoldFolder(root=folds / f"fold_{number}")).status == "finished" for number in range(5))
