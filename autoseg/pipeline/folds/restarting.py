"""Beginning a fold anew, in an order that leaves the old training or the new start, whenever the process is killed."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path

from autoseg.pipeline.folds.job_file import JobFile
from autoseg.workspace.fold import FoldFolder
from dataset_fingerprints.errors import AutosegError, StoppedError
from dataset_fingerprints.files.jsonfiles import read_json, write_json
from planners.run import Run


def restart(folder: FoldFolder, run: Run) -> None:
    """Begin a fold anew; what was trained is removed once the new start is written down.

    Args:
        folder: of the fold, which this process holds.
        run: what it is begun with.
    """
    write_json(folder.restart, run)
    if folder.job.is_file():
        # Slurm starts a job that was stopped again from its file: it is to go on then. A damaged file starts nothing.
        with suppress(AutosegError):
            job = read_json(folder.job, JobFile)
            write_json(folder.job, replace(job, options=replace(job.options, restart=False)))
    finish_restart(folder)


def finish_restart(folder: FoldFolder) -> None:
    """Remove what is left of the training before the new start, if a killed process left any."""
    if not folder.restart.is_file():
        return
    for path in folder.training_files():
        remove(path)
    folder.restart.replace(folder.run)


def remove(path: Path) -> None:
    """Remove a file, a folder with all in it, or a link but not what it points to."""
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


@contextmanager
def naming_restart(*, restart: bool) -> Iterator[None]:
    """Say of a command that was stopped and is to be given again that it is not to begin anew once more.

    Args:
        restart: whether the command was given with --restart.

    Raises:
        StoppedError: the command was stopped.
    """
    try:
        yield
    except StoppedError as error:
        if not restart:
            raise
        raise StoppedError(f"{error} Leave out --restart then.", error.exit_code) from error
