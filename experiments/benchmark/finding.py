"""From what a person names to a benchmark: the results, their release, and whether they are simulated."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from autoseg.workspace.workspace import Workspace, find_workspace
from dataset_fingerprints.errors import AutosegError, DataError
from dataset_fingerprints.layouts import Marks
from experiments.benchmark.benchmark import Benchmark, make_benchmark
from experiments.benchmark.comparing import MNI, NATIVE, RELEASES, SPACES
from experiments.benchmark.ours import read_dataset, read_files, read_workspace
from experiments.benchmark.writing import place_files

# Of the files that a benchmark is written to.
STEM = "benchmark"


@dataclass(frozen=True, kw_only=True, slots=True)
class Sought:
    """What is compared; empty texts are found out.

    Attributes:
        plan: of the workspace; None for `default`, or for the only one that there is.
        release: of ATLAS.
        set: how the scored scans were chosen.
        space: of the scored masks.
        label: that is compared.
    """

    plan: str | None = None
    release: str = ""
    set: str = ""
    space: str = ""
    label: str = ""


UNSOUGHT = Sought()


def choose_stem(results: Sequence[Path], workspace: Path | None, out: Path | None) -> Path:
    """Return the name of the files, without ending: the given one; else in the workspace, where `report` looks for it.

    Raises:
        AutosegError: there is no workspace, or the files may not be written.
    """
    if out is None:
        out = Path(STEM) if results and workspace is None else find_workspace(workspace).benchmark.with_suffix("")
    place_files(out)
    return out


def find_benchmark(results: Sequence[Path], workspace: Path | None = None, sought: Sought = UNSOUGHT) -> Benchmark:
    """Read results and put them beside the published ones.

    Args:
        results: files that `autoseg evaluate` wrote; none for the cross-validations of the workspace.
        workspace: that they are of; None for the current directory's where there are no files.
        sought: what is compared.

    Raises:
        AutosegError: something is missing, or cannot be meant.
    """
    _refuse_words(sought)
    known = None if results and workspace is None else find_workspace(workspace)
    remarks: tuple[str, ...] = ()
    if results or known is None:
        ours = read_files(results, sought.set, sought.label)
    else:
        ours, remarks = read_workspace(known, sought.plan, sought.set, sought.label)
    marks = _find_marks(known)
    release = sought.release or marks.release
    # Another release than that of the data set is in a space of its own.
    space = sought.space or (marks.space if release == marks.release else "") or SPACES.get(release, "")
    return make_benchmark(ours, release, space, remarks, marks.simulated)


def _find_marks(workspace: Workspace | None) -> Marks:
    """Return what a workspace's data set says of itself."""
    if workspace is None:
        return Marks()
    try:
        dataset = read_dataset(workspace)
    except AutosegError:
        return Marks()
    return Marks(simulated=dataset.simulated, release=dataset.release, space=dataset.space)


def _refuse_words(sought: Sought) -> None:
    for name, value, known in (("release", sought.release, RELEASES), ("space", sought.space, (MNI, NATIVE))):
        if value and value not in known:
            raise DataError(f"--{name} is '{value}'. Expected one of {', '.join(known)}, or nothing.")
