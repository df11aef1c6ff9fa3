"""Names of what `predict` leaves beside the masks."""

from __future__ import annotations

from pathlib import Path

from dataset_fingerprints.files.places import resolve
from dataset_fingerprints.reading.file_names import stem_of

TABLE, RECORD, SHEET = "predictions.csv", "prediction.json", "contact_sheet.png"
# Of processes that predict into one folder, one after the other writes the table and the record.
TURN = ".turn"
PROBABILITIES, UNCERTAINTY = "probabilities", "uncertainty"
_ENDING = "-report"


def report_folder(masks: Path) -> Path:
    """Return where the report on a folder of masks lies: beside it, so that other programs find only masks in it."""
    place = resolve(masks)
    return place.with_name(f"{place.name}{_ENDING}")


def report_of_mask(mask: Path) -> Path:
    """Return where the maps of a single mask lie whose name a person gave."""
    return resolve(mask.parent) / f"{stem_of(mask)}{_ENDING}"


def record_of_mask(mask: Path) -> Path:
    """Return where the record of a single mask lies whose name a person gave: beside it, as mask-prediction.json."""
    return resolve(mask.parent) / f"{stem_of(mask)}-{RECORD}"


def is_report(folder: Path) -> bool:
    """Return whether a folder is the report on masks."""
    return folder.name.endswith(_ENDING) and any((folder / name).is_file() for name in (TABLE, RECORD))


def holds_masks(folder: Path) -> bool:
    """Return whether a folder is one of masks that were predicted: its report lies beside it."""
    return is_report(folder.with_name(f"{folder.name}{_ENDING}"))
