"""The record of a prediction: a file for programs that says what was predicted by what, and what came of each scan."""

from __future__ import annotations

import platform
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from operator import not_
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field

from autoseg.models import ModelSet
from autoseg.models.bundle import own_version
from autoseg.pipeline.predictions.places import RECORD, record_of_mask, report_folder
from autoseg.pipeline.predictions.settings import MadeBy, RecordedSettings
from autoseg.pipeline.scans.scan_warnings import ScanWarning
from autoseg.pipeline.scores.showing import Amount
from dataset_fingerprints.dataset import Label
from dataset_fingerprints.errors import AutosegError
from dataset_fingerprints.files.jsonfiles import read_json, write_json
from dataset_fingerprints.installed import find_version

SCHEMA_VERSION = 1
_PACKAGES = ("torch", "numpy", "scipy", "nibabel", "SimpleITK")
# Kinds of warnings about a mask that stays though this run would make another one, or perhaps would.
OTHER_MODEL, UNKNOWN_MODEL = "other-model", "unknown-model"
Result = Literal["predicted", "kept", "failed"]


@dataclass(frozen=True, kw_only=True, slots=True)
class Quantity:
    """How much of a label or region a mask holds.

    Attributes:
        name: of the label or region.
        lesions: number of its components, voxels that touch at a corner being one.
        volume_mm3: in all.
        lesion_volumes_mm3: of the largest components (`showing.MOST_VOLUMES`), the largest first.
    """

    name: str
    lesions: int
    volume_mm3: float
    lesion_volumes_mm3: tuple[float, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class PredictedDice:
    """The Dice that a mask is expected to have.

    Attributes:
        value: 0 to 1, the mean over labels or regions.
        low: end of the interval that holds nine in ten true Dice, as `high`.
        error: mean absolute difference from the true Dice, as it was on scans that the model had not seen.
    """

    value: float
    low: float
    high: float
    error: float


@dataclass(frozen=True, kw_only=True, slots=True)
class RecordedWarning:
    """Something remarkable about a scan; kinds as in `ScanWarning`."""

    kind: str
    message: str


@dataclass(frozen=True, kw_only=True, slots=True)
class CaseRecord:
    """One scan.

    Attributes:
        case: its name; in a sub-folder with that in front.
        files: names of its files, per channel; null for a channel that is not there.
        mask: path from the folder of the masks; null where there is none.
        result: `predicted` in the run of this record, `kept` from before, or `failed`.
        seconds: that it took, reading, predicting and writing; null where that is not known.
        quantities: of each label or region; null where the mask cannot be read, or there is none.
        warnings: of the run that made the mask; before these, that it stays though this run would make another one.
        error: why there is no mask; null where there is one.
        predicted_dice: null where nothing predicts it.
        weights_sha256: of the model that made the mask, as in `RecordedModel`; null where that is not known.
        settings: that the mask was made with; null where that is not known.
        simulated: whether the scan is marked as simulated. Not written where it is not.
        known_case: whether the scan is a case of the data set that the model was trained on. Not written where it is
            not.
    """

    case: str
    files: tuple[str | None, ...]
    mask: str | None
    result: Result
    seconds: float | None = None
    quantities: tuple[Quantity, ...] | None = None
    warnings: tuple[RecordedWarning, ...] = ()
    error: str | None = None
    predicted_dice: PredictedDice | None = None
    weights_sha256: str | None = None
    settings: RecordedSettings | None = None
    simulated: Annotated[bool, Field(exclude_if=not_)] = False
    known_case: Annotated[bool, Field(exclude_if=not_)] = False

    def made_by(self) -> MadeBy:
        """Return what made the mask."""
        return MadeBy(weights=self.weights_sha256, settings=self.settings)


@dataclass(frozen=True, kw_only=True, slots=True)
class RecordedFold:
    """A trained fold of the model.

    Attributes:
        networks: number of those that it gives to the average: its snapshots, or one.
        lost: number of snapshots that its training left and that were not there any more. Not written where none was
            missing.
    """

    configuration: str
    fold: str
    networks: int
    lost: Annotated[int, Field(exclude_if=not_)] = 0


@dataclass(frozen=True, kw_only=True, slots=True)
class RecordedModel:
    """The model; no paths, which mean nothing elsewhere.

    Attributes:
        dataset: the name of the data set that it was trained on.
        description: of what is averaged, in words.
        source: `workspace`, `fold` or `bundle`.
        name: of the folder or file that it was read from.
        sha256: of the file of its weights; of several files, over the SHA-256 of each, in their order.
        folds: of all its stages.
        settings: that it predicts with.
        labels: that its masks hold.
        simulated: whether it was trained on simulated scans. Not written where it was not.
    """

    dataset: str
    description: str
    source: Literal["workspace", "fold", "bundle"]
    name: str
    sha256: str
    folds: tuple[RecordedFold, ...]
    settings: RecordedSettings | None = None
    labels: tuple[Label, ...] = ()
    simulated: Annotated[bool, Field(exclude_if=not_)] = False

    def made_by(self) -> MadeBy:
        """Return what makes masks now."""
        return MadeBy(weights=self.sha256, settings=self.settings)


@dataclass(frozen=True, kw_only=True, slots=True)
class PredictionRecord:
    """One run of `predict`, and what stands of earlier ones.

    Attributes:
        versions: of the program, of Python and of the libraries.
        device: that the networks ran on.
        model: that predicted.
        started: date and time in UTC, as ISO 8601.
        seconds: that the run took.
        cases: of this run in its order, then those of earlier ones whose masks are still there.
        simulated: whether any of the scans is marked as simulated. Not written where none is.
    """

    versions: dict[str, str]
    device: str
    model: RecordedModel
    started: str
    seconds: float
    cases: tuple[CaseRecord, ...]
    simulated: Annotated[bool, Field(exclude_if=not_)] = False
    schema_version: int = SCHEMA_VERSION


def list_versions() -> dict[str, str]:
    """Return the versions of the program, of Python and of the libraries that masks depend on."""
    found = {"autoseg": own_version(), "python": platform.python_version()}
    return found | {package: find_version(package) or "unknown" for package in _PACKAGES}


def describe_folds(models: ModelSet) -> tuple[RecordedFold, ...]:
    """Return the folds of all stages of a model, each once."""
    return tuple(
        dict.fromkeys(
            RecordedFold(configuration=name, fold=model.run.fold, networks=len(model.weights), lost=model.lost)
            for stages in models.stages
            for name, folds in stages.items()
            for model in folds
        )
    )


def quantify(names: Sequence[str], amounts: Sequence[Amount]) -> tuple[Quantity, ...]:
    """Return amounts of labels or regions as they are recorded."""
    return tuple(
        Quantity(
            name=name,
            lesions=amount.lesions,
            volume_mm3=round(amount.ml * 1000, 3),
            lesion_volumes_mm3=tuple(round(volume, 3) for volume in amount.volumes_mm3),
        )
        for name, amount in zip(names, amounts, strict=True)
    )


def recorded(warnings: Sequence[ScanWarning]) -> tuple[RecordedWarning, ...]:
    """Return warnings as they are recorded."""
    return tuple(RecordedWarning(kind=warning.kind, message=warning.message) for warning in warnings)


def read_record(path: Path) -> PredictionRecord | None:
    """Return the record of an earlier run; None where there is none, or it is damaged, or another file."""
    try:
        return read_json(path, PredictionRecord)
    except (AutosegError, OSError):
        return None


def find_records(masks: Path, files: Iterable[Path]) -> Iterator[tuple[Path, PredictionRecord]]:
    """Yield the records of predictions that lie beside masks, each with the folder of its masks.

    Args:
        masks: as they were given, a file or a folder.
        files: the masks one by one, each of which may have a record of its own.
    """
    folder = masks if masks.is_dir() else masks.parent
    places = {report_folder(folder) / RECORD: folder} | {record_of_mask(file): file.parent for file in files}
    for place, own in places.items():
        record = read_record(place)
        if record is not None:
            yield own, record


def write_record(path: Path, record: PredictionRecord, masks: Path) -> None:
    """Write a record; scans that it keeps have what an earlier one of the same file says of them.

    Args:
        path: of the file.
        record: of this run, without scans of earlier ones.
        masks: the folder of the masks.
    """
    earlier = read_record(path)
    # By the mask, which is of one scan: a single mask with a name of its own may have been made of another one before.
    known = {case.mask: case for case in earlier.cases if case.mask} if earlier else {}
    cases = [_recall(case, known.get(case.mask or "")) for case in record.cases]
    now, taken = {case.case for case in record.cases}, {case.mask for case in record.cases}
    left = [case for mask, case in known.items() if mask not in taken and (masks / mask).is_file()]
    others = [case for case in left if case.case not in now]
    all_cases = (*cases, *(replace(case, result="kept") for case in others))
    write_json(path, replace(record, cases=all_cases, simulated=any(case.simulated for case in all_cases)))


def _recall(case: CaseRecord, earlier: CaseRecord | None) -> CaseRecord:
    """Return a kept scan with what is known of the run that made its mask; its volumes are those of the mask now."""
    if case.result != "kept" or earlier is None or earlier.mask != case.mask:
        return case
    return replace(
        case,
        seconds=earlier.seconds,
        warnings=(*case.warnings, *(one for one in earlier.warnings if one.kind not in (OTHER_MODEL, UNKNOWN_MODEL))),
        predicted_dice=earlier.predicted_dice,
        weights_sha256=earlier.weights_sha256,
        settings=earlier.settings,
        known_case=case.known_case or earlier.known_case,
    )
