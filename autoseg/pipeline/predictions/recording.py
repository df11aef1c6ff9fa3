"""Collecting of a prediction's record while scans are predicted."""

from __future__ import annotations

import logging
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from autoseg.hardware import choose_device
from autoseg.models import ModelSet
from autoseg.models.bundle import own_version
from autoseg.pipeline.confidence.ways import USUAL_WAY, Way, choose_way
from autoseg.pipeline.models.sources import ModelSource, Place
from autoseg.pipeline.predictions.places import RECORD, record_of_mask, report_folder
from autoseg.pipeline.predictions.record import (
    OTHER_MODEL,
    UNKNOWN_MODEL,
    CaseRecord,
    PredictedDice,
    PredictionRecord,
    RecordedModel,
    RecordedWarning,
    describe_folds,
    list_versions,
    quantify,
    read_record,
    recorded,
    write_record,
)
from autoseg.pipeline.predictions.settings import describe_settings
from autoseg.pipeline.scans.existing_masks import Origin
from autoseg.pipeline.scans.new_scans import NewScan
from autoseg.pipeline.scans.scan_warnings import ScanWarning
from autoseg.pipeline.scores.case_tables import choose_name
from autoseg.pipeline.scores.showing import Amount
from autoseg.prediction import LoadedModel
from autoseg.workspace.fold import FoldFolder
from autoseg.workspace.workspace import Workspace
from dataset_fingerprints.failures import Failure, attempt
from dataset_fingerprints.files.hashes import hash_file, hash_files
from dataset_fingerprints.layouts import find_marks

_log = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True, slots=True)
class Measured:
    """Figures of a scan that its mask does not show.

    Attributes:
        seconds: that it took.
        predicted_dice: None where nothing predicts it.
    """

    seconds: float | None = None
    predicted_dice: PredictedDice | None = None


UNMEASURED = Measured()


@dataclass(frozen=True, kw_only=True, slots=True)
class Recorder:
    """Collects what is recorded of each scan.

    Attributes:
        model: that predicts.
        device: that its networks run on.
        names: of its labels or regions.
        masks: the folder of the masks.
        place: of the record; where somebody else's file is there, it is written beside that.
        known: scans that are cases of the data set that the model was trained on.
        started: date and time, and the clock's seconds.
        cases: recorded so far, by the scan's name.
        earlier: what an earlier run left of each mask, by its path from their folder.
    """

    model: RecordedModel
    device: str
    names: tuple[str, ...]
    masks: Path
    place: Path
    known: frozenset[str] = frozenset()
    started: tuple[str, float] = field(
        default_factory=lambda: (datetime.now(UTC).isoformat(timespec="seconds"), time.monotonic())
    )
    cases: dict[str, CaseRecord] = field(default_factory=dict)
    earlier: Mapping[str, CaseRecord] = field(default_factory=dict)

    def recall(self, target: Path) -> Origin:
        """Return what is known of a mask that is there: by what it was made."""
        found = self.earlier.get(self._place(target))
        if found is None or found.weights_sha256 is None:
            return Origin(known=False, doubt="are in no record, so that nothing says which model made them")
        return Origin(known=True, doubt=found.made_by().describe_difference(self.model.made_by()))

    def look(
        self,
        scan: NewScan,
        target: Path,
        amounts: Sequence[Amount],
        warnings: Sequence[ScanWarning],
        measured: Measured,
    ) -> None:
        """Take note of a scan that was predicted."""
        self.cases[scan.name] = CaseRecord(
            case=scan.name,
            files=_name_files(scan),
            mask=self._place(target),
            result="predicted",
            seconds=None if measured.seconds is None else round(measured.seconds, 3),
            quantities=quantify(self.names, amounts),
            warnings=recorded(warnings),
            predicted_dice=measured.predicted_dice,
            weights_sha256=self.model.sha256,
            settings=self.model.settings,
            simulated=find_marks(scan.files()).simulated,
            known_case=scan.name in self.known,
        )

    def keep(self, scan: NewScan, target: Path, amounts: Sequence[Amount] | None) -> None:
        """Take note of a mask that was there before and stays; amounts are None where it cannot be read."""
        origin = self.recall(target)
        kind, message = OTHER_MODEL if origin.known else UNKNOWN_MODEL, f"one of the masks that {origin.doubt}."
        self.cases[scan.name] = CaseRecord(
            case=scan.name,
            files=_name_files(scan),
            mask=self._place(target),
            result="kept",
            quantities=None if amounts is None else quantify(self.names, amounts),
            warnings=(RecordedWarning(kind=kind, message=message),) if origin.doubt else (),
            simulated=find_marks(scan.files()).simulated,
            known_case=scan.name in self.known,
        )

    def fail(self, scan: NewScan, message: str) -> None:
        """Take note of a scan that could not be predicted."""
        self.cases[scan.name] = CaseRecord(
            case=scan.name, files=_name_files(scan), mask=None, result="failed", error=message
        )

    def write(self) -> Path:
        """Write the record, and return its path; nobody else's file is replaced."""
        started, clock = self.started
        record = PredictionRecord(
            versions=list_versions(),
            device=self.device,
            model=self.model,
            started=started,
            seconds=round(time.monotonic() - clock, 3),
            cases=tuple(self.cases.values()),
        )
        path = _find_place(self.place)
        write_record(path, record, self.masks)
        return path

    def write_beside_mask(self) -> Path | None:
        """Write the record if there is a mask, and return its path; None where it cannot be written, with a warning."""
        if not any(case.mask for case in self.cases.values()):
            return None
        done = attempt(self.place.name, "cannot be written", self.write)
        if isinstance(done, Failure):
            _log.warning("%s", done.describe())
            return None
        return done

    def _place(self, target: Path) -> str:
        return target.relative_to(self.masks).as_posix()


def begin_recording(
    model: RecordedModel, names: tuple[str, ...], masks: Path, known: frozenset[str], named: Path | None
) -> Recorder:
    """Return a recorder that knows what earlier runs left.

    Args:
        model: that predicts.
        names: of its labels or regions.
        masks: the folder of the masks.
        known: scans that are cases of the data set that it was trained on.
        named: the single mask whose own name a person gave; its record lies beside it. Else None.
    """
    place = report_folder(masks) / RECORD if named is None else record_of_mask(named)
    return Recorder(
        model=model,
        device=describe_device(),
        names=names,
        masks=masks,
        place=place,
        known=known,
        earlier=read_earlier(place),
    )


def _find_place(place: Path) -> Path:
    return choose_name(place, lambda path: read_record(path) is not None)


def read_earlier(place: Path) -> dict[str, CaseRecord]:
    """Return what earlier runs recorded at the place of a record, by the paths of their masks."""
    record = read_record(_find_place(place))
    return {case.mask: case for case in record.cases if case.mask} if record else {}


def describe_model(
    place: Place, source: ModelSource, models: ModelSet, loaded: LoadedModel, way: Way = USUAL_WAY
) -> RecordedModel:
    """Return what is recorded of a model."""
    root = place.root if isinstance(place, Workspace | FoldFolder) else place
    return RecordedModel(
        dataset=source.run.dataset,
        description=loaded.description,
        source="workspace" if isinstance(place, Workspace) else "fold" if isinstance(place, FoldFolder) else "bundle",
        name=root.name,
        sha256=_hash(source.files),
        folds=describe_folds(models),
        settings=describe_settings(choose_way(models, way), loaded.decision, own_version()),
        labels=loaded.mask_scheme.labels,
        simulated=source.run.summary.simulated,
    )


def _hash(files: Sequence[Path]) -> str:
    return hash_file(files[0]) if len(files) == 1 else hash_files(files)


def describe_device() -> str:
    """Return the device that networks run on: `cpu`, or `cuda` with the name of the card."""
    import torch

    device = choose_device().type
    return f"{device} ({torch.cuda.get_device_name()})" if device == "cuda" else device


def _name_files(scan: NewScan) -> tuple[str | None, ...]:
    return tuple(None if image is None else image.name for image in scan.images)
