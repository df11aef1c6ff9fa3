"""Whether files that a command is given are of simulated scans."""

from __future__ import annotations

from pathlib import Path

from autoseg.evaluation import Pairing
from autoseg.pipeline.predictions.places import RECORD, report_folder
from autoseg.pipeline.predictions.record import read_record
from autoseg.workspace.workspace import Workspace
from dataset_fingerprints.layouts import find_marks


def are_simulated(pairing: Pairing, prediction: Path, workspace: Workspace | None) -> bool:
    """Return whether the scans are simulated that masks and references are of.

    Args:
        pairing: the masks with their references.
        prediction: the masks as they were given: the record of their prediction lies beside them.
        workspace: of the labels, or None.
    """
    record = read_record(report_folder(prediction if prediction.is_dir() else prediction.parent) / RECORD)
    if record is not None and record.simulated:
        return True
    places = [file for pair in pairing.pairs for file in (pair.reference, pair.prediction)]
    return find_marks((*places, *([workspace.root] if workspace else []))).simulated
