"""The files of one trained fold."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from dataset_fingerprints.names import check_case_name, check_fold_name

# The model of all cases, in place of a fold's number.
FULL = "full"
# In place of a fold: all folds and their summary.
ALL = "all"
# A training as it is handed to another process.
JOB = "job.json"
# What a training in another process printed.
LOG = "train.log"
# The figures of an evaluation.
METRICS = "metrics.json"
# For people: a row per case, and a picture of some of them.
TABLE, SHEET = "cases.csv", "contact_sheet.png"
_CASES, _PROBABILITIES = "cases", "probabilities"
_PREFIX = "fold_"
_NUMBERED = re.compile(rf"{_PREFIX}(0|[1-9][0-9]*)")
_SNAPSHOT = re.compile(r"weights-(\d+)\.safetensors")


@dataclass(frozen=True, kw_only=True, slots=True)
class ValidationFolder:
    """The masks, probabilities and metrics of the cases that a fold did not train on."""

    root: Path

    @property
    def metrics(self) -> Path:
        """The figures of all cases, written when the last one is done."""
        return self.root / METRICS

    def mask(self, case: str) -> Path:
        """Return the path of a case's mask, on its scan's own grid."""
        return self._of(case, self.root, ".nii.gz")

    def case_record(self, case: str) -> Path:
        """Return the path of a case's record, which is written after its mask and its probabilities."""
        return self._of(case, self.root / _CASES, ".json")

    def probabilities(self, case: str) -> Path:
        """Return the path of a case's out-of-fold probabilities."""
        return self._of(case, self.root / _PROBABILITIES, ".b2nd")

    def folders(self) -> tuple[Path, ...]:
        """Return the folders that hold its files, whether they are there or not."""
        return (self.root, self.root / _CASES, self.root / _PROBABILITIES)

    def _of(self, case: str, folder: Path, suffix: str) -> Path:
        check_case_name(case)
        return folder / f"{case}{suffix}"


@dataclass(frozen=True, kw_only=True, slots=True)
class FoldFolder:
    """The folder of one fold of a configuration, or of its model of all cases."""

    root: Path

    @property
    def run(self) -> Path:
        """Path of the settings that the fold was begun with."""
        return self.root / "run.json"

    @property
    def restart(self) -> Path:
        """Path of the settings that the fold is being begun anew with, there until everything before it is removed."""
        return self.root / "restart.json"

    @property
    def start(self) -> Path:
        """The weights of a model that the training starts from, until it is trained."""
        return self.root / "start.safetensors"

    @property
    def record(self) -> Path:
        """Path of the training's record: how far it is, what it took."""
        return self.root / "record.json"

    @property
    def job(self) -> Path:
        """The training as it was handed to another process."""
        return self.root / JOB

    @property
    def checkpoint(self) -> Path:
        """The state that a training goes on from."""
        return self.root / "checkpoint.safetensors"

    @property
    def weights(self) -> Path:
        """The final weights, which prediction uses."""
        return self.root / "weights.safetensors"

    @property
    def curve(self) -> Path:
        """The figures reported during the training, a line each."""
        return self.root / "metrics.jsonl"

    @property
    def picture(self) -> Path:
        """The curves as a picture."""
        return self.root / "progress.png"

    @property
    def table(self) -> Path:
        """The scores and volumes of the cases that the fold did not train on, for a spreadsheet."""
        return self.root / TABLE

    @property
    def sheet(self) -> Path:
        """The picture of some of these cases, with reference and prediction."""
        return self.root / SHEET

    @property
    def tensorboard(self) -> Path:
        """The folder of TensorBoard's files."""
        return self.root / "tensorboard"

    @property
    def log(self) -> Path:
        """Path of the training's printed output, where another process started it."""
        return self.root / LOG

    @property
    def stop(self) -> Path:
        """The file by which a person ends the training early."""
        return self.root / "stop"

    @property
    def validation(self) -> ValidationFolder:
        """Masks, probabilities and metrics of the cases that the fold did not train on."""
        return ValidationFolder(root=self.root / "validation")

    @property
    def pseudo_labels(self) -> ValidationFolder:
        """Masks of scans without labels that the fold is trained on; no metrics and no probabilities."""
        return ValidationFolder(root=self.root / "pseudo_labels")

    def snapshot(self, number: int) -> Path:
        """Return the path of the weights after one of several cycles of a training, counted from 1."""
        return self.root / f"weights-{number}.safetensors"

    def weight_files(self) -> tuple[Path, ...]:
        """Return the files of weights that are there: the final ones, then snapshots by their number."""
        single = (self.weights,) if self.weights.is_file() else ()
        return (*single, *(path for _, path in self._find_snapshots()))

    def snapshots(self) -> tuple[int, ...]:
        """Return the numbers of the snapshots that are there, in ascending order."""
        return tuple(number for number, _ in self._find_snapshots())

    def _find_snapshots(self) -> list[tuple[int, Path]]:
        found = [(path, _SNAPSHOT.fullmatch(path.name)) for path in self.root.glob("weights-*")]
        return sorted((int(match.group(1)), path) for path, match in found if match)

    def training_files(self) -> tuple[Path, ...]:
        """Return what is of a training, files and folders that are there or not, without what it was begun with."""
        results = (self.record, self.validation.root, *self.weight_files(), self.checkpoint, self.pseudo_labels.root)
        return (*results, *self.reports(), self.curve, self.picture, self.tensorboard, self.stop)

    def reports(self) -> tuple[Path, ...]:
        """Return what is made of the validation for people, there or not."""
        return (self.table, self.sheet)

    def name(self) -> str:
        """Return the fold as commands name it: its number, or `full`."""
        return self.root.name.removeprefix(_PREFIX)

    def title(self) -> str:
        """Return configuration and fold for a person, such as `2d, fold 0`."""
        return f"{self.root.parent.name}, {self.root.name.replace('_', ' ')}"

    def folders(self) -> tuple[Path, ...]:
        """Return the folders that the fold's files are written into, whether they are there or not."""
        masks, records, _ = self.pseudo_labels.folders()  # of which no probabilities are kept
        return (self.root, *self.validation.folders(), masks, records)

    def appended(self) -> tuple[Path, ...]:
        """Return the files that grow, and the folder of those that another package writes."""
        return (self.curve, self.log, self.tensorboard)


def find_validation(folder: Path) -> ValidationFolder | None:
    """Return the validation whose folder, or whose probabilities' folder, this is; None where it holds none."""
    inside = folder.parent if folder.name == _PROBABILITIES else folder
    return ValidationFolder(root=inside) if any((inside / _PROBABILITIES).glob("*.b2nd")) else None


def fold_folder(configuration: Path, fold: str) -> FoldFolder:
    """Return the folder of a fold.

    Args:
        configuration: the folder of the configuration's folds.
        fold: a number, or `full` for the model of all cases.
    """
    check_fold_name(fold)
    return FoldFolder(root=configuration / (fold if fold == FULL else f"{_PREFIX}{fold}"))


def fold_standing_for(configuration: Path, text: str) -> FoldFolder:
    """Return the folder of a fold whose number another program will put in the place of a text."""
    return FoldFolder(root=configuration / f"{_PREFIX}{text}")


def is_fold(name: str) -> bool:
    """Return whether a text names a fold: `full`, or a number as it is written, without signs or zeros in front."""
    return name == FULL or _NUMBERED.fullmatch(f"{_PREFIX}{name}") is not None


def list_folds(configuration: Path) -> tuple[FoldFolder, ...]:
    """Return the folders of a configuration's folds that are there: by number, then that of the model of all cases."""
    found = [(path, _NUMBERED.fullmatch(path.name)) for path in configuration.glob(f"{_PREFIX}*")]
    numbered = sorted((int(match.group(1)), path) for path, match in found if match)
    full = fold_folder(configuration, FULL)
    return (*(FoldFolder(root=path) for _, path in numbered), *((full,) if full.root.is_dir() else ()))


def find_folds(folder: Path) -> tuple[FoldFolder, ...]:
    """Return the folders of folds at any depth, by their paths."""
    return tuple(FoldFolder(root=path) for path in sorted(folder.glob(f"**/{_PREFIX}*")))
