"""A fold's folder: what it was begun with, how far it is, what it leaves."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

from autoseg.training.curve import Curve
from dataset_fingerprints.errors import WorkspaceError
from dataset_fingerprints.files.jsonfiles import read_json, write_json
from planners.plan import Plan

Status = Literal["training", "trained", "finished"]
# What may differ between the plan that a fold was begun with and today's without changing a result.
_IRRELEVANT = frozenset(
    {
        "decisions",
        "machine",
        "memory_gb",
        "default_configuration",
        "name",
        "dataset",
        "rules",
        "max_hours",
        "postprocessing",
        "folds",
        "steps",
    }
)


@dataclass(frozen=True, kw_only=True, slots=True)
class CaseHomes:
    """Where the training cases of a run's latest start were, and why: what they need and what was free, in GiB."""

    on_device: int
    in_memory: int
    on_disk: int
    needed_gb: float
    device_room_gb: float
    memory_room_gb: float

    def cases(self) -> int:
        """Return how many there are."""
        return self.on_device + self.in_memory + self.on_disk


@dataclass(frozen=True, kw_only=True, slots=True)
class RunRecord:
    """What happened in a fold: enough to repeat it and to know what a figure cost.

    Attributes:
        status: training, trained (weights are final), finished (validated as well).
        seconds: of training, over all resumes, without the final validation.
        max_minutes: the time budget, or null for the plan's number of iterations.
        planned_iterations: what the plan says, whatever was done.
        patience: rounds of validation without a new best after which the training ends; 0 for none.
        homes: of the training cases; null until they are loaded.
    """

    status: Status
    fold: str
    configuration: str
    train_cases: tuple[str, ...]
    validation_cases: tuple[str, ...]
    iterations: int
    seconds: float
    max_minutes: float | None
    planned_iterations: int = 0
    patience: int = 0
    homes: CaseHomes | None = None
    device: str
    autocast: str
    versions: tuple[tuple[str, str], ...]
    schema_version: int = 1


@dataclass(frozen=True, kw_only=True, slots=True)
class FoldFolder:
    """The files of one fold."""

    root: Path

    @property
    def plan(self) -> Path:
        """The plan that the fold was begun with, narrowed to its configuration."""
        return self.root / "plan.json"

    @property
    def checkpoint(self) -> Path:
        """The state to resume from."""
        return self.root / "checkpoint.safetensors"

    @property
    def weights(self) -> Path:
        """The final weights: the average's, which prediction uses."""
        return self.root / "weights.safetensors"

    @property
    def run(self) -> Path:
        """The run's record."""
        return self.root / "run.json"

    @property
    def log(self) -> Path:
        """What the training printed, where another process started it."""
        return self.root / "train.log"

    @property
    def validation(self) -> Path:
        """Masks, probabilities and metrics of the cases that the fold did not train on."""
        return self.root / "validation"

    @property
    def curve(self) -> Curve:
        """The figures reported on the way."""
        return Curve(path=self.root / "metrics.jsonl")

    def read_run(self) -> RunRecord | None:
        """Return the run's record, or None for a fold that was never begun."""
        return read_json(self.run, RunRecord) if self.run.is_file() else None

    def claim(self, plan: Plan) -> None:
        """Write the plan into a new folder, or make sure that it is the one that the fold was begun with.

        More iterations than it was begun with only extend it: the plan with the larger number takes the place.

        Raises:
            WorkspaceError: the fold was begun with another plan; the message names the first difference.
        """
        self.refuse_other(plan)
        write_json(self.plan, plan)

    def refuse_other(self, plan: Plan) -> None:
        """Make sure that the fold was not begun with another plan, or only with fewer iterations.

        Raises:
            WorkspaceError: it was; the message names the first difference.
        """
        if not self.plan.is_file():
            return
        begun = read_json(self.plan, Plan)
        for field, before, now in _differences(_relevant(begun), _relevant(plan)):
            if field.endswith(".training.iterations") and now > before:
                continue
            raise WorkspaceError(
                f"{self.root}: was begun with {field} = {before!r}, now it is {now!r}. "
                "Give the same plan and --set values to go on, delete the folder to start over, "
                "or name another plan with --plan."
            )


def _relevant(plan: Plan) -> dict[str, Any]:
    return {key: value for key, value in asdict(plan).items() if key not in _IRRELEVANT}


def _differences(before: Any, now: Any, where: str = "") -> Iterator[tuple[str, Any, Any]]:
    if isinstance(before, dict) and isinstance(now, dict):
        for key in sorted({*before, *now}):
            yield from _differences(before.get(key), now.get(key), f"{where}.{key}" if where else key)
    elif isinstance(before, tuple) and isinstance(now, tuple) and len(before) == len(now):
        for index, (first, second) in enumerate(zip(before, now, strict=True)):
            yield from _differences(first, second, f"{where}[{index}]")
    elif before != now:
        yield where, before, now
