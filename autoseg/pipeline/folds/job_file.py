"""A training as it is handed to another process or to Slurm: a JSON file, `autoseg train --job FILE`."""

from __future__ import annotations

import os
import sys
from dataclasses import dataclass, replace
from pathlib import Path

from autoseg.pipeline.folds.jobs import TrainingOptions
from autoseg.workspace.fold import ALL
from autoseg.workspace.workspace import Workspace, find_workspace
from dataset_fingerprints.errors import WorkspaceError
from dataset_fingerprints.files.jsonfiles import read_json, write_json
from dataset_fingerprints.files.places import resolve
from dataset_fingerprints.names import check_fold_name, check_folder_name

# Trains what the file says whose path follows.
COMMAND = (sys.executable, "-m", "autoseg", "train", "--job")


@dataclass(frozen=True, kw_only=True, slots=True)
class JobFile:
    """A fold to train and everything that a person said about it.

    Attributes:
        workspace: the path that leads to it from the file's folder, so that a moved workspace's jobs stay right.
        fold: a number, `full` for the model of all cases, or `all` for every fold and their summary.
    """

    workspace: str
    fold: str
    options: TrainingOptions
    schema_version: int = 1

    def __post_init__(self) -> None:
        if self.fold != ALL:
            check_fold_name(self.fold)
        check_folder_name(self.options.plan_name, "a plan")
        check_folder_name(self.options.configuration or ALL, "a configuration")


def write_job(workspace: Workspace, configuration: str, fold: str, options: TrainingOptions) -> Path:
    """Write a training down in the folder that it trains into, and return the file's path.

    Args:
        workspace: with the plan.
        configuration: what is trained, whatever the options say.
        fold: a number, `full`, or `all`.
        options: everything else.
    """
    if fold == ALL:
        path = workspace.cross_validation_job(options.plan_name, configuration)
    else:
        folder = workspace.fold(options.plan_name, configuration, fold)
        workspace.refuse_links_of_training(folder)
        path = folder.job
    named = replace(options, configuration=configuration)
    if options.from_model is not None:
        named = replace(named, from_model=os.path.relpath(options.from_model, path.parent))
    write_json(path, JobFile(workspace=os.path.relpath(workspace.root, path.parent), fold=fold, options=named))
    return path


def read_job(path: Path) -> tuple[Workspace, JobFile]:
    """Return a training that was written down, and the workspace that it trains in.

    Raises:
        FileFormatError: the file is missing, or is not a job's.
        WorkspaceError: there is no workspace where the file says.
    """
    job = read_json(path, JobFile, "Give `autoseg train all` again, which writes it anew.")
    # By its name: a folder on the way may be a link to another disk.
    root = os.path.normpath(path.absolute().parent / job.workspace)
    try:
        workspace = find_workspace(Path(root))
    except WorkspaceError as error:
        raise WorkspaceError(
            f"{path}: belongs to the workspace {root}, which is not there. A job's file works where it was written, "
            "in its fold's folder: put it back, or give `autoseg train FOLD -w WORKSPACE`."
        ) from error
    if not resolve(path).is_relative_to(resolve(workspace.root)):
        raise WorkspaceError(
            f"{path}: names the workspace {root}, in which it does not lie. Give `autoseg train FOLD -w WORKSPACE`."
        )
    if job.options.from_model is not None:
        model = os.path.normpath(path.absolute().parent / job.options.from_model)
        job = replace(job, options=replace(job.options, from_model=model))
    return workspace, job
