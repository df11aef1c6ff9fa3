"""Record of a fold's training, and of the memory that its cases were kept in."""

from __future__ import annotations

from dataclasses import dataclass
from operator import not_
from typing import Annotated, Literal

from pydantic import Field

from autoseg.workspace.fold import FoldFolder
from dataset_fingerprints.files.jsonfiles import read_json
from dataset_fingerprints.names import check_case_names, check_fold_name, check_folder_name
from planners.plan import Prediction

REMEDY = (
    "Weights that are beside it still predict. To train on, put a copy of the file back, or delete it and give the "
    "same command again, with the same minutes if any: it goes on from the checkpoint."
)
Status = Literal["training", "trained", "finished"]


@dataclass(frozen=True, kw_only=True, slots=True)
class CaseResidency:
    """Memory that held the training cases at a fold's latest start: what they need and what was free, in GiB.

    Attributes:
        needed_gb: memory for all cases.
        device_free_gb: memory of a GPU that was free for cases.
        memory_free_gb: the same of this machine's memory.
    """

    on_device: int
    in_memory: int
    on_disk: int
    needed_gb: float
    device_free_gb: float
    memory_free_gb: float

    def cases(self) -> int:
        """Return the number of cases."""
        return self.on_device + self.in_memory + self.on_disk


@dataclass(frozen=True, kw_only=True, slots=True)
class PseudoLabelled:
    """Scans without labels that a fold is trained on.

    Attributes:
        weights: a hash of those that made the masks.
        cases: the scans that are used.
        left_out: those whose masks the network was too unsure of.
    """

    weights: str
    cases: tuple[str, ...]
    left_out: tuple[str, ...] = ()


def _is_none(value: object) -> bool:
    return value is None


@dataclass(frozen=True, kw_only=True, slots=True)
class TrainingRecord:
    """Record of a fold's training: enough to repeat it and to know what a figure cost.

    Attributes:
        status: training, trained (weights are final), finished (validated as well).
        seconds: of training, over all resumes, without the final validation.
        max_minutes: the time budget, or null for the plan's number of iterations.
        planned_iterations: the plan's, whatever was done.
        patience: rounds of validation without a new best after which the training ends; 0 for none.
        residency: of the training cases; null until they are loaded.
        pseudo_labelled: scans without labels that it was trained on as well. Not written where there are none.
        initial_weights: a hash of the weights of another configuration that it started from. Not written where there
            are none, or where it was begun before this was kept.
        final_prediction: how the fold's validation cases are predicted once it is trained; null for the plan's way.
        snapshots: number of those that the training left. Not written where other weights are kept, or where it ended
            before this was recorded.
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
    residency: CaseResidency | None = None
    pseudo_labelled: Annotated[PseudoLabelled | None, Field(exclude_if=_is_none)] = None
    initial_weights: Annotated[str, Field(exclude_if=not_)] = ""
    final_prediction: Prediction | None = None
    snapshots: Annotated[int, Field(exclude_if=not_)] = 0
    device: str
    autocast: str
    versions: tuple[tuple[str, str], ...]
    schema_version: int = 1

    def __post_init__(self) -> None:
        check_fold_name(self.fold)
        check_folder_name(self.configuration, "a configuration")
        check_case_names(self.train_cases, self.validation_cases)

    def describe_steps(self, planned: int) -> str:
        """Return the steps that were made, and the planned number where that is another one."""
        made = f"{self.iterations:,} {'step' if self.iterations == 1 else 'steps'}"
        return made if self.iterations == planned else f"{made} (planned: {planned:,})"


def read_record(folder: FoldFolder) -> TrainingRecord | None:
    """Return a fold's record, or None for a fold that was never begun.

    Raises:
        FileFormatError: the file is damaged.
    """
    return read_json(folder.record, TrainingRecord, REMEDY) if folder.record.is_file() else None
