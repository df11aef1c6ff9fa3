"""Files beside weak labels: the record of what they were made from, and a description that makes them a data set."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from autoseg.classical.texture import FEATURES, Rating
from autoseg.pipeline.scans.new_scans import NewScan
from dataset_fingerprints.errors import DataError, FileFormatError
from dataset_fingerprints.files.jsonfiles import JsonValue, read_plain_json, write_json

RECORD, DESCRIPTION, PATCHES = "weak-labels.json", "dataset.json", "patches"
BACKGROUND = "background"
_MADE_FROM, _LABEL_MAPS = "made_from", "label_maps"
_SCHEMA_VERSION = 1


@dataclass(frozen=True, kw_only=True, slots=True)
class Knowledge:
    """Classes, classifier and settings that weak labels are made from.

    Attributes:
        made_from: digest of patches and settings.
        values: of the classes in label maps.
        counts: patches of each class.
        rating: of the classifier.
        settings: of the textures and of the classifier.
        features: number of them.
    """

    made_from: str
    values: Mapping[str, int]
    counts: Mapping[str, int]
    rating: Rating
    settings: Mapping[str, object]
    features: int


def has_record(out: Path) -> bool:
    """Return whether a folder is one of weak labels."""
    return _read_record(out) is not None


def read_label_maps(out: Path) -> dict[str, str]:
    """Return a digest of what each label map in a folder was made from, by its path there."""
    made = (_read_record(out) or {}).get(_LABEL_MAPS)
    return {str(path): str(digest) for path, digest in made.items()} if isinstance(made, dict) else {}


def _read_record(out: Path) -> dict[str, JsonValue] | None:
    try:
        found = read_plain_json(out / RECORD)
    except (FileFormatError, OSError):
        return None
    return found if isinstance(found, dict) else None


def refuse_foreign_description(out: Path) -> None:
    """Make sure that the folder is not another data set.

    Raises:
        DataError: it is one.
    """
    if (out / DESCRIPTION).exists() and not has_record(out):
        raise DataError(f"{out}: holds another data set ({DESCRIPTION}). Name a new folder with -o.")


def write_record(out: Path, known: Knowledge, label_maps: Mapping[str, str]) -> None:
    """Write what label maps are made from, and how well the classifier did on patches it had not seen.

    Args:
        out: the folder.
        known: what the patches say.
        label_maps: a digest of what each is made from, by its path in the folder.
    """
    rating, names = known.rating, list(known.values)
    confusion = {name: dict(zip(names, row, strict=True)) for name, row in zip(names, rating.table, strict=False)}
    write_json(
        out / RECORD,
        {
            "schema_version": _SCHEMA_VERSION,
            _MADE_FROM: known.made_from,
            "classes": dict(known.values),
            "patches": dict(known.counts),
            "accuracy": rating.accuracy,
            "folds": rating.folds,
            "folds_by_scan": rating.by_scan,
            "given_by_class": confusion,
            "features": f"{known.features}: {FEATURES}",
            "settings": dict(known.settings),
            _LABEL_MAPS: dict(label_maps),
        },
    )


def write_description(
    out: Path, channel: str, values: Mapping[str, int], masks: Sequence[tuple[NewScan, Path]]
) -> None:
    """Write the description that training reads: the scans where they lie, and their weak labels."""
    listed = {
        scan.name: {
            "images": [str(file.absolute()) for file in scan.files()],
            "label": path.relative_to(out).as_posix(),
        }
        for scan, path in masks
    }
    labels = {BACKGROUND: 0} | {name: value for name, value in values.items() if value}
    write_json(
        out / DESCRIPTION,
        {
            "weak_labels": RECORD,
            "channel_names": {"0": channel},
            "labels": labels,
            "numTraining": len(listed),
            "dataset": listed,
        },
    )
