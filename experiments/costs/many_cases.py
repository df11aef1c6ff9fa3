"""Growth of every command's cost with the number of cases, each run as one would type it."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from dataset_fingerprints.layouts import read_dataset
from dataset_fingerprints.reading.images import read_label_map, write_label_map
from experiments.costs.scaling import write_cases
from experiments.peers.measuring import Cost, measure_command
from experiments.work_folders import refuse_used

COLUMNS = ("command", "cases", "wall s", "CPU s", "CPU ms per case", "largest process, MiB")
STEPS = 20  # of a training, which is there so that its cases are predicted and scored


@dataclass(frozen=True, kw_only=True, slots=True)
class Growth:
    """Cost of one command for so many cases.

    Attributes:
        command: its first word.
        cases: that it looks at.
    """

    command: str
    cases: int
    cost: Cost

    def row(self) -> tuple[str, ...]:
        """Return the figures as texts."""
        return (
            self.command,
            f"{self.cases:,}",
            f"{self.cost.wall_seconds:.1f}",
            f"{self.cost.cpu_seconds:.1f}",
            f"{1000 * self.cost.cpu_seconds / self.cases:.2f}",
            f"{1024 * self.cost.largest_process_gb:.0f}",
        )


def measure_growth(counts: Sequence[int], work: Path) -> Iterator[Growth]:
    """Yield the cost of each command for data sets of so many cases, each command in a process of its own.

    Args:
        counts: numbers of cases, ascending: a larger data set goes on from a smaller one.
        work: an empty or new folder.

    Raises:
        AutosegError: the folder holds something, or a command failed; the message names its log.
    """
    refuse_used(work)
    raw, masks, written = work / "raw", work / "masks", 0
    for count in counts:
        write_cases(raw, range(written, count))
        _write_masks(raw, masks)
        written = count
        for name, words in _list_commands(raw, masks, work / f"workspace-{count}"):
            cost = measure_command((sys.executable, "-m", "autoseg", *words), work / f"{name}-{count}.log")
            yield Growth(command=name, cases=count, cost=cost)


def _list_commands(raw: Path, masks: Path, workspace: Path) -> Iterator[tuple[str, tuple[str, ...]]]:
    place = ("-w", str(workspace))
    yield "check", ("check", str(raw))
    yield "plan_and_preprocess", ("plan_and_preprocess", str(raw), *place, "--max-minutes", "1")
    yield "train", ("train", "0", *place, "--iterations", str(STEPS))
    yield "evaluate", ("evaluate", str(masks), str(raw / "labelsTr"), "-o", str(workspace / "scores.json"))
    yield "report", ("report", *place)


def _write_masks(raw: Path, masks: Path) -> None:
    """Write masks to score: those of the data set, moved by a voxel."""
    for case in read_dataset(raw).cases:
        path = masks / case.label_path().name
        if not path.exists():
            labels = read_label_map(case.label_path())
            write_label_map(path, np.roll(labels.voxels[0], 1, axis=0), labels.grid())


def draw_growth(points: Sequence[Growth], path: Path) -> None:
    """Write a picture: CPU seconds and memory over the number of cases, a line per command."""
    figure = Figure(figsize=(9.0, 4.0), layout="constrained")
    FigureCanvasAgg(figure)
    left, right = figure.subplots(1, 2)
    for command in dict.fromkeys(point.command for point in points):
        mine = [point for point in points if point.command == command]
        cases = [point.cases for point in mine]
        left.plot(cases, [point.cost.cpu_seconds for point in mine], marker="o", label=command)
        right.plot(cases, [1024 * point.cost.largest_process_gb for point in mine], marker="o", label=command)
    for axes, title in ((left, "CPU seconds"), (right, "largest process, MiB")):
        axes.set(title=title, xlabel="cases", xlim=(0, None), ylim=(0, None))
        axes.spines[["top", "right"]].set_visible(False)
    left.legend(frameon=False)
    figure.savefig(path, dpi=120)
