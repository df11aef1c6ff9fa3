"""Masks to score whose scans the model was trained on, or on others of the same data set."""

from __future__ import annotations

import logging
from pathlib import Path

from autoseg.evaluation import Pairing
from autoseg.pipeline.predictions.places import RECORD, record_of_mask, report_folder
from autoseg.pipeline.predictions.record import read_record
from dataset_fingerprints.names import counted

_log = logging.getLogger(__name__)


def warn_of_known_cases(pairing: Pairing, prediction: Path) -> None:
    """Warn where the records of predictions say that scans are cases of the model's own data set.

    Args:
        pairing: the masks with their references.
        prediction: the masks as they were given, a file or a folder.
    """
    masks = [pair.prediction for pair in pairing.pairs]
    folder = prediction if prediction.is_dir() else prediction.parent
    known = _find_known(report_folder(folder) / RECORD, folder)
    known |= {mask for own in masks for mask in _find_known(record_of_mask(own), own.parent)}
    count = sum(mask.absolute() in known for mask in masks)
    if count:
        are = counted(count, "mask is of a scan that is a case", "masks are of scans that are cases")
        _log.warning(
            "%s of the data set that the model was trained on, as its record says: their scores are better than those "
            "of new scans. A fold's own scores are of cases that it was not trained on; their masks are in its folder "
            "`validation`.",
            are,
        )


def _find_known(record: Path, folder: Path) -> set[Path]:
    """Return the masks in a folder of which a record says so."""
    found = read_record(record)
    cases = found.cases if found else ()
    return {(folder / case.mask).absolute() for case in cases if case.mask and case.known_case}
