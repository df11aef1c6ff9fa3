"""`train all --cluster slurm`: the folds as an array of jobs that go on by themselves after they were stopped."""

from __future__ import annotations

import re
import shlex
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from autoseg.pipeline.folds.cross_validation import find_name, leave_to_fold, leave_to_previous, unfinished_jobs
from autoseg.pipeline.folds.job_file import COMMAND, write_job
from autoseg.pipeline.folds.jobs import TrainingOptions
from autoseg.pipeline.folds.needs import find_lacking
from autoseg.pipeline.folds.runs import name_folds, refuse_undivided
from autoseg.pipeline.plans.reading import read_plan
from autoseg.progress import Progress
from autoseg.workspace.fold import ALL, fold_standing_for
from autoseg.workspace.workspace import Workspace
from dataset_fingerprints.errors import AutosegError, PlanError
from dataset_fingerprints.files.places import resolve

# Seconds before the end of its time at which a job is asked to save.
WARNING_SECONDS = 120
# The fold of an array's task, as the shell reads it, and what stands for it until then.
TASK, STANDING_FOR_IT = '"$SLURM_ARRAY_TASK_ID"', "@TASK@"
# The shell lets the training save, waits for it, and asks to be started again after SIGUSR1, when the job's time is up.
# SIGTERM comes with scancel, after which nothing may start again, and when Slurm preempts a job, which it starts again.
BODY = """\
child= early= again=
stop() {{ if [ -n "$child" ]; then kill -TERM "$child"; else early=yes; fi; }}
trap stop TERM
trap 'again=yes; stop' USR1
{command} &
child=$!
[ -z "$early" ] || kill -TERM "$child"
wait "$child"
code=$?
while kill -0 "$child" 2>/dev/null; do
    wait "$child"
    code=$?
done
if [ "$code" -eq 143 ] && [ -n "$again" ]; then
    scontrol requeue "$SLURM_JOB_ID"
fi
exit "$code"
"""


@dataclass(frozen=True, kw_only=True, slots=True)
class Submitted:
    """A job that Slurm has taken, or an array of them."""

    number: str
    what: str


def submit_all(
    workspace: Workspace, options: TrainingOptions, settings: Sequence[str], progress: Progress
) -> tuple[Submitted, ...]:
    """Submit every fold that is not finished, and a last job that summarises them; return at once.

    Args:
        workspace: on a file system that the jobs see too.
        options: as for `train_all`.
        settings: of sbatch, as `time=12:00:00`.
        progress: receiver of progress reports.

    Raises:
        AutosegError: there is no Slurm here, or it refuses.
    """
    if shutil.which("sbatch") is None:
        raise AutosegError(
            "--cluster slurm: there is no command `sbatch` here. Give the command where jobs are submitted, or leave "
            "--cluster out: the folds are trained on this machine."
        )
    options.check()
    if options.folds_at_once is not None:
        progress.say("--jobs is for folds on this machine: Slurm starts as many at once as it has room for.")
    plan, _ = read_plan(workspace, options.plan_name)
    # The jobs may start in another directory.
    absolute = Workspace(root=resolve(workspace.root))
    given = ({"gpus": "1"} if plan.machine.device == "cuda" else {}) | parse_settings(settings)
    submitted: list[Submitted] = []
    for stage, folds in _find_stages(absolute, options, progress):
        own = given | _array(absolute, stage, folds) | _after(submitted)
        body = BODY.format(command=_write_jobs(absolute, stage, folds))
        what = f"{stage.configuration}, folds {', '.join(folds)}"
        submitted.append(_submit(write_script(own, body), what, submitted, progress))
    name = find_name(plan, options)
    log = str(absolute.cross_validation_log(plan.name, name)).replace("%", "%%")
    last = {"job-name": f"autoseg-{plan.name}-summary", "open-mode": "append", "output": log} | _after(submitted)
    summary = write_job(absolute, name, ALL, replace(options, with_previous=False, restart=False))
    script = write_script(given | last, f"{shlex.join((*COMMAND, str(summary)))}\n")
    submitted.append(_submit(script, "their summary", submitted, progress))
    return tuple(submitted)


def _find_stages(
    workspace: Workspace, options: TrainingOptions, progress: Progress
) -> tuple[tuple[TrainingOptions, tuple[str, ...]], ...]:
    """Return what is to be trained before what: options that name the configuration, and its folds."""
    plan, splits = read_plan(workspace, options.plan_name)
    name = find_name(plan, options)
    refuse_undivided(workspace, splits)
    folds = name_folds(splits)
    chosen = replace(options, configuration=name)
    lacking = find_lacking(workspace, plan, splits, name, folds) if options.with_previous else {}
    before = tuple((leave_to_previous(options, other), missing) for other, missing in lacking.items())
    if before:
        # What the later stages lack is looked at when their jobs start.
        return *before, (chosen, folds)
    unfinished = tuple(job.fold for job in unfinished_jobs(workspace, folds, chosen, progress))
    return ((chosen, unfinished),) if unfinished else ()


def parse_settings(settings: Sequence[str]) -> dict[str, str]:
    """Return sbatch's options by name.

    Raises:
        PlanError: one is not of the form name=value.
    """
    pairs = [text.removeprefix("--").partition("=") for text in settings]
    for name, between, _ in pairs:
        if not (name and between):
            raise PlanError(f"--slurm {name}: expected an option of sbatch with its value, such as time=12:00:00.")
    settings_by_name = {name: value for name, _, value in pairs}
    wrong = [name for name in settings_by_name if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9-]*", name)]
    if wrong:
        raise PlanError(f"--slurm {wrong[0]!a}: is not the name of an option. Expected one as time=12:00:00.")
    return settings_by_name


def write_script(settings: Mapping[str, str], body: str) -> str:
    """Return a batch script.

    Raises:
        PlanError: a setting holds the end of a line, behind which the shell would take it for a command.
    """
    for name, value in settings.items():
        if not f"{name}{value}".isprintable():
            raise PlanError(f"--{name} for sbatch holds a control character ({f'{name}={value}'!a}). Take it out.")
    lines = [f"#SBATCH --{name}{f'={_quote(value)}' if value else ''}" for name, value in settings.items()]
    return "\n".join(("#!/bin/bash", *lines, body))


def _quote(value: str) -> str:
    """Return a value as sbatch reads it: in quotes where it holds blanks or quotes, as it is otherwise."""
    return shlex.quote(value) if any(character in value for character in " \"'\\#") else value


def _write_jobs(workspace: Workspace, options: TrainingOptions, folds: Sequence[str]) -> str:
    """Write the job file of every fold, and return the command that trains that of an array's task."""
    name = options.configuration or ""
    for fold in folds:
        write_job(workspace, name, fold, leave_to_fold(options))
    path = str(fold_standing_for(workspace.configuration(options.plan_name, name), STANDING_FOR_IT).job)
    return f"{shlex.join(COMMAND)} {TASK.join(shlex.quote(text) for text in path.split(STANDING_FOR_IT))}"


def _array(workspace: Workspace, options: TrainingOptions, folds: Sequence[str]) -> dict[str, str]:
    name = options.configuration or ""
    return {
        "job-name": f"autoseg-{options.plan_name}-{name}",
        "array": ",".join(folds),
        "requeue": "",
        "signal": f"B:USR1@{WARNING_SECONDS}",
        "open-mode": "append",
        "output": _as_pattern(workspace.configuration(options.plan_name, name)),
    }


def _as_pattern(configuration: Path) -> str:
    """Return the logs of an array's tasks as Slurm fills them in: %a is a task's fold, any other % stays as it is."""
    return str(fold_standing_for(Path(str(configuration).replace("%", "%%")), "%a").log)


def _after(submitted: Sequence[Submitted]) -> dict[str, str]:
    if not submitted:
        return {}
    return {"dependency": f"afterok:{submitted[-1].number}", "kill-on-invalid-dep": "yes"}


def _submit(script: str, what: str, before: Sequence[Submitted], progress: Progress) -> Submitted:
    """Give a script to Slurm, which keeps it: no file of it is left. Say its number at once.

    Args:
        script: of the job.
        what: it does.
        before: what Slurm has taken of the same command.
        progress: receiver of the message.

    Raises:
        AutosegError: Slurm refuses it.
    """
    done = subprocess.run(
        ("sbatch", "--parsable"), input=script, capture_output=True, encoding="utf-8", cwd=Path.cwd(), check=False
    )
    if done.returncode:
        taken = " ".join(job.number for job in before)
        cancel = f" Cancel first what it has taken (scancel {taken}): the command submits all again." if taken else ""
        raise AutosegError(
            f"sbatch refused {what}: {done.stderr.strip()} Give what this cluster asks for, for example "
            f"--slurm partition=gpu --slurm time=12:00:00.{cancel}"
        )
    submitted = Submitted(number=done.stdout.strip().partition(";")[0], what=what)
    progress.say(f"Slurm job {submitted.number}: {submitted.what}")
    return submitted
