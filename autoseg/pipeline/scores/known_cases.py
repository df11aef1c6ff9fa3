"""Masks to score whose scans the model was trained on, or on others of the same data set."""

from __future__ import annotations

import logging
from pathlib import Path

from autoseg.evaluation import Pairing
from autoseg.pipeline.predictions.record import find_records
from dataset_fingerprints.names import counted

_log = logging.getLogger(__name__)


def warn_of_known_cases(pairing: Pairing, prediction: Path) -> None:
    """Warn where the records of predictions say that scans are cases of the model's own data set.

    Args:
        pairing: the masks with their references.
        prediction: the masks as they were given, a file or a folder.
    """
    masks = [pair.prediction for pair in pairing.pairs]
    known = {
        (folder / case.mask).absolute()
        for folder, record in find_records(prediction, masks)
        for case in record.cases
        if case.mask and case.known_case
    }
    count = sum(mask.absolute() in known for mask in masks)
    if count:
        are = counted(count, "mask is of a scan that is a case", "masks are of scans that are cases")
        _log.warning(
            "%s of the data set that the model was trained on, as its record says: their scores are better than those "
            "of new scans. A fold's own scores are of cases that it was not trained on; their masks are in its folder "
            "`validation`.",
            are,
        )
